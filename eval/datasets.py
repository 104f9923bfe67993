"""Other people's sets: SQuAD (JSON of versions 1 and 2, or one question a line) and BEIR (three files in a folder)."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from eval.errors import EvalError
from eval.gold import json_lines
from eval.score import Case
from eval.text import key
from rag.vietnamese.normalize import clean


@dataclass(frozen=True, slots=True)
class Text:
    """A passage of a set. `id` depends on the content alone, so that sets with the same passages share an index."""

    id: str
    title: str
    text: str


def make_text(title: str, text: str) -> Text:
    """The passage of this title and text."""
    title, text = " ".join(clean(title).split()), clean(text).strip()
    return Text(hashlib.sha256(f"{title}\0{text}".encode()).hexdigest()[:20], title, text)


@dataclass(frozen=True, slots=True)
class Squad:
    """Questions on contexts. `names` are the set's own names for the passages, by id."""

    cases: tuple[Case, ...]
    texts: tuple[Text, ...]
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Beir:
    """Questions with judged passages. `names` are the set's own ids of each passage; `qrels` are in the set's ids."""

    queries: Mapping[str, str]
    qrels: Mapping[str, Mapping[str, int]]
    texts: tuple[Text, ...]
    names: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    question: str
    answers: tuple[str, ...]
    text: Text
    name: str


def read_squad(path: Path, limit: int | None = None) -> Squad:
    """The first `limit` questions of a SQuAD file, and all its contexts.

    Asked openly, a question is answerable if any context of the set answers it: rows with the same question share
    their answers. A title that only repeats the question would give the passage away and is left out.

    Raises:
        EvalError: the file cannot be read, or is not of that form.
    """
    rows = list(_rows(path))
    if not rows:
        raise EvalError(f"{path} holds no question: a SQuAD file is expected.")
    texts = {row.text.id: row.text for row in rows}
    names = {row.text.id: row.name for row in reversed(rows)}
    same: dict[str, list[_Row]] = {}
    for row in rows:
        same.setdefault(key(row.question), []).append(row)
    cases = []
    own_ids = distinct_ids([row.id for row in rows])
    for row, own_id in zip(rows[:limit], own_ids, strict=False):
        group = key(row.question)
        answering = [other for other in same[group] if other.answers]
        answers = tuple(dict.fromkeys(answer for other in answering for answer in other.answers))
        cases.append(
            Case(
                id=own_id,
                type="answerable" if answers else "impossible",
                question=row.question,
                answers=answers,
                articles=tuple(dict.fromkeys(other.text.id for other in answering)),
                group=group,
                given=row.text.id,
                given_answers=row.answers,
            )
        )
    return Squad(tuple(cases), tuple(texts.values()), names)


def _rows(path: Path) -> Iterator[_Row]:
    whole = _whole(path)
    if whole is None:
        for number, value in json_lines(path):
            yield _row(value, value, f"{path.name}, line {number}", str(value.get("pid") or ""))
        return
    try:
        for a, article in enumerate(whole["data"]):
            for p, paragraph in enumerate(article["paragraphs"]):
                for question in paragraph["qas"]:
                    about = {"title": article.get("title", ""), "context": paragraph["context"]}
                    yield _row(question, about, f"{path.name}, question {question.get('id')!r}", f"{a}-{p}")
    except (KeyError, TypeError, AttributeError) as error:
        raise EvalError(f"{path} is not a SQuAD file: data, paragraphs, context and qas are expected.") from error


def _whole(path: Path) -> Any:
    """The object of a SQuAD file; None if it holds one question a line."""
    try:
        text = path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None  # json_lines says it better
    try:
        value = json.loads(text)
    except ValueError:
        return None
    return value if isinstance(value, dict) and "data" in value else None


