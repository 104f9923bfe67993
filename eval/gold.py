"""Gold questions: the schema of a line, and reading a file of them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from eval.errors import EvalError
from eval.text import tokens

Type = Literal[
    "fact",
    "paraphrase",
    "abbrev",
    "unaccented",
    "nfd",
    "typo",
    "followup",
    "multi",
    "list",
    "compare",
    "temporal",
    "unanswerable",
    "nearmiss",
]
TYPES: tuple[str, ...] = get_args(Type)

SPLITS = ("dev", "test")
SMALL = "small"
"""Forty questions of dev, half of them without an answer: for a language model that takes its time."""
THIRD = "third"
"""Questions of another writer, which are in no split: nothing was fitted on them."""
_FOLDER = Path(__file__).parent / "gold"


def _words(text: str) -> str:
    if not tokens(text):
        raise ValueError("must hold a letter or a digit")
    return text


Words = Annotated[str, AfterValidator(_words)]


class Said(BaseModel):
    """A turn before the question."""

    model_config = ConfigDict(frozen=True, strict=True)

    role: Literal["user", "assistant"]
    content: str


class Gold(BaseModel):
    """One question with what is right.

    `answers` are variants of one answer, one of which must appear; each of `all_of` must. Without either the corpus
    does not hold the answer, and the right thing is to refuse. `articles` are ids (or file stems), any of which may be
    cited; for `multi`, and for `compare` over several, they are needed together.
    """

    model_config = ConfigDict(frozen=True, strict=True)

    id: Words
    type: str
    question: Words
    answers: list[Words]
    articles: list[str] = []
    history: list[Said] = []
    all_of: list[Words] = []

    @property
    def answerable(self) -> bool:
        """Whether the corpus holds the answer."""
        return bool(self.answers or self.all_of)

    @property
    def needs_every_article(self) -> bool:
        """Whether the articles are needed together, not one or another."""
        return self.type in ("multi", "compare") and len(self.articles) > 1


def shipped(split: str | None = None) -> list[Path]:
    """The files of the shipped gold set: of one split, or all."""
    if split is not None and split not in (known := (*SPLITS, SMALL, THIRD)):
        raise EvalError(f"There is no split {split!r}: the shipped gold set has {', '.join(known)}.")
    return [_FOLDER / f"{name}.jsonl" for name in ([split] if split else SPLITS)]


def load_gold(paths: Sequence[Path], only: Sequence[str] = (), limit: int | None = None) -> list[Gold]:
    """The questions of `paths`: of the types `only` if any are named, and the first `limit` of those.

    Raises:
        EvalError: a file cannot be read, a line is broken (it is named), an id comes twice, or nothing is left.
    """
    for name in only:
        if name not in TYPES:
            raise EvalError(f"--only: {name!r} is not a type of question; the types are {', '.join(TYPES)}.")
    found: list[Gold] = []
    seen: dict[str, str] = {}
    for path in paths:
        for number, gold in _read(path):
            place = f"{path.name}, line {number}"
            if gold.id in seen:
                raise EvalError(f"{place}: the id {gold.id!r} is taken already by {seen[gold.id]}.")
            seen[gold.id] = place
            found.append(gold)
    if not found:
        raise EvalError(f"{', '.join(str(path) for path in paths)} holds no question: write one JSON object a line.")
    wanted = [gold for gold in found if not only or gold.type in only]
    if not wanted:
        raise EvalError(f"--only: none of the {len(found)} questions is of type {' or '.join(only)}.")
    return wanted[:limit]


def json_lines(path: Path) -> Iterator[tuple[int, dict[str, object]]]:
    """The JSON objects of a file, one a line, with their line numbers; empty lines are passed over.

    Raises:
        EvalError: the file cannot be read, or a line is not a JSON object.
    """
    try:
        text = path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise EvalError(f"{path} is not UTF-8 (byte {error.start}): save it as UTF-8.") from error
    except OSError as error:
        raise EvalError(f"{path} cannot be read ({error.strerror}): check the name and your rights.") from error
    # Not splitlines(): a line separator of Unicode may stand inside a JSON string.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except ValueError as error:
            raise EvalError(f"{path.name}, line {number} is not JSON: {error}.") from error
        if not isinstance(value, dict):
            raise EvalError(f"{path.name}, line {number} is not a JSON object but a {type(value).__name__}.")
        yield number, value


def _read(path: Path) -> Iterator[tuple[int, Gold]]:
    for number, value in json_lines(path):
        place = f"{path.name}, line {number}"
        if "review" in value:
            raise EvalError(f"{place}: still to be reviewed: correct the line, then remove its `review`.")
        try:
            gold = Gold.model_validate(value)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise EvalError(f"{place}: {where}: {first['msg']}.") from error
        if gold.type not in TYPES:
            raise EvalError(f"{place}: the type {gold.type!r} is unknown; the types are {', '.join(TYPES)}.")
        if gold.type == "unanswerable" and gold.answerable:
            raise EvalError(f"{place}: a question of type 'unanswerable' cannot have answers.")
        yield number, gold
