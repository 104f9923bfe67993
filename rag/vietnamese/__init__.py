"""Vietnamese text: spelling, sentences, words and terms. The only room that knows the language."""
