"""What is left of an index whose writer is killed. `python -m eval.crash --rounds 100`, or `make crash`.

In each round a process writes to the index (adds, changes and removes articles, rebuilds) and tells what it is about to do
and what was acknowledged, until it is killed (SIGKILL) at a moment of chance. Then the index is opened and compared with
what it has to hold. Other processes read all the while. Then the same again with more chunks, to see how long opening
takes. The embedder is made up: it is the storage that is on trial. Exits with 1 if anything was wrong.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np

import index.dense
from index.local import LocalIndex
from index.schema import Filter, Vectors
from rag.corpus import Corpus
from rag.embedding import Kind
from rag.schema import VERSION_DIGITS, Article
from rag.vietnamese.terms import FIELDS

_CHUNKS = 10_000  # of the larger index
_ROUNDS_AT_SIZE = 10
_LONGEST = 1.5  # seconds that a writer lives at most, once it writes
_STARTING = 120.0  # seconds that a process may take to start on a busy machine
_ARTICLES = 300  # of the smaller index, about
_SNAPSHOT_EVERY = 200  # operations, instead of 10,000, so that writing a snapshot is interrupted too
_READERS = 2
_BEACON = "beacon"  # an article that every round of adding and changing writes, and the readers look for

_PROCESSES = get_context("spawn")
_State = dict[str, int]
"""What the index holds: by article, the number of the operation that wrote it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a writer does: articles that are written, or removed; a rebuild is neither."""

    kind: str
    number: int
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(slots=True)
class Trial:
    """The figures, and all that was wrong."""

    rounds: int = 0
    acknowledged: Counter[str] = field(default_factory=Counter)
    interrupted: Counter[str] = field(default_factory=Counter)
    opening: list[float] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


class CheapEmbedder:
    """An `Embedder` without a model: unit vectors that the checksums of the texts choose."""

    name = "cheap"
    dimension = 384

    def embed(self, texts: Sequence[str], kind: Kind) -> Vectors:
        """A row for each text; `kind` makes no difference."""
        rows = [
            np.random.default_rng(zlib.crc32(t.encode())).standard_normal(self.dimension, np.float32) for t in texts
        ]
        vectors = np.array(rows, np.float32).reshape(-1, self.dimension)
        unit: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
        return unit


def main() -> None:
    """Try, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=100, help="how often the writer is killed (default 100)")
    parser.add_argument("--chunks", type=int, default=_CHUNKS, help=f"of the larger index (default {_CHUNKS})")
    parser.add_argument("--seed", type=int, default=1, help="of all that is left to chance (default 1)")
    options = parser.parse_args()
    chance = random.Random(options.seed)  # noqa: S311 # chance, not secrets
    with tempfile.TemporaryDirectory() as folder:
        small, lags = try_out(Path(folder) / "small", options.rounds, _ARTICLES, chance)
        large, _ = try_out(Path(folder) / "large", min(_ROUNDS_AT_SIZE, options.rounds), options.chunks, chance)
    figures = {
        "rounds": small.rounds,
        "acknowledged": dict(small.acknowledged),
        "killed_in": dict(small.interrupted),
        "wrong": len(small.wrong) + len(large.wrong),
        "readers_see_after_s": _summary(lags),
        "opening_s": _summary(small.opening),
        f"opening_at_{options.chunks}_chunks_s": _summary(large.opening),
    }
    print(json.dumps(figures, indent=2))
    for what in small.wrong + large.wrong:
        print(what, file=sys.stderr)
    sys.exit(1 if small.wrong or large.wrong else 0)


def try_out(folder: Path, rounds: int, articles: int, chance: random.Random) -> tuple[Trial, list[float]]:
    """Kill writers of an index of about so many articles of one chunk, and read beside them.

    The second are the seconds from each acknowledgement until a reader saw what was acknowledged.
    """
    trial, state, seen = Trial(), dict[str, int](), dict[tuple[str, int], str]()
    with closing(LocalIndex(folder, FIELDS)) as local:
        names = [f"a{number}" for number in range(articles)]
        Corpus(local, CheapEmbedder).add([article(name, 0) for name in (_BEACON, *names)])
        state |= dict.fromkeys((_BEACON, *names), 0)
    acknowledged: dict[int, float] = {}
    readers = [_Reader(folder) for _ in range(_READERS)]
    number = 1
    for _ in range(rounds):
        pending, number = _round(folder, state, number, trial, acknowledged, chance)
        held = _look(folder, trial, seen)
        _compare(held, state, pending, trial)
        state = held
        seen = {(name, at): digest for (name, at), digest in seen.items() if name in held}
        trial.rounds += 1
    return trial, [lag for reader in readers for lag in reader.stop(acknowledged, trial)]


