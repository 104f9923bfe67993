"""How long a fresh process takes until its first answer, and what memory the server then holds. `python -m eval.cold`.

Over the seed articles, in an index of its own; what the processes read is in the page cache by then. Seconds by the
clock and of processor time: on a machine that does other work too, the latter tells more. Reads `/proc`: Linux only.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from uuid import uuid4

import httpx

from eval.load import Chat, served
from rag.articles import find, read
from rag.pipeline import open_corpus
from rag.settings import load_settings

_GOLD = Path(__file__).parent / "gold" / "dev.jsonl"
_QUESTION = "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?"
_QUESTIONS = 30  # asked before the server's memory is read
_OFTEN = 0.02  # seconds between two looks whether the page is there
_PATIENCE = 120.0  # seconds

Figures = dict[str, float]


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5, help="starts of each command (default 5)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(index_dir=Path(folder) / "index")
        open_corpus(settings).add([read(path) for path in find([settings.seeds_dir])])
        print(json.dumps(cold(settings.index_dir, options.times), indent=2))


def cold(index_dir: Path, times: int) -> Figures:
    """Medians of so many starts of `hoidap --help`, `hoidap ask` and `hoidap serve`, over that index.

    `ask` is until the answer is printed; `page` until the server gives the chat page and no longer a notice; `answer`
    until a question that is asked there at once has its answer: `_s` in seconds since the start, `_cpu_s` in seconds of
    processor time. `rss_mb` is the server's memory after 30 different questions, `anon_mb` the part of it that is no
    file's and cannot be given back.
    """
    runs: list[Figures] = []
    for _ in range(times):
        runs.append(_command("help", ["--help"]) | _command("ask", ["--index", str(index_dir), "ask", _QUESTION]))
        runs[-1] |= _server(index_dir)
    return {name: round(statistics.median(run[name] for run in runs), 2) for name in runs[0]}


def _command(name: str, arguments: list[str]) -> Figures:
    begun, before = time.perf_counter(), os.times()
    command = [sys.executable, "-c", "from ui.cli import main; main()", *arguments]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 # our own
    taken, now = time.perf_counter() - begun, os.times()
    cpu = now.children_user - before.children_user + now.children_system - before.children_system
    return {f"{name}_s": taken, f"{name}_cpu_s": cpu}


def _server(index_dir: Path) -> Figures:
    begun = time.perf_counter()
    with served(index_dir) as (url, process):
        return asyncio.run(_visit(url, process, begun))


async def _visit(url: str, process: int, begun: float) -> Figures:
    lines = _GOLD.read_text(encoding="utf-8").splitlines()
    questions = list(dict.fromkeys(json.loads(line)["question"] for line in lines))[:_QUESTIONS]
    async with httpx.AsyncClient(base_url=url, timeout=_PATIENCE) as client:
        while (await client.get("/")).status_code != httpx.codes.OK:
            await asyncio.sleep(_OFTEN)
        figures = _taken("page", process, begun)
        chat = Chat(client, (await client.get("config")).raise_for_status().json())
        for question in questions:
            await chat.ask(uuid4().hex, question)
            if "answer_s" not in figures:
                figures |= _taken("answer", process, begun)
    return figures | _memory(process)


def _taken(name: str, process: int, begun: float) -> Figures:
    after_name = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    ticks = sum(map(int, after_name[11:13]))  # in user and in kernel mode
    return {f"{name}_s": time.perf_counter() - begun, f"{name}_cpu_s": ticks / os.sysconf("SC_CLK_TCK")}


def _memory(process: int) -> Figures:
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    kilobytes = {
        name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines) if "kB" in value
    }
    return {"rss_mb": kilobytes["VmRSS"] * 1024 / 1e6, "anon_mb": kilobytes["RssAnon"] * 1024 / 1e6}


if __name__ == "__main__":
    main()
