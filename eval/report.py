"""The report: one HTML file that needs nothing else, in Vietnamese with English beneath.

It may load nothing and run nothing: its content security policy says so to the browser, and everything that comes
from questions, answers and articles is escaped by Jinja.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from eval import charts
from eval.compare import Comparison, compare
from eval.labels import FAILURES, METRICS, STAGES, TYPES, Label, label
from eval.names import ANSWER, EVIDENCE, REFUSAL, RETRIEVAL, WRITING
from eval.probe import WAYS
from eval.result import Question, Result, extractive
from eval.text import holds
from rag.vietnamese.normalize import mapped, match_form

_TEMPLATES = Path(__file__).parent / "templates"
_TILES = (
    "answer_accuracy",
    "citation_accuracy",
    "refusal_auroc",
    "false_refusal_rate",
    "given_context.refusal_auroc",
    "answer_in_citations@1",
    "fused.ndcg@10",
    "fused.mrr",
    "fused.recall@1",
    "fused.recall@10",
    "latency_p50_ms",
)
_TILES_SHOWN = 5
_WRONG_SHOWN = 400
_COUNTS = ("model_sentences", "model_moved", "model_dropped")


def to_html(result: Result) -> str:
    """The report on `result`."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    wrong = [question for question in result.questions if not question["correct"]]
    beside = compare(plain, result) if (plain := extractive(result)) else None
    return environment.get_template("report.html").render(
        run=result.run,
        count=len(result.questions),
        retrieval_only=not result.run.get("generator"),
        tiles=_tiles(result),
        types=_types(result),
        failures=_failures(wrong),
        retrieval=_retrieval(result),
        refusals=_refusals(result),
        latency=_latency(result),
        stages=_stages(result),
        metrics=_metrics(result),
        writing=result.detail.get("writing"),
        written=[question for question in result.questions if question.get("writing")][:_WRONG_SHOWN],
        beside=beside,
        differences=_differences(beside) if beside else [],
        wrong=_wrong(wrong),
        wrong_count=len(wrong),
        shown=_WRONG_SHOWN,
        marked=marked,
        holds_one=lambda text, wanted: any(holds(text, answer) for answer in wanted),
    )


def _format(name: str, value: float) -> str:
    if name.endswith("_ms"):
        return f"{value:.0f} ms"
    if name.startswith(WAYS):
        return f"{value:.3f}"
    if name.endswith("mean_words") or "tokens" in name:
        return f"{value:.1f}"
    if name in _COUNTS:
        return f"{value:.2f}"
    return f"{value:.0f}" if name.endswith("_mb") else f"{value:.1%}" if "auroc" not in name else f"{value:.3f}"


def _spread(name: str, interval: Sequence[float] | None) -> str:
    return f"{_format(name, interval[0])} – {_format(name, interval[1])}" if interval else ""


def _label(name: str) -> Label:
    if name.startswith(WAYS):
        return Label(name, "passage retrieval")
    return label(name, METRICS)


def _tiles(result: Result) -> list[dict[str, Any]]:
    intervals = result.detail.get("intervals", {})
    names = [name for name in _TILES if name in result.metrics][:_TILES_SHOWN]
    return [
        {
            "label": _label(name),
            "value": _format(name, result.metrics[name]),
            "interval": _spread(name, intervals.get(name)),
        }
        for name in names
    ]


def _types(result: Result) -> Markup | None:
    if len(result.by_type) < 2:
        return None
    spreads, counts = result.detail.get("by_type_intervals", {}), result.detail.get("counts", {})
    rows = [
        charts.Bar(
            label(kind, TYPES), found["correct"], spreads.get(kind, {}).get("correct"), f" · n = {counts.get(kind, 0)}"
        )
        for kind, found in sorted(result.by_type.items(), key=lambda item: -item[1].get("correct", 0))
        if "correct" in found
    ]
    return charts.bars(rows, "Đúng theo loại câu hỏi · Right by type") if rows else None


def _failures(wrong: Sequence[Question]) -> list[tuple[Label, int, float]]:
    counts = Counter(str(question.get("failure") or "") for question in wrong)
    return [(label(name, FAILURES), count, count / len(wrong)) for name, count in counts.most_common()]


def _retrieval(result: Result) -> list[tuple[Label, Markup]]:
    found = []
    levels = {"": Label("Theo đoạn văn", "By passage"), "article.": Label("Theo bài viết", "By article")}
    for level, name in levels.items():
        rows = {
            measure: {way: result.metrics[f"{way}.{level}{measure}"] for way in WAYS}
            for measure in RETRIEVAL
            if all(f"{way}.{level}{measure}" in result.metrics for way in WAYS)
        }
        if rows:
            found.append((name, charts.groups(rows, f"{name.vi} · {name.en}")))
    return found