def article(name: str, number: int) -> Article:
    """An article of one chunk, as operation `number` writes it."""
    text = f"Bài {name} được viết ở lần {number}. Cây cầu số {number} của {name} dài 86 mét, rộng 7 mét."
    return Article(name, f"Tiêu đề {name}", text)


def number_of(found: Article) -> int:
    """The operation that wrote `found`; -1 if it is none of ours as it was written."""
    number = re.search(r"ở lần (\d+)[.]", found.text)
    return int(number[1]) if number and article(found.id, int(number[1])) == found else -1


def _round(
    folder: Path, state: _State, number: int, trial: Trial, acknowledged: dict[int, float], chance: random.Random
) -> tuple[Operation | None, int]:
    """Let a writer write and kill it. What was acknowledged goes into `state`; the rest is the operation in which it was
    killed, if any, and the number of the next.
    """
    ours, theirs = _PROCESSES.Pipe(duplex=False)
    writer = _PROCESSES.Process(target=_write, args=(folder, state, number, chance.random(), theirs))
    writer.start()
    theirs.close()
    pending: Operation | None = None
    with ours, suppress(EOFError, OSError):  # it was killed while it told something
        if not ours.poll(_STARTING):
            raise TimeoutError("The writer does not start.")
        ours.recv()
        end = time.monotonic() + chance.uniform(0, _LONGEST)
        while (left := end - time.monotonic()) > 0:
            if ours.poll(left):
                pending = _hear(ours, state, trial, acknowledged, pending)
        writer.kill()
        while True:  # what it said before it was killed
            pending = _hear(ours, state, trial, acknowledged, pending)
    writer.join()
    if pending:
        trial.interrupted[pending.kind] += 1
    return pending, 1 + max([number, *acknowledged, pending.number if pending else 0])


def _hear(
    ours: Connection, state: _State, trial: Trial, acknowledged: dict[int, float], pending: Operation | None
) -> Operation | None:
    """Hear one word of the writer: what it begins, or, as a moment in time, that this is acknowledged."""
    said = ours.recv()
    if isinstance(said, Operation):
        return said
    assert pending  # noqa: S101 # it says what it begins
    state |= dict.fromkeys(pending.written, pending.number)
    for name in pending.removed:
        del state[name]
    trial.acknowledged[pending.kind] += 1
    if _BEACON in pending.written:
        acknowledged[pending.number] = said
    return None


def _write(folder: Path, state: _State, number: int, seed: float, told: Connection) -> None:
    """Write until killed."""
    index.dense._SNAPSHOT_EVERY = _SNAPSHOT_EVERY
    chance = random.Random(seed)  # noqa: S311 # chance, not secrets
    corpus = Corpus(LocalIndex(folder, FIELDS), CheapEmbedder)
    names, size = [name for name in state if name != _BEACON], len(state)
    told.send("ready")
    while True:
        kind = chance.choices(("add", "change", "remove", "rebuild"), (4, 4, 4 if len(names) >= size else 1, 1))[0]
        some = chance.sample(names, min(chance.randint(1, 30), len(names)))
        if kind == "add":
            some = [f"n{number}-{n}" for n in range(chance.randint(1, 30))]
        operation = Operation(
            kind,
            number,
            written=(*some, _BEACON) if kind in {"add", "change"} else (),
            removed=tuple(some) if kind == "remove" else (),
        )
        told.send(operation)
        if operation.written:
            corpus.add([article(name, number) for name in operation.written])
        elif operation.removed:
            corpus.remove(operation.removed)
        else:
            corpus.rebuild()
        told.send(time.time())
        names = [name for name in (*names, *(some if kind == "add" else ())) if name not in operation.removed]
        number += 1


