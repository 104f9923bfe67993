"""How sure an answer must be: the weights by which evidence becomes a probability, and the two thresholds on it.

A calibration is a small JSON file. The one that comes with hoidap was fitted by `eval/fit.py` on questions of our own;
`hoidap calibrate GOLD` fits it anew on an operator's questions. It belongs to one embedder: with vectors of another
model its numbers mean nothing, so it is refused then.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path

from rag.errors import CalibrationError

NAME = "calibration.json"
"""What the file of an index is called, in the index's folder."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """`weights` of the features of `rag.grounding.features`, and their `bias`: a logistic regression.

    At a probability of `answer_from` a question is answered, below `refuse_below` it is refused, and between the two
    the answer is shown with a warning. `fitted_on` says in words what it was fitted on.
    """

    embedder: str
    weights: Mapping[str, float]
    bias: float
    refuse_below: float
    answer_from: float
    fitted_on: str

    def probability(self, features: Mapping[str, float]) -> float:
        """How likely it is, from 0 to 1, that evidence of these features answers."""
        logit = self.bias + sum(weight * features.get(name, 0.0) for name, weight in self.weights.items())
        return 1 / (1 + math.exp(-max(-50.0, min(50.0, logit))))

    def check(self, embedder: str) -> None:
        """Raise CalibrationError if this belongs to another embedder."""
        if embedder != self.embedder:
            raise CalibrationError(
                f"The calibration of refusals was fitted with the embedder {self.embedder!r}, the index uses "
                f"{embedder!r}: fit it anew with `hoidap calibrate GOLD` on questions of your own."
            )


def load_calibration(index_dir: Path) -> Calibration:
    """The calibration of the index in `index_dir`; the one that comes with hoidap if it has none of its own.

    Raises:
        CalibrationError: the file cannot be read or is not a calibration.
    """
    own = index_dir / NAME
    try:
        text = own.read_text("utf-8") if own.is_file() else (files("rag") / NAME).read_text("utf-8")
        content = Calibration(**json.loads(text))
        content.probability({})
        if not 0 <= content.refuse_below <= content.answer_from <= 1:
            raise ValueError("refuse_below and answer_from must be probabilities, in this order")
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise CalibrationError(
            f"The calibration {own} cannot be used ({error}): delete it, or run `hoidap calibrate GOLD` again."
        ) from error
    return content


def save_calibration(calibration: Calibration, index_dir: Path) -> Path:
    """Write `calibration` beside the index in `index_dir`, and return where.

    Raises:
        CalibrationError: it cannot be written.
    """
    path = index_dir / NAME
    try:
        temporary = path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(calibration), indent=2, ensure_ascii=False) + "\n", "utf-8")
        temporary.replace(path)
    except OSError as error:
        raise CalibrationError(f"{path} cannot be written ({error.strerror}): make the folder writable.") from error
    return path
