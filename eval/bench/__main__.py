"""Every speed, beside the usual LangChain recipe on the same weights. `python -m eval.bench`, or `make bench`.

Ours and theirs take turns in one run, so that noise hits both: on a shared machine trust the ratios. Prints tables and
writes `bench.json` and `bench.svg`. Asks the gold questions of the dev split over the seed articles; `--articles` are
for indexing alone.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from rich.console import Console

from eval.bench.measuring import Options, Result, measure
from eval.bench.plot import ratios
from eval.bench.table import print_result
from eval.errors import EvalError
from rag.errors import HoidapError
from rag.settings import load_settings

_PACKAGES = ("faiss-cpu", "onnxruntime", "sentence-transformers", "tantivy", "torch")
_WIDTH = 150  # characters of the tables, in a file


def main() -> None:
    """Measure, print, and write the JSON and the plot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=_positive, default=3, help="times that each speed is measured (default 3)")
    parser.add_argument("--questions", type=_positive, help="only the first so many gold questions")
    parser.add_argument("--articles", nargs="+", default=(), help="files to measure indexing on (default: the seeds)")
    parser.add_argument("--limit", type=_positive, default=50, help="the first so many of those articles (default 50)")
    parser.add_argument("--cold", type=_positive, default=5, help="cold starts (default 5)")
    parser.add_argument("--peer-python", type=Path, help="a Python that has txtai: measured too")
    parser.add_argument("--out", type=Path, default=Path("bench"), help="the files to write, but for their endings")
    chosen = parser.parse_args()
    options = Options(
        rounds=chosen.rounds,
        questions=chosen.questions,
        articles=tuple(chosen.articles),
        limit=chosen.limit,
        cold=chosen.cold,
        peer_python=chosen.peer_python,
    )
    noted = Console(stderr=True, highlight=False, soft_wrap=True)
    try:
        settings = load_settings()
        result = measure(settings, options, noted.print)
    except (EvalError, HoidapError) as error:
        sys.exit(f"bench: {error}")
    print_result(Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH), result)
    written = json.dumps(_as_json(result, options, settings.threads), ensure_ascii=False, indent=2, default=str)
    chosen.out.with_suffix(".json").write_text(written + "\n", encoding="utf-8")
    chosen.out.with_suffix(".svg").write_text(ratios(result.figures), encoding="utf-8")


def _positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError("a number from 1 on is expected")
    return int(text)


def _as_json(result: Result, options: Options, threads: int) -> dict[str, Any]:
    figures = [
        {**asdict(figure), "times": {name: figure.times(name) for name in figure.values if figure.times(name)}}
        for figure in result.figures
    ]
    return {
        "ended": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "threads": threads, "python": platform.python_version()},
        "packages": {name: version(name) for name in _PACKAGES},
        "options": asdict(options),
        **asdict(result),
        "floor": {**asdict(result.floor), "fp32_ms": result.floor.fp32_ms, "int8_ms": result.floor.int8_ms},
        "figures": figures,
    }


if __name__ == "__main__":
    main()
