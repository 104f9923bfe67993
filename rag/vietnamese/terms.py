"""The lexical terms of a text: what BM25 counts. Syllables, pairs of syllables and segmented words.

Each kind stands in two forms, accented and folded, so that a question typed without accents finds the
same passages. The fields are kept apart: each has its own statistics, and a search weighs them. Two more are never
searched by a question: the abbreviations that the text itself explains, and the sketch of a whole article
(`rag.alike`), which stands with its first chunk.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise

from rag.vietnamese.normalize import lowered, strip_accents, unify_syllable
from rag.vietnamese.words import segment

DEFINITIONS = "definitions"
SKETCH = "sketch"

# Numbers keep their separators (36,6 and 1.000.000 are one term); letters and digits part (15-CT/TW: 15 ct tw).
TERM = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")

FIELDS = ("syllables", "pairs", "words", "folded_syllables", "folded_pairs", "folded_words", DEFINITIONS, SKETCH)

RULE = "syllables-pairs-words-3"
"""Identity of the way of making terms, kept in the index: a change here asks for a rebuild."""

_DEFINITION = re.compile(r"((?:[^\W\d_]+\s+){2,8})\((?:(?:sau đây )?(?:gọi|viết) tắt là )?([A-ZĐ]{2,8})\)")

Terms = dict[str, list[str]]


def syllables(text: str) -> list[str]:
    """The syllables and numbers of `text` in match form: "Hoà Bình 36,6% 02/4" -> ["hòa", "bình", "36,6", "2", "4"]."""
    return list(map(_term, TERM.findall(lowered(text))))


@lru_cache(maxsize=65_536)  # as many as there are syllables, and the commonest numbers
def _term(found: str) -> str:
    """A syllable or number as it is counted; `match_form` of the text around it changes nothing else."""
    return found.lstrip("0") or "0" if found.isdigit() else unify_syllable(found)


def terms(text: str) -> Terms:
    """The terms of `text` by field, but for `SKETCH`. Pairs and words join their syllables with "_"."""
    single = syllables(text)
    pairs = [f"{a}_{b}" for a, b in pairwise(single)]
    words = ["_".join(found) for word in segment(text) if (found := syllables(word))]
    accented = {"syllables": single, "pairs": pairs, "words": words}
    folded = {f"folded_{name}": [strip_accents(t) for t in found] for name, found in accented.items()}
    return accented | folded | {DEFINITIONS: [f"{short}={full.replace(' ', '_')}" for short, full in definitions(text)]}


def definitions(text: str) -> list[tuple[str, str]]:
    """The abbreviations that `text` explains: of "ngoại giao kinh tế (NGKT)", ("NGKT", "ngoại giao kinh tế")."""
    found = []
    for explained in _DEFINITION.finditer(text):
        words, short = explained.group(1).split(), explained.group(2)
        full = words[-len(short) :]
        if [strip_accents(word[0]).upper() for word in full] == list(strip_accents(short)):
            found.append((short, " ".join(full)))
    return found
