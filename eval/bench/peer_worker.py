"""txtai, one line of JSON in and one out. Run by `eval.bench.peer` under another interpreter: imports nothing of ours.

With content and hybrid search (vectors and BM25), which is what txtai does best, and the prefixes that the model wants.
"""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from importlib.metadata import version
from typing import Any


def main() -> None:
    """Answer each line of the input until it ends. The folder of the model and the threads are the arguments."""
    folder, threads = sys.argv[1], int(sys.argv[2])
    answers = sys.stdout
    with redirect_stdout(sys.stderr):  # whatever else is said must not look like an answer
        import torch
        import txtai

        torch.set_num_threads(threads)
        embeddings = txtai.Embeddings(
            path=folder, content=True, hybrid=True, instructions={"query": "query: ", "data": "passage: "}
        )
        for line in sys.stdin:
            print(json.dumps(_answer(embeddings, json.loads(line))), file=answers, flush=True)


def _answer(embeddings: Any, request: dict[str, Any]) -> Any:
    """The texts for a search, the number of texts that were indexed, or else the version."""
    if "search" in request:
        return [found["text"] for found in embeddings.search(request["search"], request["k"])]
    if "index" in request:
        embeddings.index(request["index"])
        return len(request["index"])
    return version("txtai")


if __name__ == "__main__":
    main()
