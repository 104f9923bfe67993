"""How long `hoidap` takes from its start, in a fresh process each time."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from eval.metrics import percentile
from rag.settings import Settings

_QUESTION = "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?"


def cold(settings: Settings, times: int) -> dict[str, float]:
    """Seconds of `hoidap ask` from its start to its end: the median and the 95th percentile of so many."""
    command = [sys.executable, "-c", "from ui.cli import main; main()", "--index", str(settings.index_dir)]
    samples = []
    for _ in range(times):
        begun = time.perf_counter()
        subprocess.run([*command, "ask", _QUESTION, "--json"], check=True, capture_output=True)  # noqa: S603 # our own
        samples.append(time.perf_counter() - begun)
    return {"p50": statistics.median(samples), "p95": percentile(samples, 95)}
