"""Reading gold questions: what is right, and which line is wrong."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from eval.errors import EvalError
from eval.gold import TYPES, load_gold, shipped

GOOD = {"id": "q1", "type": "fact", "question": "Cầu dài bao nhiêu?", "answers": ["86 mét"], "articles": ["a"]}


def write(path: Path, *lines: object) -> Path:
    text = "\n".join(line if isinstance(line, str) else json.dumps(line, ensure_ascii=False) for line in lines)
    path.write_text(text, "utf-8")
    return path


def test_the_shipped_set_is_large_and_whole() -> None:
    gold = load_gold(shipped())
    counts = Counter(one.type for one in gold)
    assert len(gold) >= 150
    assert set(counts) == set(TYPES)
    assert counts["unanswerable"] + counts["nearmiss"] >= 35
    assert {one.id.split("-")[0] for one in load_gold(shipped("dev"))} == {"dev"}
    with pytest.raises(EvalError, match="'train'"):
        shipped("train")


def test_the_small_set_is_of_dev_and_half_without_an_answer() -> None:
    small = load_gold(shipped("small"))
    dev = {one.id: one for one in load_gold(shipped("dev"))}
    assert [dev[one.id] for one in small] == small
    assert [one.answerable for one in small].count(True) == 20 == len(small) / 2
    assert {one.type for one in small} == set(TYPES)


def test_the_third_set_is_of_all_types_and_repeats_no_question() -> None:
    third = load_gold(shipped("third"))
    assert {one.id.split("-")[0] for one in third} == {"third"}
    assert {one.type for one in third} == set(TYPES)
    assert len({(one.question, len(one.history)) for one in third}) == len(third)


@pytest.mark.parametrize(
    "name",
    [*(f"raw{number or ''}" for number in (0, *range(2, 12))), "terse", "learned"],
)
def test_a_set_on_the_raw_texts_is_of_all_types_and_names_no_article(name: str) -> None:
    raw = load_gold([shipped("third")[0].with_name(f"{name}.jsonl")])
    assert {one.id.split("-")[0] for one in raw} == {name}
    assert {one.type for one in raw} == set(TYPES)
    assert not any(one.articles for one in raw)


def test_optional_fields_and_line_separators_inside_strings(tmp_path: Path) -> None:
    history = [{"role": "user", "content": "Cầu nào?"}, {"role": "assistant", "content": "Cầu mới."}]
    more = GOOD | {"id": "q2", "history": history, "all_of": ["86"], "note": "x", "question": "Dài\u2028bao nhiêu?"}
    one, two = load_gold([write(tmp_path / "g.jsonl", GOOD, "", json.dumps(more, ensure_ascii=False), "")])
    assert one.answerable
    assert [turn.content for turn in two.history] == ["Cầu nào?", "Cầu mới."]
    (none,) = load_gold([write(tmp_path / "n.jsonl", {**GOOD, "answers": [], "articles": []})])
    assert not none.answerable


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{not json", "g.jsonl, line 3 is not JSON"),
        ("[1]", "line 3 is not a JSON object but a list"),
        ({**GOOD, "id": "q2", "type": "riddle"}, "line 3: the type 'riddle' is unknown; the types are fact,"),
        (GOOD, "line 3: the id 'q1' is taken already by g.jsonl, line 1"),
        ({"id": "q2", "type": "fact", "question": "Gì?"}, "line 3: answers: Field required"),
        ({**GOOD, "id": "q2", "answers": "86"}, "line 3: answers: .*list"),
        ({**GOOD, "id": "q2", "answers": ["…"]}, "line 3: answers.0: .*letter or a digit"),
        ({**GOOD, "id": "q2", "question": " "}, "line 3: question: "),
        ({**GOOD, "id": "q2", "history": [{"role": "system", "content": "x"}]}, "line 3: history.0.role: "),
        ({**GOOD, "id": "q2", "type": "unanswerable"}, "line 3: .*cannot have answers"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: object, words: str) -> None:
    with pytest.raises(EvalError, match=words):
        load_gold([write(tmp_path / "g.jsonl", GOOD, "", line)])


def test_nothing_to_ask(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="holds no question"):
        load_gold([write(tmp_path / "g.jsonl", "", "  ")])
    path = write(tmp_path / "g.jsonl", GOOD)
    with pytest.raises(EvalError, match="none of the 1 questions is of type typo"):
        load_gold([path], ["typo"])
    with pytest.raises(EvalError, match="'riddle' is not a type"):
        load_gold([path], ["riddle"])
    with pytest.raises(EvalError, match="cannot be read"):
        load_gold([tmp_path / "missing.jsonl"])
    (tmp_path / "latin.jsonl").write_bytes(b'{"id": "\xe9"}')
    with pytest.raises(EvalError, match="not UTF-8"):
        load_gold([tmp_path / "latin.jsonl"])
