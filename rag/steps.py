"""The steps that can be left out, to see what each is worth."""

from __future__ import annotations

from enum import StrEnum


class Step(StrEnum):
    """A step on the way of a question, by the name by which `Settings.without` and an answer's trace call it."""

    ACCENTS = "accents"
    TYPOS = "typos"
    ABBREVIATIONS = "abbreviations"
    SYNONYMS = "synonyms"
    FOLLOW_UPS = "follow_ups"
    REWORDING = "rewording"
    PARTS = "parts"
    CONSTRAINTS = "constraints"
    KINDS = "kinds"
    DENSE = "dense"
    LEXICAL = "lexical"
    READER = "reader"


NOTHING: frozenset[Step] = frozenset()
