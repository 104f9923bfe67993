"""The steps by which a question is understood; `rag.question` takes them in order."""
