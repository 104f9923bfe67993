"""The way of a question, and the way of an article: the one place where the parts are wired."""
