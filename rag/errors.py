"""Every error that hoidap raises on purpose. Each message is one sentence that names the remedy.

    HoidapError
    ├── SettingsError        a setting is unknown or has an impossible value
    ├── ArticleError         a file cannot be read as an article
    ├── SyncError            the index cannot be synced at this moment
    ├── EmbedderError        an embedding model cannot be loaded or prepared
    ├── QuestionError        a question cannot be asked as it stands
    ├── ModelError           a language model cannot be set up, or gives no answer
    │   └── ModelSlowError   it does not answer in time
    ├── CalibrationError     the calibration of refusals cannot be used or written, or is of another embedder
    ├── BulkError            articles cannot be prepared on many machines
    └── IndexMismatchError   the index was built by another embedder or another chunking

The rooms below `rag` have trees of their own (`index.errors`); the edges catch both.
"""

from __future__ import annotations


class HoidapError(Exception):
    """Base of every expected failure; `str(error)` is fit to be shown to a person."""


class SettingsError(HoidapError):
    """A setting is unknown or has an impossible value."""


class ArticleError(HoidapError):
    """A file cannot be read as an article: missing, empty, binary, or in another encoding."""


class SyncError(HoidapError):
    """The index cannot be synced with its sources at this moment: another sync is at work."""


class EmbedderError(HoidapError):
    """An embedding model cannot be loaded, or its folder cannot be prepared in the cache."""


class QuestionError(HoidapError):
    """A question cannot be asked as it stands: empty, or longer than the limit."""


class ModelError(HoidapError):
    """A language model cannot be set up, or gives no answer.

    `retry_after` is for how many seconds it wants not to be asked; 0 if it does not say.
    """

    retry_after = 0.0


class ModelSlowError(ModelError):
    """A language model does not answer in time."""


class CalibrationError(HoidapError):
    """The calibration of refusals cannot be used or written, or belongs to another embedder."""


class BulkError(HoidapError):
    """Articles cannot be prepared on many machines: their engine is not installed, or cannot be reached."""


class IndexMismatchError(HoidapError):
    """The index was built by another embedder or another chunking than the ones in force."""
