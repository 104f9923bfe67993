"""How the chat holds up under many users, over the route that a browser takes. `python -m eval.load`, or `make load`.

Every user opens the page, holds its heartbeat open, and asks the gold questions of the dev split, thinking between an
answer and the next question. Starts `hoidap serve` with an index of its own, or asks the server at `--url`, which then
has to run with `HOIDAP_QUESTIONS_PER_MINUTE=0`, since all questions come from one address. Reports, in seconds, how
long it took until the first words and the whole answer had come.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

_GOLD = Path(__file__).parent / "gold" / "dev.jsonl"
_BOX = "hd-question"  # the element in which the page takes a question
_SAID = ("hd-answer", "hd-refused")
_WENT_WRONG = "hd-error"
_PATIENCE = 60.0  # seconds to wait for one answer


@dataclass(slots=True)
class Measured:
    """What the users saw: seconds until the first words and until the end, and what went wrong."""

    first: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)


def main() -> None:
    """Measure and print one JSON object; exit with 1 if there was an error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=50, help="users at the same time (default 50)")
    parser.add_argument("--think", type=float, default=5.0, help="mean seconds between answer and question (default 5)")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long to ask (default 60)")
    parser.add_argument("--url", help="a server that runs already [default: start one]")
    options = parser.parse_args()
    if options.url:
        measured = asyncio.run(visit(options.url, options.users, options.think, options.seconds))
    else:
        with tempfile.TemporaryDirectory() as folder, served(Path(folder, "index")) as (url, _):
            measured = asyncio.run(visit(url, options.users, options.think, options.seconds))
    result = {
        "cores": os.cpu_count(),
        "users": options.users,
        "think_s": options.think,
        "answers": len(measured.whole),
        "answers_per_s": round(len(measured.whole) / options.seconds, 2),
        "errors": len(measured.errors),
        "first_words_s": _summary(measured.first),
        "whole_answer_s": _summary(measured.whole),
    }
    print(json.dumps(result, indent=2))
    for error in sorted(set(measured.errors)):
        print(f"{measured.errors.count(error)} x {error}", file=sys.stderr)
    sys.exit(1 if measured.errors or not measured.whole else 0)


async def visit(url: str, users: int, think: float, seconds: float) -> Measured:
    """Let `users` ask the chat page at `url` for so many seconds, `think` seconds after each answer on the average."""
    questions = [json.loads(line)["question"] for line in _GOLD.read_text(encoding="utf-8").splitlines()]
    measured = Measured()
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=users * 2)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=_PATIENCE) as client:
        while (page := await client.get("config")).status_code == httpx.codes.SERVICE_UNAVAILABLE:
            await asyncio.sleep(0.5)  # it is starting
        chat = Chat(client, page.raise_for_status().json())
        end = time.monotonic() + seconds
        order = random.Random(1)  # noqa: S311 # chance, not secrets
        asking = [order.sample(questions, len(questions)) for _ in range(users)]
        await asyncio.gather(*(_user(chat, each, think, end, measured) for each in asking))
    return measured


async def _user(chat: Chat, questions: list[str], think: float, end: float, measured: Measured) -> None:
    """One person, who begins at some moment of the first thinking time and asks until `end`, and once at least."""
    session = uuid4().hex
    heartbeat = asyncio.create_task(chat.hold(session))
    await asyncio.sleep(random.uniform(0, think))  # noqa: S311 # chance, not secrets
    for question in questions:
        try:
            first, whole = await asyncio.wait_for(chat.ask(session, question), _PATIENCE)
            measured.first.append(first)
            measured.whole.append(whole)
        except (httpx.HTTPError, TimeoutError, ValueError) as error:
            measured.errors.append(f"{type(error).__name__}: {error}")
        await asyncio.sleep(random.uniform(think / 2, think * 3 / 2))  # noqa: S311 # chance, not secrets
        if time.monotonic() > end:
            break
    heartbeat.cancel()


@dataclass(frozen=True, slots=True)
class Chat:
    """The chat page's routes: `client` is at its address, `page` is Gradio's description of it."""

    client: httpx.AsyncClient
    page: dict[str, Any]

    async def ask(self, session: str, question: str) -> tuple[float, float]:
        """Seconds until the first words of the answer and until its end. Raises ValueError for one that failed."""
        begun = time.perf_counter()
        first = 0.0
        joined = await self.client.post("gradio_api/queue/join", json=event(self.page, session, question))
        event_id = joined.raise_for_status().json()["event_id"]
        async with self.client.stream("GET", "gradio_api/queue/data", params={"session_hash": session}) as stream:
            stream.raise_for_status()
            async for line in stream.aiter_lines():
                if not line.startswith("data:"):
                    continue
                if _WENT_WRONG in line:
                    raise ValueError("an error was shown instead of an answer")
                if not first and any(name in line for name in _SAID):
                    first = time.perf_counter() - begun
                if "process_completed" not in line:  # read as JSON, what goes before would cost as much as the answer
                    continue
                message = json.loads(line.removeprefix("data:"))
                if message.get("event_id") == event_id and message["msg"] == "process_completed":
                    if not message["success"] or not first:
                        raise ValueError("the server ended without an answer")
                    return first, time.perf_counter() - begun
        raise ValueError("the stream ended without an answer")

    async def hold(self, session: str) -> None:
        """Keep the heartbeat open, as an open page does."""
        async with self.client.stream("GET", f"gradio_api/heartbeat/{session}", timeout=None) as stream:
            async for _ in stream.aiter_raw():
                pass


def event(page: dict[str, Any], session: str, question: str) -> dict[str, Any]:
    """What the browser sends when Enter is pressed in the box: the question, and all other inputs as they stand."""
    parts = {part["id"]: part for part in page["components"]}
    box = next(part for part, made in parts.items() if made["props"].get("elem_id") == _BOX)
    asking = next(each for each in page["dependencies"] if [box, "submit"] in map(list, each["targets"]))
    data = [question if part == box else parts[part]["props"].get("value") for part in asking["inputs"]]
    data = [
        None if parts[part]["type"] == "state" else value for part, value in zip(asking["inputs"], data, strict=True)
    ]
    return {"data": data, "fn_index": asking["id"], "trigger_id": box, "session_hash": session}


@contextmanager
def served(index_dir: Path) -> Iterator[tuple[str, int]]:
    """The address and the process id of `hoidap serve` over that index, without a limit of questions.

    It may still be starting. Over an empty index it indexes the seed articles first.
    """
    command = [sys.executable, "-c", "from ui.cli import main; main()", "serve", "--port", "0"]
    environment = {**os.environ, "HOIDAP_INDEX_DIR": str(index_dir), "HOIDAP_QUESTIONS_PER_MINUTE": "0"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8") as server:  # noqa: S603 # our own
        try:
            line = server.stdout.readline() if server.stdout else ""
            address = re.search(r"http://\S+", line)
            if not address:
                sys.exit(f"hoidap serve did not start: {line!r}")
            yield address.group(), server.pid
        finally:
            server.terminate()


def _summary(samples: list[float]) -> dict[str, float]:
    """The median, the 95th percentile and the longest."""
    ordered = sorted(samples) or [0.0]
    middle, late = (ordered[round(share * (len(ordered) - 1))] for share in (0.5, 0.95))
    return {"p50": round(middle, 3), "p95": round(late, 3), "max": round(ordered[-1], 3)}


if __name__ == "__main__":
    main()
