"""The report: it loads nothing, runs nothing, and shows what went wrong."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from eval.errors import EvalError
from eval.report import marked, to_html
from eval.result import Result, load, summarise, to_json, write_text

HOSTILE = '"><script>alert(1)</script><img src=http://evil.example/a.png onerror=alert(2)>'


def question(number: int, *, correct: bool, kind: str = "fact", text: str = "Cầu dài bao nhiêu?") -> dict[str, Any]:
    return {
        "id": f"q{number}",
        "type": kind,
        "question": text,
        "answer": f"Cầu dài 86 mét. {text}",
        "refused": False,
        "citations": [{"article_id": f"bai-{text}", "quote": text, "title": text}],
        "correct": correct,
        "latency_ms": 10.0 + number,
        "failure": "" if correct else "not_selected",
        "reason": text,
        "answerable": number % 3 > 0,
        "support": (number % 10) / 10,
        "expected": {"answers": ["86 mét", text], "all_of": [text], "articles": [text]},
        "history": [{"role": "user", "content": text}],
        "passages": [
            {"rank": 1, "article_id": text, "title": text, "text": text, "dense": 0.9, "lexical": 3.2, "fused": 1.1}
        ],
        "scores": {"correct": float(correct), "answer_accuracy": float(correct), "fused.mrr": 0.5},
    }


def result(text: str = "Cầu dài bao nhiêu?") -> Result:
    questions = [question(i, correct=i % 2 == 0, kind=("fact", "typo")[i % 2 == 0], text=text) for i in range(12)]
    run = {
        "set": text,
        "generator": text,
        "embedder": text,
        "corpus": text,
        "version": "1",
        "started": "",
        "seconds": 1,
    }
    return summarise(
        run,
        questions,
        {"latency_p50_ms": 12.0, "latency_p95_ms": 20.0, "latency.embed_p50_ms": 3.0, "latency.embed_p95_ms": 4.0},
    )


class Tags(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.words: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag not in ("meta", "br"):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def parse(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    assert not tags.open
    return tags


def test_nothing_hostile_comes_to_life() -> None:
    html = to_html(result(HOSTILE))
    tags = parse(html)
    assert {"script", "img", "link", "iframe", "object", "base"}.isdisjoint(tags.tags)
    assert {"src", "href", "srcset", "onerror", "onload", "onclick", "action"}.isdisjoint(tags.attributes)
    assert "<script" not in html
    assert HOSTILE in "".join(tags.words)


def test_nothing_is_loaded() -> None:
    html = to_html(result())
    assert "http://" not in html
    assert "https://" not in html
    assert "@import" not in html
    assert "url(" not in html
    assert "default-src 'none'" in html


def test_what_went_wrong_is_shown() -> None:
    words = " ".join("".join(parse(to_html(result())).words).split())
    for shown in (
        "Câu trả lời sai",
        "Wrong answers",
        "86 mét",
        "Tìm thấy đoạn nhưng chọn sai câu",
        "q1",
        "3.20",
        "0.900",
    ):
        assert shown in words
    assert "q2 " not in words  # it was right


def test_right_in_everything_is_a_report_too() -> None:
    perfect = [question(1, correct=True)]
    html = to_html(
        summarise(
            {"set": "s", "generator": "g", "embedder": "e", "corpus": "c", "version": "1", "started": "", "seconds": 1},
            perfect,
            {},
        )
    )
    assert "None." in "".join(parse(html).words)


def test_answers_are_marked_however_they_are_spelled() -> None:
    text = "Tỉnh Hoà Bình & cầu dài 86  mét, không phải 186 mét."
    assert str(marked(text, ["hòa bình", "86 mét"])) == (
        "Tỉnh <mark>Hoà Bình</mark> &amp; cầu dài <mark>86  mét</mark>, không phải 186 mét."
    )
    assert str(marked("<b>", [])) == "&lt;b&gt;"
    assert str(marked("", ["…"])) == ""


def test_a_result_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "out.json"
    write_text(path, to_json(result()))
    again = load(path)
    assert again == result()
    assert list(json.loads(path.read_text("utf-8")))[:4] == ["run", "metrics", "by_type", "questions"]
    path.write_text("[]", "utf-8")
    with pytest.raises(EvalError, match="is not a result"):
        load(path)
    with pytest.raises(EvalError, match="cannot be read"):
        load(tmp_path / "missing.json")


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(EvalError, match="cannot be written"):
        write_text(tmp_path / "no" / "out.json", "x")
    path = tmp_path / "out.json"
    path.write_text("before", "utf-8")
    with pytest.raises(UnicodeEncodeError):
        write_text(path, "x\ud800")
    assert path.read_text("utf-8") == "before"
    assert list(tmp_path.iterdir()) == [path]