def _row(value: Mapping[str, Any], about: Mapping[str, Any], place: str, name: str) -> _Row:
    """One question of a SQuAD file; `about` has its title and context."""
    question, context, title = value.get("question"), about.get("context"), about.get("title") or ""
    if not (isinstance(question, str) and isinstance(context, str) and isinstance(title, str)):
        raise EvalError(f"{place}: 'question', 'context' and 'title' must be texts.")
    if not key(question):
        raise EvalError(f"{place}: the question has no words.")
    found = value.get("answers") or []
    if isinstance(found, Mapping):  # {"text": [...], "answer_start": [...]}, as Hugging Face writes it
        found = found.get("text", [])
    try:
        answers = [answer if isinstance(answer, str) else answer["text"] for answer in found]
    except (KeyError, TypeError) as error:
        raise EvalError(f"{place}: 'answers' must be a list of texts or of objects with a 'text'.") from error
    if value.get("is_impossible"):
        answers = []
    elif not answers:
        raise EvalError(f"{place}: there is no answer, and 'is_impossible' is not true.")
    text = make_text("" if key(title) == key(question) else title, context)
    row_id = str(value.get("id") or hashlib.sha256(f"{question}\0{context}".encode()).hexdigest()[:16])
    return _Row(row_id, question, tuple(dict.fromkeys(answers)), text, name or text.id)


def read_beir(folder: Path, limit: int | None = None) -> Beir:
    """The first `limit` judged questions of a BEIR folder, and all its passages.

    Raises:
        EvalError: a file is missing or not of that form.
    """
    for name in ("corpus.jsonl", "queries.jsonl"):
        if not (folder / name).is_file():
            raise EvalError(f"{folder} has no {name}: a folder in BEIR form is expected.")
    qrels_path = next(
        (p for p in (folder / "qrels.tsv", folder / "qrels" / "test.tsv", folder / "qrels" / "dev.tsv") if p.is_file()),
        None,
    )
    if qrels_path is None:
        raise EvalError(f"{folder} has no qrels.tsv (nor qrels/test.tsv): a folder in BEIR form is expected.")
    texts: dict[str, Text] = {}
    names: dict[str, tuple[str, ...]] = {}
    for number, row in json_lines(folder / "corpus.jsonl"):
        own, title, body = _strings(row, ("_id", "title", "text"), f"corpus.jsonl, line {number}")
        text = make_text(title if body.strip() else "", body if body.strip() else title)
        texts[text.id] = text
        names[text.id] = (*names.get(text.id, ()), own)
    rows = [
        _strings(row, ("_id", "text"), f"queries.jsonl, line {number}")
        for number, row in json_lines(folder / "queries.jsonl")
    ]
    own_ids = distinct_ids([own for own, _ in rows])
    queries = {own_id: question for own_id, (_, question) in zip(own_ids, rows, strict=True)}
    by_id = _qrels(qrels_path)
    judged = {own_id: by_id.get(own, {}) for own_id, (own, _) in zip(own_ids, rows, strict=True)}
    asked = [q for q in queries if any(score > 0 for score in judged[q].values())][:limit]
    if not asked:
        raise EvalError(f"{qrels_path} judges none of the {len(queries)} questions of queries.jsonl.")
    known = {own for owned in names.values() for own in owned}
    if not any(passage in known for q in asked for passage in judged[q]):
        raise EvalError(f"{qrels_path} names no passage of corpus.jsonl: the files belong to different sets.")
    return Beir({q: queries[q] for q in asked}, {q: judged[q] for q in asked}, tuple(texts.values()), names)


def distinct_ids(ids: Sequence[str]) -> list[str]:
    """`ids`, in order, where the second "a" is "a~2": published sets give one id to several questions."""
    seen: Counter[str] = Counter()
    distinct = []
    for own in ids:
        seen[own] += 1
        distinct.append(own if seen[own] == 1 else f"{own}~{seen[own]}")
    return distinct


def _strings(row: Mapping[str, Any], names: Sequence[str], place: str) -> list[str]:
    values = [row.get(name, "" if name == "title" else None) for name in names]
    found = [value for value in values if isinstance(value, str)]
    if len(found) < len(values) or not found[0]:
        raise EvalError(f"{place}: {', '.join(names)} must be texts.")
    return found


def _qrels(path: Path) -> dict[str, dict[str, int]]:
    """Judgements by question and passage; a line is `query-id corpus-id score`, separated by tabs, after a heading."""
    judged: dict[str, dict[str, int]] = {}
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvalError(f"{path} cannot be read ({error}).") from error
    for number, line in enumerate(csv.reader(lines, delimiter="\t"), start=1):
        if not line or (number == 1 and line[-1] == "score"):
            continue
        try:
            query, passage, score = line if len(line) == 3 else (line[0], line[2], line[3])  # as TREC writes it
            judged.setdefault(query, {})[passage] = int(score)
        except (ValueError, IndexError) as error:
            raise EvalError(
                f"{path.name}, line {number}: query-id, corpus-id and a whole number are expected."
            ) from error
    return judged
