"""What is left of an index whose writer is killed. `python -m eval.crash --rounds 100`, or `make crash`.

In each round a process writes to the index (adds, changes and removes articles, syncs, rebuilds) and tells what it
begins and what was acknowledged, until it is killed (SIGKILL) at a moment of chance. Then the index is opened and
compared with what it has to hold. Other processes read all the while. Then the same again with more chunks, to see how
long opening takes. The embedder is made up: it is the storage that is on trial. Exits with 1 if anything was wrong.
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
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from unittest.mock import patch

import numpy as np

import index.dense
from index.local import LocalIndex
from index.schema import Filter, Vectors
from rag.articles import Item
from rag.articles.sources import Listing
from rag.articles.web import Web
from rag.corpus import Corpus
from rag.embedding import Kind
from rag.schema import VERSION_DIGITS, Article
from rag.sync import sync
from rag.vietnamese.terms import FIELDS, terms

_CHUNKS = 10_000  # of the larger index
_ROUNDS_AT_SIZE = 10
_MOST = 4  # operations that a writer may end before the one in which it is killed
_LONGEST = 1.0  # seconds until it is killed then
_PATIENCE = 120.0  # seconds that a process may take for one thing on a busy machine
_ARTICLES = 300  # of the smaller index, about
_SNAPSHOT_EVERY = 200  # operations, instead of 2,000, so that writing a snapshot is interrupted too
_READERS = 2
_SYNCED = "s"  # how the names of articles begin that come from a source
_BEACON = "beacon"  # an article that every round of adding and changing writes, and the readers look for

_PROCESSES = get_context("forkserver")  # fork alone would take the threads of the engines along
_State = Mapping[str, int]
"""What the index holds: by article, the number of the operation that wrote it."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What a writer does: articles that are written, or removed; a rebuild is neither, a sync may be both."""

    kind: str
    number: int
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()

    def after(self, state: _State) -> _State:
        """What the index holds after it, if it held `state`."""
        left = {name: number for name, number in state.items() if name not in self.removed}
        return left | dict.fromkeys(self.written, self.number)


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
    _PROCESSES.set_forkserver_preload(["index.local", "rag.corpus"])
    chance = random.Random(options.seed)  # noqa: S311 # chance, not secrets
    with tempfile.TemporaryDirectory() as folder:
        small = Trial(Path(folder) / "small", _ARTICLES, chance)
        small.try_out(options.rounds)
        large = Trial(Path(folder) / "large", options.chunks, chance)
        large.try_out(min(_ROUNDS_AT_SIZE, options.rounds))
    figures = {
        "rounds": options.rounds,
        "acknowledged": dict(small.ended),
        "killed_in": dict(small.interrupted),
        "readers_see_after_s": _summary(small.lags),
        "opening_s": _summary(small.opening),
        f"opening_at_{options.chunks}_chunks_s": _summary(large.opening),
        "wrong": len(small.wrong) + len(large.wrong),
    }
    print(json.dumps(figures, indent=2))
    for what in small.wrong + large.wrong:
        print(what, file=sys.stderr)
    sys.exit(1 if small.wrong or large.wrong else 0)


