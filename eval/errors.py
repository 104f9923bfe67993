"""What can be wrong with what an evaluation is given, and with what was kept of use."""

from __future__ import annotations

from rag.errors import HoidapError


class EvalError(HoidapError):
    """A gold file, a data set, an option or a result cannot be used; nothing was written."""


class FeedbackError(HoidapError):
    """The store of questions, answers and thumbs cannot be read or written."""
