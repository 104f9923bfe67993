"""What the page's handlers do where no browser is needed: what an address says, and who asks too fast."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr

from rag.settings import Settings
from tests.stand_in import StandIn
from ui.chat import Conversation, Exchange
from ui.events import Events
from ui.limits import RateLimit
from ui.recorder import Recorder
from ui.scope import DAY_CHARACTERS

FORM: tuple[Any, ...] = ([], "", "", None)


def make(tmp_path: Path, per_minute: int = 0) -> Events:
    return Events(StandIn(), Recorder(Settings(index_dir=tmp_path / "index")), RateLimit(per_minute))


def test_an_address_may_say_where_to_look_and_a_publisher_it_names_is_never_left_out(tmp_path: Path) -> None:
    events = make(tmp_path)
    asked = {"publisher": "Báo Lạ", "since": "3/2024", "until": "a" * 99, "article": "khong-co"}
    form, since, until, article, row, told, *_ = events.open_page(gr.Request(query_params=asked))
    assert (form["value"], form["choices"]) == (["Báo Lạ"], ["<b>Báo</b>", "Báo Lạ", "Báo Thử"])
    assert (since, until, article) == ("3/2024", "a" * DAY_CHARACTERS, None)
    assert row["visible"]
    assert told.startswith("Chỉ tìm trong: **Báo Lạ · từ ")
    form, since, until, article, row, told, _ = events.look_everywhere()
    assert (form["value"], form["choices"]) == ([], ["<b>Báo</b>", "Báo Thử"])
    assert (since, until, article, row["visible"], told) == ("", "", None, False, "")


def test_asking_again_is_another_exchange_and_too_soon_it_takes_nothing_away(tmp_path: Path) -> None:
    events = make(tmp_path, 2)
    request: Any = SimpleNamespace(session_hash="s", client=SimpleNamespace(host="127.0.0.1"))

    async def converse() -> list[Conversation]:
        first = [values[1] async for values in events.ask(request, None, "Kim ngạch?", Conversation(), *FORM)][-1]
        second = [values[1] async for values in events.ask_again(request, None, first, *FORM)][-1]
        third = [values[1] async for values in events.ask_again(request, None, second, *FORM)][-1]
        return [first, second, third]

    first, second, third = asyncio.run(converse())
    assert [len(one.exchanges) for one in (first, second, third)] == [1, 1, 2]
    assert first.session == second.session
    assert "" not in {first.exchanges[0].id, second.exchanges[0].id}
    assert first.exchanges[0].id != second.exchanges[0].id
    assert third.exchanges[0] == second.exchanges[0]
    assert "nhanh quá mức" in third.messages[-1]["content"]


def test_an_answer_that_came_to_no_end_is_closed_with_a_reason(tmp_path: Path) -> None:
    events = make(tmp_path)
    half = Conversation((Exchange("Kim ngạch?", replies=("<p>Kim ngạch</p>",)),), is_open=True)
    chat, closed, _ = events.after_failure(half)
    assert not closed.is_open
    assert [message["content"] for message in chat["value"]][1] == "<p>Kim ngạch</p>"
    assert "lỗi ngoài dự kiến" in chat["value"][-1]["content"]
    assert events.after_failure(closed)[1] == closed