class Trial:
    """An index of some articles of one chunk, what it has to hold, the figures, and all that was wrong.

    `lags` are seconds from an acknowledgement until a reader saw what was acknowledged; `opening` seconds from opening
    the index until the first answer.
    """

    def __init__(self, folder: Path, articles: int, chance: random.Random) -> None:
        """Make the index in `folder`."""
        self.ended, self.interrupted = Counter[str](), Counter[str]()
        self.lags: list[float] = []
        self.opening: list[float] = []
        self.wrong: list[str] = []
        self._folder = folder
        self._chance = chance
        self._number = 0  # of the last operation
        self._acknowledged: dict[int, float] = {}  # when, of those that wrote the beacon
        self._versions: dict[tuple[str, int], str] = {}  # of each article that is there, all that were met
        names = [_BEACON, *(f"a{number}" for number in range(articles))]
        with closing(LocalIndex(folder, FIELDS)) as local:
            Corpus(local, CheapEmbedder).add([article(name, 0) for name in names])
        self._state: _State = dict.fromkeys(names, 0)

    def try_out(self, rounds: int) -> None:
        """Kill so many writers, and read beside them."""
        readers = [_Reader(self._folder) for _ in range(_READERS)]
        for _ in range(rounds):
            pending = self._kill_a_writer()
            held = self._look()
            self._compare(held, pending)
            self._state = held
        for reader in readers:
            saw = reader.stop()
            if [number for number, _ in saw] != sorted(number for number, _ in saw):
                self._complain("a reader saw an older state after a newer one")
            for number, acknowledged in self._acknowledged.items():
                if moments := [moment for seen, moment in saw if seen >= number]:
                    self.lags.append(max(moments[0] - acknowledged, 0.0))
                else:
                    self._complain(f"a reader never saw operation {number}")

    def _complain(self, what: str) -> None:
        self.wrong.append(f"after {sum(self.interrupted.values())} kills: {what}")

    def _kill_a_writer(self) -> Operation | None:
        """Let a writer write, note what it says was acknowledged, and return what it was killed in."""
        ours, theirs = _PROCESSES.Pipe(duplex=False)
        arguments = (self._folder, self._state, self._number + 1, self._chance.random(), theirs)
        writer = _PROCESSES.Process(target=_write, args=arguments)
        writer.start()
        theirs.close()
        pending: Operation | None = None
        allowed, doomed = self._chance.randint(0, _MOST), float("inf")
        with ours, suppress(EOFError):  # the end of what it said before it was killed
            while True:
                if doomed == float("inf") and allowed < 0:
                    doomed = time.monotonic() + self._chance.uniform(0, _LONGEST)
                if not ours.poll(max(min(doomed - time.monotonic(), _PATIENCE), 0)):
                    if time.monotonic() < doomed:
                        raise TimeoutError("The writer does nothing.")
                    writer.kill()
                    doomed = time.monotonic() + _PATIENCE
                said = ours.recv()
                if isinstance(said, Operation):
                    pending, self._number = said, said.number
                elif pending:
                    self._note(pending, said)
                    pending = None
                allowed -= not isinstance(said, Operation)
        writer.join()
        if pending:
            self.interrupted[pending.kind] += 1
        return pending

    def _note(self, operation: Operation, moment: float) -> None:
        """The operation was acknowledged: from now on the index has to hold what it wrote."""
        self.ended[operation.kind] += 1
        self._state = operation.after(self._state)
        if _BEACON in operation.written:
            self._acknowledged[operation.number] = moment

    def _look(self) -> _State:
        """Open the index and look at everything in it."""
        begun = time.perf_counter()
        with closing(LocalIndex(self._folder, FIELDS)) as local:
            corpus = Corpus(local, CheapEmbedder)
            find_beacon(corpus)
            self.opening.append(time.perf_counter() - begun)
            for fault in corpus.verify():
                self._complain(fault.what)
            held = {found.id: number_of(found) for found in corpus.articles()}
            self._versions = {key: version for key, version in self._versions.items() if key[0] in held}
            for (name, number), version in self._versions.items():
                edition = corpus.edition(name, version)
                is_old = held[name] != number
                if not edition or edition.article != article(name, number) or bool(edition.replaced) != is_old:
                    self._complain(f"what {name} was in operation {number} is lost")
            now = {(known.id, held[known.id]): known.digest[:VERSION_DIGITS] for known in local.known()}
            self._versions |= now
        return held

    def _compare(self, held: _State, pending: Operation | None) -> None:
        """Whether the index holds what was acknowledged, with the operation that was interrupted or without it."""
        before = self._state
        after = pending.after(before) if pending else before
        for name in sorted(held.keys() | before.keys() | after.keys()):
            if held.get(name) not in {before.get(name), after.get(name)}:
                self._complain(f"{name} is of operation {held.get(name)}, not {before.get(name)}")
        if pending and pending.removed and len({name in held for name in pending.removed}) > 1:
            self._complain("a removal was done by halves")


