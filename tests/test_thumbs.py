"""Thumbs on the server: what the browser says of a message is looked up, and where nothing is kept nothing is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr
import pytest

from rag.settings import Settings
from ui.chat import Conversation, Exchange
from ui.recorder import Recorder
from ui.thumbs import Thumbs, given

TALK = (
    Exchange("câu hỏi", replies=("trả lời",), id="first"),
    Exchange("câu hỏi", replies=("lỗi",)),
    Exchange("câu hỏi", replies=("trả lời",), id="second"),
)


def rate(thumbs: Thumbs, index: Any, liked: Any, talk: Conversation) -> tuple[list[str | None], str, bool]:
    """The thumbs that are shown then, the exchange to comment on, and whether the box for that is."""
    shown, exchange, row, _ = thumbs._rate(talk, gr.LikeData(None, {"index": index, "value": "", "liked": liked}))
    return shown["feedback_value"], exchange, row["visible"]


def make(tmp_path: Path, **fields: Any) -> tuple[Thumbs, Recorder, Conversation]:
    recorder = Recorder(Settings(index_dir=tmp_path / "index", **fields))
    with gr.Blocks():
        return Thumbs(recorder), recorder, Conversation(TALK)


def test_a_thumb_is_shown_changed_and_taken_back(tmp_path: Path) -> None:
    thumbs, _, talk = make(tmp_path)
    assert rate(thumbs, 5, True, talk) == ([None, None, "Like"], "second", True)
    assert rate(thumbs, 5, False, talk) == ([None, None, "Dislike"], "second", True)
    assert rate(thumbs, 1, False, talk) == (["Dislike", None, "Dislike"], "first", True)
    assert rate(thumbs, 5, "", talk) == (["Dislike", None, None], "", False)
    assert given(talk.put(TALK[1])) == ["Dislike", None, None, None]


def test_what_a_client_makes_up_rates_nothing(tmp_path: Path) -> None:
    thumbs, recorder, talk = make(tmp_path)
    made_up: list[Any] = [True, False, "Report", None, {}]
    for index in (2, 3, 6, -1, "1", None, [1], {"a": 1}, 1e300):
        for liked in made_up:
            assert rate(thumbs, index, liked, talk) == ([None, None, None], "", False)
    recorder.flush()
    assert not recorder._path.exists()


def test_where_no_questions_are_kept_a_thumb_asks_for_no_comment(tmp_path: Path) -> None:
    thumbs, _, talk = make(tmp_path, keep_questions=False)
    assert rate(thumbs, 5, True, talk) == ([None, None, "Like"], "", False)


@pytest.mark.parametrize(("exchange", "text"), [("", "lời bình"), ("first", " \n "), ("first", None)])
def test_nothing_said_of_nothing_is_not_kept(tmp_path: Path, exchange: str, text: str | None) -> None:
    thumbs, recorder, _ = make(tmp_path)
    assert thumbs._say(exchange, text) == Thumbs.nothing()
    recorder.flush()
    assert not recorder._path.exists()
