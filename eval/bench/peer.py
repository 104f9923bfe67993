"""txtai beside us, in a process of its own, since it brings versions of its own: `Peer` talks to `peer_worker.py`."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from eval.bench.contender import K
from eval.errors import EvalError

_WORKER = Path(__file__).with_name("peer_worker.py")


class Peer:
    """txtai with the same weights, as a `Contender`. It has no splitter, so `split` gives it the passages."""

    def __init__(self, python: Path, folder: Path, threads: int, split: Callable[[Sequence[str]], list[str]]) -> None:
        """Start txtai under the interpreter `python` with the model in `folder`.

        Raises:
            EvalError: it cannot be started, or has no txtai.
        """
        self.name = "txtai"
        self._split = split
        self._python = python
        try:
            self._process = subprocess.Popen(  # noqa: S603 # the operator named it
                [python, str(_WORKER), str(folder), str(threads)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
        except OSError as error:
            raise EvalError(f"{python} cannot be started ({error.strerror}): --peer-python names a Python.") from error
        self.name = f"txtai {self._asked({})}"

    def index(self, texts: Sequence[str]) -> None:
        """See `Contender.index`."""
        self._asked({"index": self._split(texts)})

    def retrieve(self, question: str) -> list[str]:
        """See `Contender.retrieve`."""
        found: list[str] = self._asked({"search": question, "k": K})
        return found

    def close(self) -> None:
        """End its process."""
        self._process.terminate()
        self._process.wait()

    def _asked(self, request: dict[str, Any]) -> Any:
        """What the worker says to one line of JSON."""
        assert self._process.stdin and self._process.stdout  # noqa: S101 # both are pipes
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise EvalError(
                f"txtai ended under {self._python}; it says above why. It needs `pip install txtai` of its own."
            )
        return json.loads(line)
