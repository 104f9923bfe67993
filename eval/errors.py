"""What can be wrong with what an evaluation is given."""

from __future__ import annotations

from rag.errors import HoidapError


class EvalError(HoidapError):
    """A gold file, a data set, an option or a result cannot be used; nothing was written."""
