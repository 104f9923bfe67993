"""Counts the bigrams that the speller falls back on: `python -m eval.count_bigrams FILE...`.

A FILE holds an article a line as JSON, with `title` and `text` or `content`; it may be packed by gzip. Writes
`rag/vietnamese/data/bigrams.npz`: counts only, of syllables that stand in the dictionary.
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

from rag.vietnamese.bigrams import FILE, PER_DOUBLING
from rag.vietnamese.lexicon import lexicon
from rag.vietnamese.terms import syllables

LEAST = 5
"""A syllable or pair that was seen more seldom is left out."""

_END = re.compile(r"\n|[.!?;:…]+(?=\s|$)")


def main() -> None:
    """Count the articles in the files that the command line names."""
    single: Counter[str] = Counter()
    pairs: Counter[tuple[str, str]] = Counter()
    for text in (text for name in sys.argv[1:] for text in _texts(Path(name))):
        for part in _END.split(text):
            words = syllables(part)
            single.update(words)
            pairs.update(pairwise(words))
    target = Path(__file__).parents[1] / "rag" / "vietnamese" / "data" / FILE
    write(target, single, pairs)
    sys.stdout.write(f"{target}: {target.stat().st_size} bytes\n")


def write(target: Path, single: Counter[str], pairs: Counter[tuple[str, str]]) -> None:
    """Write the counts in the form that `rag.vietnamese.bigrams` reads."""
    known = lexicon()
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
        for line in lines:
            article = json.loads(line)
            yield f"{article.get('title', '')}\n{article.get('text') or article.get('content') or ''}"


if __name__ == "__main__":
    main()
