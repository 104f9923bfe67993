"""`hoidap feedback export`, and `hoidap eval candidates` after it."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from eval.feedback import FeedbackStore
from rag.errors import HoidapError
from rag.schema import Outcome
from rag.settings import Settings
from tests.test_feedback import make_exchange
from ui.cli import app
from ui.exchanges import to_csv

NOON = datetime(2026, 11, 20, 12).astimezone()


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FeedbackStore:
    """A store with a conversation of four questions, in the place where commands look for it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOIDAP_INDEX_DIR", str(tmp_path / "index"))
    store = FeedbackStore(Settings().feedback_file)
    store.add(make_exchange("a", time=NOON.replace(month=10)))
    store.add(make_exchange("b", time=NOON, rating="up", leans=True))
    store.add(make_exchange("c", time=NOON, rating="down", outcome=Outcome.NOT_FOUND, comment="Sai, \n=1+1"))
    store.add(make_exchange("d", time=NOON, rating="up", outcome=Outcome.UNSURE, session="", question="", answer=""))
    return store


def call(*arguments: str) -> Result:
    found = CliRunner().invoke(app, list(arguments))
    assert found.exit_code == 0, found.output
    return found


def exported(*arguments: str) -> list[str]:
    lines = call("feedback", "export", *arguments).stdout.splitlines()
    return [json.loads(line)["id"] for line in lines]


@pytest.mark.usefixtures("store")
def test_a_line_holds_the_exchange() -> None:
    *_, line, _, _ = call("feedback", "export").stdout.splitlines()
    assert json.loads(line) == {
        "id": "b",
        "time": NOON.isoformat(),
        "session": "phiên",
        "question": "Câu hỏi b?",
        "understood": "Câu hỏi b là gì?",
        "history": [
            {"role": "user", "content": "Câu hỏi a?"},
            {"role": "assistant", "content": "Trả lời a. [1]"},
        ],
        "answer": "Trả lời b. [1]",
        "outcome": "answered",
        "refused": False,
        "rating": "up",
        "comment": "",
        "articles": ["bai"],
        "quotes": ["Trích b"],
        "spans": [[3, 9]],
        "generator": "extractive",
        "timings_ms": {"embed": 5.0, "read": 7.5},
    }


@pytest.mark.usefixtures("store")
def test_what_is_exported_can_be_chosen() -> None:
    assert exported() == ["a", "b", "c", "d"]
    assert exported("--since", "2026-11-20") == ["b", "c", "d"]
    assert exported("--since", "2026-11-21") == []
    assert exported("--thumb", "down") == ["c"]
    assert exported("--thumb", "none", "--thumb", "up") == ["a", "b", "d"]
    assert exported("--outcome", "unsure", "--outcome", "not_found", "--thumb", "up") == ["d"]


@pytest.mark.usefixtures("store")
def test_a_table_for_a_spreadsheet() -> None:
    call("feedback", "export", "--out", "use.csv")
    text = Path("use.csv").read_text("utf-8")
    assert text.startswith("\ufeffid,time,")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    assert [row["id"] for row in rows] == ["a", "b", "c", "d"]
    assert (rows[2]["comment"], rows[2]["milliseconds"], rows[2]["rating"]) == ("Sai, \n=1+1", "12.5", "down")
    assert call("feedback", "export", "--format", "csv").stdout.startswith("id,time,")
    call("feedback", "export", "--format", "jsonl", "--out", "use.csv")
    assert Path("use.csv").read_text("utf-8").startswith('{"id"')


@pytest.mark.parametrize(
    ("typed", "cell"),
    [
        ('=HYPERLINK("http://evil.example")', '\'=HYPERLINK("http://evil.example")'),
        ("+1", "'+1"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("@SUM(1)", "'@SUM(1)"),
        ("\t=1", "' =1"),
        (" \n\r=1", "' \n\n=1"),
        ("\u200b\u202e=1", "'=1"),
        ("＝1", "'＝1"),
        ("a=1", "a=1"),
        ("", ""),
        ("\x1b[31mđỏ\x07", "[31mđỏ"),
    ],
)
def test_no_cell_is_a_formula(typed: str, cell: str) -> None:
    text = to_csv([(make_exchange("=id", question=typed, comment=typed), ())])
    (row,) = csv.DictReader(io.StringIO(text, newline=""))
    assert (row["question"], row["comment"], row["id"]) == (cell, cell, "'=id")


def test_an_escape_sequence_does_not_reach_the_terminal(store: FeedbackStore) -> None:
    store.add(make_exchange("e", question="\x1b]0;hacked\x07"))
    assert "\x1b" not in call("feedback", "export").stdout
    assert "\x1b" not in call("feedback", "export", "--format", "csv").stdout


@pytest.mark.usefixtures("store")
def test_candidates_come_from_the_store_and_from_its_export_alike() -> None:
    direct = call("eval", "candidates").stdout
    call("feedback", "export", "--out", "use.jsonl")
    assert call("eval", "candidates", "use.jsonl").stdout == direct
    first, second = map(json.loads, direct.splitlines())
    assert (first["question"], first["type"], first["answers"]) == ("Câu hỏi b?", "followup", ["Trích b"])
    assert (second["question"], second["answers"]) == ("Câu hỏi c?", [])
    assert second["review"] == {"rating": "down", "comment": "Sai, \n=1+1", "answer": "Trả lời c. [1]"}


def test_a_store_that_is_missing_or_broken_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOIDAP_INDEX_DIR", str(tmp_path / "index"))
    path = Settings().feedback_file
    for words in ("Nothing is kept", "move it away"):
        found = CliRunner().invoke(app, ["feedback", "export"])
        assert isinstance(found.exception, HoidapError), "`main` makes a sentence of it"
        assert words in str(found.exception)
        path.write_bytes(b"no database" * 999)