def _refusals(result: Result) -> list[tuple[Label, Markup, Markup | None]]:
    """Calibration, and the curve over the threshold where there is one, openly and with the given context."""
    found = []
    names = {"": Label("Hỏi cả kho", "Asked openly"), "given_context.": Label("Chỉ với ngữ cảnh", "Given context only")}
    for prefix, name in names.items():
        bins = result.detail.get(f"{prefix}calibration")
        if not bins:
            continue
        most = max(b["count"] for b in bins)
        calibrated = charts.plot(
            {"tỉ lệ thật · observed share": [(b["support"], b["answerable"]) for b in bins]},
            f"Hiệu chỉnh · Calibration ({name.en})",
            axes=("xác suất do máy nêu · support", "trả lời được · answerable"),
            dots=[(b["support"], b["answerable"], b["count"] / most) for b in bins],
            diagonal=True,
        )
        points = result.detail.get(f"{prefix}refusal_curve")
        curve = None
        if points:
            curve = charts.plot(
                {
                    "độ bao phủ · recall": [(min(p["threshold"], 1), p["recall"]) for p in points],
                    "từ chối nhầm · false refusals": [
                        (min(p["threshold"], 1), p["false_refusal_rate"]) for p in points
                    ],
                    "độ chính xác · precision": [
                        (min(p["threshold"], 1), p["precision"]) for p in points if p["precision"] is not None
                    ],
                },
                f"Từ chối theo ngưỡng · Refusal over the threshold ({name.en})",
                axes=("ngưỡng của 1 − support · threshold", ""),
            )
        found.append((name, calibrated, curve))
    return found


def _latency(result: Result) -> Markup | None:
    if not result.run.get("generator"):  # all ways of searching together are no latency that anyone waits for
        return None
    values = [q["latency_ms"] for q in result.questions if q.get("latency_ms") is not None]
    return charts.latency(values, "Thời gian trả lời · Latency") if values else None


def _stages(result: Result) -> list[tuple[Label, float, float]]:
    names = [n.removesuffix("_p50_ms") for n in result.metrics if n.startswith("latency") and n.endswith("_p50_ms")]
    return [
        (
            label(name.removeprefix("latency."), STAGES),
            result.metrics[f"{name}_p50_ms"],
            result.metrics[f"{name}_p95_ms"],
        )
        for name in names
    ]


def _metrics(result: Result) -> list[tuple[str, Label, str, str]]:
    wanted = [p + name for p in ("", "given_context.") for name in ("correct", *ANSWER, *EVIDENCE, *REFUSAL, *WRITING)]
    names = [name for name in [*wanted, "peak_memory_mb"] if name in result.metrics]
    intervals = result.detail.get("intervals", {})
    return [
        (name, _label(name), _format(name, result.metrics[name]), _spread(name, intervals.get(name))) for name in names
    ]


def _differences(found: Comparison) -> list[tuple[Label, str, str, str, bool | None]]:
    """Each metric of the answers with quotes alone and with the model, the difference, and whether that is better."""
    order = {name: i for i, name in enumerate(("correct", *ANSWER, *REFUSAL))}
    known = sorted((d for d in found.differences if d.name in order), key=lambda d: order[d.name])
    return [
        (_label(d.name), _format(d.name, d.a), _format(d.name, d.b), _spread(d.name, (d.low, d.high)), d.better)
        for d in known
    ]


def _wrong(wrong: Sequence[Question]) -> list[tuple[Label, list[dict[str, Any]]]]:
    """Wrong questions by type, in the order of the run, each with the label of what went wrong."""
    by_type: dict[str, list[dict[str, Any]]] = {}
    for question in wrong[:_WRONG_SHOWN]:
        shown = {"failure_label": label(str(question.get("failure") or ""), FAILURES), **question}
        for name in ("passages", "history", "citations"):
            shown.setdefault(name, [])
        shown.setdefault("expected", {"answers": [], "all_of": [], "articles": []})
        by_type.setdefault(question["type"], []).append(shown)
    return [(label(kind, TYPES), questions) for kind, questions in by_type.items()]


def marked(text: str, wanted: Iterable[str]) -> Markup:
    """`text`, escaped, with the `wanted` answers in it highlighted, however they are spelled there."""
    patterns = [_pattern(answer) for answer in wanted if re.search(r"\w", answer)]
    form = mapped(text)
    pieces, at = [], 0
    for found in re.finditer("|".join(patterns), form.text) if patterns else ():
        start, end = form.original(*found.span())
        pieces += [escape(text[at:start]), Markup("<mark>{}</mark>").format(text[start:end])]
        at = end
    return Markup("").join([*pieces, escape(text[at:])])


def _pattern(answer: str) -> str:
    words = re.findall(r"\w+|%", match_form(answer))
    return r"(?<!\w)" + r"\W{1,3}".join(re.escape(word) for word in words) + r"(?!\w)"