def _look(folder: Path, trial: Trial, seen: dict[tuple[str, int], str]) -> _State:
    """Open the index and look at everything in it. `seen` are the versions that were met before, and are met now."""
    begun = time.perf_counter()
    with closing(LocalIndex(folder, FIELDS)) as local:
        corpus = Corpus(local, CheapEmbedder)
        _find_beacon(corpus)
        trial.opening.append(time.perf_counter() - begun)
        trial.wrong += [f"round {trial.rounds}: {fault.what}" for fault in corpus.verify()]
        held = {found.id: number_of(found) for found in corpus.articles()}
        for (name, number), version in seen.items():
            edition = corpus.edition(name, version)
            if edition and (
                edition.article != article(name, number) or (edition.replaced is None) != (held[name] == number)
            ):
                trial.wrong.append(f"round {trial.rounds}: what {name} was in operation {number} is lost")
        seen |= {(known.id, held[known.id]): known.digest[:VERSION_DIGITS] for known in local.known()}
    return held


def _compare(held: _State, state: _State, pending: Operation | None, trial: Trial) -> None:
    """Whether the index holds what was acknowledged, with the operation that was interrupted or without it."""
    before, after = dict(state), dict(state)
    if pending:
        after |= dict.fromkeys(pending.written, pending.number)
        for name in pending.removed:
            del after[name]
    for name in sorted(held.keys() | before.keys() | after.keys()):
        if held.get(name) not in {before.get(name), after.get(name)}:
            what = "came back" if name not in before else "is lost"
            trial.wrong.append(f"round {trial.rounds}: {name} {what}: {held.get(name)}, not {before.get(name)}")
    if pending and pending.removed and len({name in held for name in pending.removed}) > 1:
        trial.wrong.append(f"round {trial.rounds}: a removal was done by halves")


def _find_beacon(corpus: Corpus) -> int:
    """The operation that wrote the beacon, as a search finds it by its vector and by its words; -1 if not by both."""
    (vector,) = corpus.embedder.embed(["?"], "query")
    hits = corpus.index.search(vector, {"syllables": {_BEACON: 1.0}}, 5, Filter(documents=frozenset({_BEACON})))
    for found in corpus.index.records([hit.key for hit in hits if hit.lexical > 0]):
        if beacon := corpus.article_at(found.document_id, found.digest):
            return number_of(beacon)
    return -1


def _read(folder: Path, told: Connection) -> None:
    """Look for the beacon without opening the index again, and tell each new one, until nobody listens."""
    with closing(LocalIndex(folder, FIELDS)) as local, suppress(OSError):
        corpus, last = Corpus(local, CheapEmbedder), -1
        while not told.poll(0.02):
            if (number := _find_beacon(corpus)) not in {-1, last}:
                told.send((last := number, time.time()))


class _Reader:
    """A process that reads."""

    def __init__(self, folder: Path) -> None:
        self._ours, theirs = _PROCESSES.Pipe()
        self._process = _PROCESSES.Process(target=_read, args=(folder, theirs), daemon=True)
        self._process.start()
        theirs.close()
        if not self._ours.poll(_STARTING):
            raise TimeoutError("The reader does not start.")

    def stop(self, acknowledged: Mapping[int, float], trial: Trial) -> list[float]:
        """End it, and give the seconds after which it saw what was acknowledged."""
        saw: list[tuple[int, float]] = []
        while self._ours.poll(1):
            saw.append(self._ours.recv())
        self._ours.send("stop")
        self._process.join(_STARTING)
        if [number for number, _ in saw] != sorted(number for number, _ in saw):
            trial.wrong.append("a reader saw an older state after a newer one")
        lags = []
        for number, moment in acknowledged.items():
            when = next((seen_at for seen, seen_at in saw if seen >= number), None)
            if when is None:
                trial.wrong.append(f"a reader never saw operation {number}")
            else:
                lags.append(max(when - moment, 0.0))
        return lags


def _summary(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    return {
        "p50": round(float(np.percentile(seconds, 50)), 3),
        "p95": round(float(np.percentile(seconds, 95)), 3),
        "longest": round(max(seconds), 3),
    }


if __name__ == "__main__":
    main()
