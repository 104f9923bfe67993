"""The result of a run: the JSON object that `--json` writes, and what the report and the comparison read.

    {"run": {...}, "metrics": {name: value}, "by_type": {type: {name: value}}, "questions": [{...}], "detail": {...}}

`metrics` are plain numbers; what surrounds them (intervals, counts, curves) is in `detail`.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from eval import metrics
from eval.errors import EvalError
from eval.stats import Bootstrap
from eval.writing import totals

_CURVE_POINTS = 60
# Over questions of one type these say nothing: they are about the mixture, or the same for all.
_OVERALL_ONLY = ("refusal_precision", "given_context.refusal_precision")

Question = dict[str, Any]


@dataclass(slots=True)
class Result:
    """What a run found. A metric that it does not have is absent."""

    run: dict[str, Any]
    metrics: dict[str, float]
    by_type: dict[str, dict[str, float]]
    questions: list[Question]
    detail: dict[str, Any] = field(default_factory=dict)


def summarise(run: Mapping[str, Any], questions: Sequence[Question], costs: Mapping[str, float]) -> Result:
    """Means, intervals and curves over `questions`, each with its `scores`; `costs` are put beside the metrics."""
    names = list(dict.fromkeys(name for q in questions for name in q["scores"]))
    values = np.array([[q["scores"].get(name, np.nan) for name in names] for q in questions], np.float64)
    values = values.reshape(len(questions), len(names))
    bootstrap = Bootstrap([q.get("group") or q["id"] for q in questions])
    result = Result(dict(run), {}, {}, list(questions))
    intervals: dict[str, Any] = {}
    by_type: dict[str, dict[str, Any]] = {}
    _means(names, values, bootstrap, result.metrics, intervals)
    for prefix in ("", "given_context."):
        if f"{prefix}refusal_recall" not in result.metrics:  # nothing should be refused: precision says nothing
            result.metrics.pop(f"{prefix}refusal_precision", None)
            intervals.pop(f"{prefix}refusal_precision", None)
    kinds = np.array([q["type"] for q in questions])
    for kind in dict.fromkeys(kinds.tolist()):
        here = np.where((kinds == kind)[:, None], values, np.nan)
        kept = [i for i, name in enumerate(names) if name not in _OVERALL_ONLY]
        found, spread = result.by_type.setdefault(kind, {}), by_type.setdefault(kind, {})
        _means([names[i] for i in kept], here[:, kept], bootstrap, found, spread)
    result.detail = {"intervals": intervals, "by_type_intervals": by_type}
    result.detail["counts"] = {str(kind): int((kinds == kind).sum()) for kind in dict.fromkeys(kinds.tolist())}
    if sums := totals(questions):
        result.detail["writing"] = sums
    _refusal(questions, bootstrap, result)
    result.metrics |= {name: round(value, 3) for name, value in costs.items()}
    return result


def _means(names: Sequence[str], values: Any, bootstrap: Bootstrap, into: dict[str, float], spread: Any) -> None:
    for i, interval in enumerate(bootstrap.mean(values)):
        held = values[:, i][~np.isnan(values[:, i])]
        if held.size:
            into[names[i]] = round(float(held.mean()), 6)
            spread[names[i]] = [round(v, 6) for v in interval] if interval else None


def _refusal(questions: Sequence[Question], bootstrap: Bootstrap, result: Result) -> None:
    """AUROC, the curve over the threshold, and how well support is calibrated: openly and with the given context."""
    for prefix in ("", "given_context."):
        seen = questions if not prefix else [q["given_context"] for q in questions if "given_context" in q]
        if len(seen) != len(questions) or any(q.get("support") is None for q in seen):
            continue
        scores = [1 - q["support"] for q in seen]
        unanswerable = [not q["answerable"] for q in seen]
        result.detail[f"{prefix}calibration"] = [
            asdict(b) for b in metrics.calibration([q["support"] for q in seen], [q["answerable"] for q in seen])
        ]
        area = metrics.auroc(scores, unanswerable)
        if area is None:
            continue
        result.metrics[f"{prefix}refusal_auroc"] = round(area, 6)
        interval = bootstrap.auroc(scores, unanswerable)
        result.detail["intervals"][f"{prefix}refusal_auroc"] = [round(v, 6) for v in interval] if interval else None
        curve = metrics.refusal_curve(scores, unanswerable)
        step = max(1, len(curve) // _CURVE_POINTS)
        kept = [*curve[:-1:step], curve[-1]]
        result.detail[f"{prefix}refusal_curve"] = [asdict(point) for point in kept]


def write_text(path: Path, text: str) -> None:
    """Write a file whole or not at all.

    Raises:
        EvalError: it cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
        temporary = Path(name)
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            umask = os.umask(0)
            os.umask(umask)
            temporary.chmod(0o666 & ~umask)
            temporary.replace(path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise EvalError(f"{path} cannot be written ({error.strerror}): name a file in a folder of yours.") from error


def to_json(result: Result) -> str:
    """`result` as JSON text."""
    return json.dumps(asdict(result), ensure_ascii=False, indent=1, allow_nan=False) + "\n"


def extractive(result: Result) -> Result | None:
    """What quotes alone gave for the same questions; None if nothing else was measured."""
    beside = result.detail.get("extractive")
    return Result(**beside) if beside else None


def load(path: Path) -> Result:
    """A result that `--json` wrote.

    Raises:
        EvalError: the file cannot be read, or holds something else.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
        result = Result(value["run"], value["metrics"], value["by_type"], value["questions"], value.get("detail", {}))
        needed = {"id", "type", "question", "correct", "scores"}
        shaped = all(needed <= q.keys() for q in result.questions) and isinstance(result.metrics, dict)
    except OSError as error:
        raise EvalError(f"{path} cannot be read ({error.strerror}): name a file that --json wrote.") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise EvalError(f"{path} is not a result of `hoidap eval --json`.") from error
    if not shaped:
        raise EvalError(f"{path} is not a result of `hoidap eval --json`.")
    return result
