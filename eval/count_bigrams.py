"""Counts the bigrams that the speller falls back on: `python -m eval.count_bigrams FILE[=TIMES]...`.

A FILE holds an article a line as JSON, with `title` and `text` or `content`, or a question a line, with `question` and
perhaps its `history`; it may be packed by gzip. All of it counts TIMES times: there are far fewer questions than
articles, and it is questions that are mended. Writes `rag/vietnamese/data/bigrams.npz`: counts only, of syllables that
stand in the dictionary.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np

from rag.vietnamese.bigrams import FILE, NUMBER, PER_DOUBLING, START
from rag.vietnamese.lexicon import lexicon
from rag.vietnamese.normalize import typed_with_accents
from rag.vietnamese.terms import syllables

LEAST = 5
"""A syllable that was seen more seldom is left out, and so is a pair that counts less."""

_END = re.compile(r"\n|[.!?;:…]+(?=\s|$)")


def main() -> None:
    """Count what the files hold that the command line names."""
    seen: Counter[str] = Counter()
    single: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for name, _, times in (argument.partition("=") for argument in sys.argv[1:]):
        for text in _texts(Path(name)):
            for words in filter(None, map(syllables, _END.split(text))):
                row = [START, *(NUMBER if word.isdigit() else word for word in words)]
                seen.update(row)
                for word in row:
                    single[word] += int(times or 1)
                for pair in pairwise(row):
                    pairs[pair] += int(times or 1)
    # What was typed once is a slip, however often it counts.
    single = Counter({word: count for word, count in single.items() if seen[word] >= LEAST})
    target = Path(__file__).parents[1] / "rag" / "vietnamese" / "data" / FILE
    write(target, single, pairs)
    sys.stdout.write(f"{target}: {target.stat().st_size} bytes\n")


def write(target: Path, single: Counter[str], pairs: Counter[tuple[str, str]]) -> None:
    """Write the counts in the form that `rag.vietnamese.bigrams` reads."""
    known = {START, NUMBER, *lexicon()}
    kept = sorted(word for word, count in single.items() if word in known and count >= LEAST)
    places = {word: place for place, word in enumerate(kept)}
    found = sorted(
        (places[a] * len(kept) + places[b], count)
        for (a, b), count in pairs.items()
        if count >= LEAST and a in places and b in places
    )
    keys, counts = np.array(found, np.int64).T
    np.savez_compressed(
        target,
        syllables=np.frombuffer("\n".join(kept).encode(), np.uint8),
        counts=np.array([single[word] for word in kept], np.uint32),
        gaps=np.diff(keys, prepend=0).astype(np.uint32),
        logs=np.round(np.log2(counts) * PER_DOUBLING).astype(np.uint8),
    )


def _texts(path: Path) -> Iterator[str]:
    with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
        for row in map(json.loads, lines):
            if "question" not in row:
                yield f"{row.get('title', '')}\n{row.get('text') or row.get('content') or ''}"
            elif row.get("type") != "typo":
                asked = [turn["content"] for turn in row.get("history", ()) if turn["role"] == "user"]
                yield from filter(typed_with_accents, (*asked, row["question"]))


if __name__ == "__main__":
    main()
