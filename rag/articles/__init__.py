"""Articles in: files of several formats become `Article`s with one canonical text.

`find` turns what a person typed (files, folders, patterns) into files; `read` turns one file into an
article. A new format is one more entry in `reading.READERS`.
"""

from rag.articles.files import find
from rag.articles.reading import read

__all__ = ["find", "read"]
