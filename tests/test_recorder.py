"""Keeping questions in the background: what is written, what is not, and that no answer fails by it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from eval.errors import FeedbackError
from eval.feedback import Cited, Exchange, FeedbackStore
from rag.schema import Answer, Outcome
from rag.settings import Settings
from tests.stand_in import REFUSAL, TRADE, StandIn
from tests.test_feedback import bytes_on_disk, make_exchange
from ui import chat
from ui.chat import Conversation, reply
from ui.recorder import Recorder

SECRETS = ("Kim ngạch bí mật", "683", "kim ngach", TRADE.id, "lời bình", "phiên-7")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(index_dir=tmp_path / "index")


def kept(settings: Settings) -> list[Exchange]:
    store = FeedbackStore(settings.feedback_file)
    found = list(store.exchanges())
    store.close()
    return found


def secret_answer() -> Answer:
    *_, answer = StandIn().stream("Kim ngạch bí mật?")
    return Answer(
        question=answer.question,
        text=answer.text,
        citations=answer.citations,
        understood="kim ngach bí mật",
        trace=(("follow_ups", "kim ngach bí mật"),),
        generator="extractive",
        timings={"embed": 4.0},
    )


def converse(recorder: Recorder, *questions: str) -> Conversation:
    """The conversation after these questions were answered."""

    async def ask() -> Conversation:
        now = Conversation()
        for question in questions:
            now = [step async for step in reply(StandIn(), pool, chat.Exchange(question), now, recorder.record)][-1]
        return now

    with ThreadPoolExecutor(1) as pool:
        return asyncio.run(ask())


def until(happened: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert happened()


def test_each_answered_question_is_kept_with_what_was_cited(settings: Settings) -> None:
    recorder = Recorder(settings)
    end = converse(recorder, "Kim ngạch?", "hỏng", "không có", " ")
    recorder.rate(end.exchanges[0].id, "down")
    recorder.comment(end.exchanges[0].id, "thiếu số liệu")
    recorder.flush()
    answered, refused = kept(settings)
    assert (answered.question, answered.outcome, answered.rating) == ("Kim ngạch?", Outcome.ANSWERED, "down")
    assert answered.comment == "thiếu số liệu"
    assert answered.citations[0] == Cited(TRADE.id, 25, 64, "Tổng kim ngạch năm 2023 đạt 683 tỷ USD.")
    assert TRADE.text[25:64] == answered.citations[0].quote
    assert (refused.answer, refused.outcome) == (REFUSAL, Outcome.NOT_FOUND)
    assert answered.session == refused.session
    assert abs(answered.time - datetime.now(UTC)) < timedelta(minutes=5)
    assert converse(recorder, "Kim ngạch?").session != answered.session


def test_a_message_belongs_to_its_exchange_and_a_client_cannot_name_another(settings: Settings) -> None:
    recorder = Recorder(settings)
    end = converse(recorder, "Kim ngạch?", "hỏng", "không có")
    recorder.flush()
    ids = [one.id for one in kept(settings)]
    messages = [end.exchange_at(position) for position in range(6)]
    assert [one.id for one in messages if one] == [ids[0], ids[0], "", "", ids[1], ids[1]]
    for position in (-1, 6, 10**30, None, "1", [1], 1.0, ids[0]):
        assert end.exchange_at(position) is None
    assert all(len(one) >= 20 for one in ids)


def test_without_questions_nothing_about_them_is_on_disk(tmp_path: Path) -> None:
    settings = Settings(index_dir=tmp_path / "index", keep_questions=False)
    recorder = Recorder(settings)
    name = recorder.record(secret_answer(), "phiên-7")
    recorder.rate(name, "down")
    recorder.comment(name, "lời bình")
    recorder.flush()
    on_disk = bytes_on_disk(settings.feedback_file)
    assert name.encode() in on_disk, "this is where it would stand"
    assert [words for words in SECRETS if words.encode() in on_disk] == []
    (one,) = kept(settings)
    assert (one.outcome, one.timings, one.rating, one.leans) == (Outcome.ANSWERED, {"embed": 4.0}, "down", False)


def test_switching_questions_off_erases_those_that_were_kept(settings: Settings) -> None:
    recorder = Recorder(settings)
    recorder.comment(recorder.record(secret_answer(), "phiên-7"), "lời bình")
    recorder.flush()
    assert [words for words in SECRETS if words.encode() not in bytes_on_disk(settings.feedback_file)] == []
    Recorder(settings.model_copy(update={"keep_questions": False}))
    until(lambda: not any(words.encode() in bytes_on_disk(settings.feedback_file) for words in SECRETS))
    assert [one.outcome for one in kept(settings)] == [Outcome.ANSWERED]


def test_old_exchanges_go_at_the_start_and_daily(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FeedbackStore(settings.feedback_file)
    store.add(make_exchange("old", time=datetime.now(UTC) - timedelta(days=91)))
    store.add(make_exchange("young", time=datetime.now(UTC) - timedelta(days=89)))
    monkeypatch.setattr("ui.recorder._DAY", 0.2)
    Recorder(settings)
    until(lambda: [one.id for one in kept(settings)] == ["young"])
    store.add(make_exchange("older", time=datetime.now(UTC) - timedelta(days=200)))
    until(lambda: [one.id for one in kept(settings)] == ["young"])
    store.close()


def test_what_could_not_be_erased_is_tried_again_soon(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FeedbackStore(settings.feedback_file)
    store.add(make_exchange("old", time=datetime.now(UTC) - timedelta(days=91)))
    erase, failures = FeedbackStore.erase_before, iter([FeedbackError("busy")])

    def fails_once(store: FeedbackStore, time: datetime) -> int:
        for failure in failures:
            raise failure
        return erase(store, time)

    monkeypatch.setattr(FeedbackStore, "erase_before", fails_once)
    monkeypatch.setattr("ui.recorder._HOUR", 0.1)
    Recorder(settings)
    until(lambda: not kept(settings))
    store.close()


def test_no_file_is_made_before_there_is_something_to_keep(settings: Settings) -> None:
    recorder = Recorder(settings)
    recorder.flush()
    assert not settings.feedback_file.exists()


def test_a_broken_store_is_told_in_the_log_and_the_answer_stands(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.feedback_file.write_bytes(b"this is no database" * 500)
    recorder = Recorder(settings)
    with caplog.at_level(logging.ERROR):
        end = converse(recorder, "Kim ngạch?")
        recorder.rate(end.exchanges[0].id, "up")
        recorder.flush()
    assert "683" in end.messages[-1]["content"]
    assert "hd-error" not in end.messages[-1]["content"]
    assert "move it away, and a new one is made" in caplog.text
    settings.feedback_file.unlink()
    converse(recorder, "Kim ngạch?")
    recorder.flush()
    assert len(kept(settings)) == 1, "it is tried anew each time"


def test_a_store_that_hangs_holds_nothing_up(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ui.recorder._WAITING", 2)
    settings.feedback_file.parent.mkdir(exist_ok=True)
    store = FeedbackStore(settings.feedback_file)
    store._db.execute("begin immediate")
    recorder = Recorder(settings)
    begun = time.monotonic()
    with caplog.at_level(logging.ERROR):
        for _ in range(10):
            recorder.record(secret_answer(), "phiên-7")
    assert time.monotonic() - begun < 5, "a lock of SQLite's is waited for ten seconds"
    assert "too slowly" in caplog.text
    store._db.execute("rollback")
    recorder.flush(20)
    assert 1 <= len(kept(settings)) <= 4
    store.close()
