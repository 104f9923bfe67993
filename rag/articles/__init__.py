"""Articles in: files of several formats become `Article`s with one canonical text.

`find` turns what a person typed (files, folders, patterns) into files, and `items` a file into the articles to be
that it holds: one, or one a line. `read` and `read_bytes` turn one file, or what came from elsewhere, into an article.
A new format is one more entry in `reading.READERS`.
"""

from rag.articles.files import find
from rag.articles.items import Item, items
from rag.articles.reading import read, read_bytes

__all__ = ["Item", "find", "items", "read", "read_bytes"]
