"""What can go wrong with an index. Each message is one sentence that names the remedy.

IndexStoreError
├── IndexPathError      the folder cannot be made, read or written
├── IndexServerError    the server that holds the index cannot be used
├── IndexBusyError      another process is writing
└── IndexDamagedError   the store cannot be read as an index of ours
"""

from __future__ import annotations


class IndexStoreError(Exception):
    """Base of every expected failure of an index; `str(error)` is fit to be shown to a person."""


class IndexPathError(IndexStoreError):
    """The folder of the index cannot be made, read or written."""


class IndexServerError(IndexStoreError):
    """The server that holds the index cannot be reached, or refuses."""


class IndexBusyError(IndexStoreError):
    """Another process is writing to the index."""


class IndexDamagedError(IndexStoreError):
    """The store is damaged, or is not an index, or was written by a newer version."""
