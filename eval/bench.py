"""How long an answer takes: warm, stage by stage, and cold (`eval.cold`). `python -m eval.bench`.

Asks the gold questions of the dev split over the seed articles, in an index of its own. Reports medians and 95th
percentiles in milliseconds; a single number on a shared machine means little, so look at ratios between runs.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import tempfile
import time
from pathlib import Path

from eval.cold import cold
from rag.articles import find, read
from rag.pipeline import Pipeline, open_pipeline
from rag.schema import Answer
from rag.settings import Settings, load_settings

_GOLD = Path(__file__).parent / "gold" / "dev.jsonl"
_WARM_UP = 10


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="times that the questions are asked (default 3)")
    parser.add_argument("--cold", type=int, default=5, help="cold starts of each command (default 5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(index_dir=Path(folder) / "index")
        pipeline = open_pipeline(settings)
        build = _timed_build(pipeline, settings)
        result = {
            "machine": {"cores": os.cpu_count(), "python": platform.python_version()},
            "build_s": round(build, 2),
            "warm_ms": warm(pipeline, options.rounds),
            "again_ms": again(pipeline),
            "cold": cold(settings.index_dir, options.cold),
        }
    print(json.dumps(result, ensure_ascii=False, indent=2))


def _timed_build(pipeline: Pipeline, settings: Settings) -> float:
    articles = [read(path) for path in find([settings.seeds_dir])]
    _ = pipeline.corpus.embedder.embed(["nạp mô hình"], "query")  # loading the model is not building
    begun = time.perf_counter()
    pipeline.corpus.add(articles)
    return time.perf_counter() - begun


def warm(pipeline: Pipeline, rounds: int) -> dict[str, dict[str, float]]:
    """Milliseconds of a question after warm-up that was not asked before: in all, and by stage."""
    questions = _questions()
    for question in questions[:_WARM_UP]:
        pipeline.ask(question)
    samples: dict[str, list[float]] = {}
    for _ in range(rounds):
        pipeline.forget()
        for question in questions:
            answer, total = _timed(pipeline, question)
            samples.setdefault("total", []).append(total)
            for stage, taken in answer.timings.items():
                samples.setdefault(stage, []).append(taken)
    return {stage: _summary(taken) for stage, taken in samples.items()}


def again(pipeline: Pipeline) -> dict[str, float]:
    """Milliseconds of a question that was asked before."""
    samples = []
    for question in _questions():
        pipeline.ask(question)
        samples.append(_timed(pipeline, question)[1])
    return _summary(samples)


def _questions() -> list[str]:
    return list(dict.fromkeys(json.loads(line)["question"] for line in _GOLD.read_text(encoding="utf-8").splitlines()))


def _timed(pipeline: Pipeline, question: str) -> tuple[Answer, float]:
    begun = time.perf_counter()
    answer = pipeline.ask(question)
    return answer, (time.perf_counter() - begun) * 1000


def _summary(samples: list[float]) -> dict[str, float]:
    ordered = sorted(samples)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * (len(ordered) - 1)))]
    return {"p50": round(statistics.median(ordered), 2), "p95": round(p95, 2)}


if __name__ == "__main__":
    main()