def article(name: str, number: int) -> Article:
    """An article of one chunk, as operation `number` writes it."""
    text = f"Bài {name} được viết ở lần {number}. Cây cầu số {number} của {name} dài 86 mét, rộng 7 mét."
    return Article(name, f"Tiêu đề {name}", text)


def number_of(found: Article) -> int:
    """The operation that wrote `found`; -1 if it is none of ours as it was written."""
    number = re.search(r"ở lần (\d+)[.]", found.text)
    return int(number[1]) if number and article(found.id, int(number[1])) == found else -1


def _write(folder: Path, state: _State, number: int, seed: float, told: Connection) -> None:
    """Write until killed."""
    index.dense._SNAPSHOT_EVERY = _SNAPSHOT_EVERY
    chance = random.Random(seed)  # noqa: S311 # chance, not secrets
    corpus = Corpus(LocalIndex(folder, FIELDS), CheapEmbedder)
    held = dict(state)
    terms("xin chào")  # loads what takes longest
    told.send("ready")
    while True:
        operation = _chosen(chance, held, number)
        told.send(operation)
        if operation.kind == "sync":
            _sync(corpus, operation.after(held))
        elif operation.written:
            corpus.add([article(name, number) for name in operation.written])
        elif operation.removed:
            corpus.remove(operation.removed)
        else:
            corpus.rebuild()
        told.send(time.time())
        held = dict(operation.after(held))
        number += 1


def _chosen(chance: random.Random, held: _State, number: int) -> Operation:
    """What to do next with an index that holds `held`."""
    names = [name for name in held if name != _BEACON and not name.startswith(_SYNCED)]
    weights = (4, 4, 4 if len(names) > _ARTICLES else 1, 3, 1)
    kind = chance.choices(("add", "change", "remove", "sync", "rebuild"), weights)[0]
    new = [f"n{number}-{n}" for n in range(chance.randint(1, 30))]
    some = tuple(chance.sample(names, min(chance.randint(1, 30), len(names))))
    if kind == "add":
        return Operation(kind, number, written=(*new, _BEACON))
    if kind == "change":
        return Operation(kind, number, written=(*some, _BEACON))
    if kind == "remove":
        return Operation(kind, number, removed=some)
    if kind == "sync":
        synced = [name for name in held if name.startswith(_SYNCED)]
        touched = chance.sample(synced, chance.randint(0, len(synced) // 2))
        at = chance.randint(0, len(touched))
        fresh = (f"{_SYNCED}{name}" for name in new)
        return Operation(kind, number, written=(*touched[:at], *fresh), removed=tuple(touched[at:]))
    return Operation(kind, number)


def _sync(corpus: Corpus, wanted: _State) -> None:
    """Make what came from the source that stands for all equal to what it holds in `wanted`."""
    items = [
        Item(name, str(number), partial(article, name, number))
        for name, number in wanted.items()
        if name.startswith(_SYNCED)
    ]
    with closing(Web()) as web, patch("rag.sync.list_source", lambda source, _: Listing(source, items)):
        report = sync(corpus, ["all"], web, lambda _done, _all: None)
    if report.failures or report.stopped:
        raise RuntimeError(str(report))


def find_beacon(corpus: Corpus) -> int:
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
            if (number := find_beacon(corpus)) not in {-1, last}:
                told.send((last := number, time.time()))


class _Reader:
    """A process that reads."""

    def __init__(self, folder: Path) -> None:
        self._ours, theirs = _PROCESSES.Pipe()
        self._process = _PROCESSES.Process(target=_read, args=(folder, theirs), daemon=True)
        self._process.start()
        theirs.close()
        if not self._ours.poll(_PATIENCE):
            raise TimeoutError("The reader does not start.")

    def stop(self) -> list[tuple[int, float]]:
        """End it, and tell which operations it saw, and when."""
        saw = list[tuple[int, float]]()
        while self._ours.poll(1):
            saw.append(self._ours.recv())
        self._ours.send("stop")
        self._process.join(_PATIENCE)
        return saw


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
