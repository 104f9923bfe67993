"""The conversation: how it grows, what it does when something fails, and what it remembers."""

from __future__ import annotations

import asyncio
import html
import logging
from collections.abc import AsyncGenerator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from eval.feedback import HISTORY_EXCHANGES
from index.errors import IndexDamagedError
from rag.errors import EmbedderError
from rag.pipeline import Pipeline
from rag.schema import EVERYTHING, Answer, Filters, Turn
from tests.stand_in import REFUSAL, TRADE, StandIn
from ui.chat import HISTORY_CHARACTERS, Conversation, Exchange, reply, stopped, too_fast
from ui.scope import EVERYWHERE, Scope
from ui.threads import paced, read, until


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4, thread_name_prefix="answers") as pool:
        yield pool


def record(answer: Answer, session: str) -> str:
    return "id"


def ask(
    engine: StandIn,
    pool: ThreadPoolExecutor,
    question: str,
    before: Conversation | None = None,
    scope: Scope = EVERYWHERE,
) -> list[Conversation]:
    async def collect() -> list[Conversation]:
        asked = Exchange(question, scope)
        return [step async for step in reply(engine, pool, asked, before or Conversation(), record)]

    return asyncio.run(collect())


class Slow(StandIn):
    """Waits until what there is has been seen: before its first words, and before its last."""

    def stream(self, question: str, history: Sequence[Turn] = (), only: Filters = EVERYTHING, /) -> Iterator[Answer]:
        self.go.wait(20)
        self.go.clear()
        yield from super().stream(f"{question} chậm", history, only)


def watch(pool: ThreadPoolExecutor) -> list[Conversation]:
    """The conversation while it is sought, after the first words, and at the end."""
    engine = Slow()

    async def collect() -> list[Conversation]:
        steps = []
        async for step in reply(engine, pool, Exchange("Kim ngạch?"), Conversation(), record):
            steps.append(step)
            engine.go.set()
        return steps

    sought, first, *_, end = asyncio.run(collect())
    return [sought, first, end]


def last(conversation: Conversation) -> str:
    return conversation.messages[-1]["content"]


def test_the_answer_grows_after_a_notice_that_it_is_sought(pool: ThreadPoolExecutor) -> None:
    steps = watch(pool)
    assert [[message["role"] for message in step.messages] for step in steps] == [["user", "assistant"]] * 3
    assert "hd-pending" in last(steps[0])
    assert "683" in last(steps[1])
    assert "36&#44;6" not in last(steps[1])
    assert "36&#44;6" in last(steps[2])
    assert [step.is_open for step in steps] == [True, True, False]


def test_the_engine_runs_off_the_event_loop(pool: ThreadPoolExecutor) -> None:
    engine = StandIn()

    async def two() -> str:
        slow = asyncio.ensure_future(anext_all(engine, pool))
        await asyncio.sleep(0.05)  # runs although the engine blocks its thread
        assert not slow.done()
        engine.go.set()
        return last((await slow)[-1])

    async def anext_all(engine: StandIn, pool: ThreadPoolExecutor) -> list[Conversation]:
        return [step async for step in reply(engine, pool, Exchange("chậm"), Conversation(), record)]

    assert "36&#44;6" in asyncio.run(two())
    assert engine.threads[0].startswith("answers")


def test_a_stopped_answer_ends_the_engines_work(pool: ThreadPoolExecutor) -> None:
    engine = StandIn()

    async def stop_after_first() -> None:
        task = asyncio.ensure_future(until_second())
        await asyncio.sleep(0.2)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    async def until_second() -> None:
        async for _ in reply(engine, pool, Exchange("chậm"), Conversation(), record):
            pass

    asyncio.run(stop_after_first())
    assert not engine.closed.is_set()  # its step is still running, in its thread
    engine.go.set()
    assert engine.closed.wait(5)
    assert not engine.read_to_its_end


def test_a_halt_ends_what_waits_for_its_next_item_and_closes_it() -> None:
    seen: list[int] = []
    ended: list[str] = []

    async def slow() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.sleep(60)
            yield 2
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        finally:
            ended.append("closed")

    async def halted() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, stop.set)
        seen.extend([item async for item in until(stop, slow())])

    asyncio.run(asyncio.wait_for(halted(), 10))
    assert seen == [1]
    assert ended == ["cancelled", "closed"]


@pytest.mark.parametrize("fails", [False, True])
def test_what_is_not_halted_comes_whole_with_its_error(fails: bool) -> None:
    async def numbers() -> AsyncGenerator[int, None]:
        yield 1
        yield 2
        if fails:
            raise EmbedderError("gone")

    async def read_all(seen: list[int]) -> None:
        async for item in until(asyncio.Event(), numbers()):
            seen.append(item)

    seen: list[int] = []
    if fails:
        with pytest.raises(EmbedderError):
            asyncio.run(read_all(seen))
    else:
        asyncio.run(read_all(seen))
    assert seen == [1, 2]


def test_of_what_comes_at_once_the_newest_is_shown_and_of_a_steady_flow_some() -> None:
    async def numbers(count: int, seconds: float) -> AsyncGenerator[int, None]:
        for number in range(count):
            yield number
            await asyncio.sleep(seconds)

    async def collect(count: int, seconds: float, pause: float) -> list[int]:
        return [number async for number in paced(numbers(count, seconds), pause)]

    assert asyncio.run(collect(50, 0, 5)) == [49]
    assert asyncio.run(collect(3, 0.3, 0.01)) == [0, 1, 2]
    flow = asyncio.run(collect(50, 0.01, 0.05))
    assert flow[-1] == 49
    assert 1 < len(flow) < 50
    assert asyncio.run(collect(0, 0, 5)) == []


def test_pacing_that_is_left_closes_what_it_paces() -> None:
    seen: list[str] = []

    async def slow() -> AsyncGenerator[int, None]:
        try:
            yield 1
            await asyncio.sleep(60)
        finally:
            seen.append("closed")

    async def first() -> int:
        items = paced(slow(), 0.01)
        try:
            return await anext(items)
        finally:
            await items.aclose()

    assert asyncio.run(asyncio.wait_for(first(), 10)) == 1
    assert seen == ["closed"]


def test_a_question_that_comes_too_soon_is_handed_back() -> None:
    told = too_fast(Conversation(), Exchange("Kim ngạch?"), 7)
    assert "7 giây" in last(told)
    assert told.unasked == "Kim ngạch?"
    assert told.turns == ()
    assert not told.is_open


def test_an_iterator_that_was_not_read_to_its_end_is_closed(pool: ThreadPoolExecutor) -> None:
    seen: list[str] = []

    def numbers() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            seen.append("closed")

    kept = numbers()  # so that nothing but `read` closes it

    async def first() -> int:
        steps = read(lambda: kept, pool)
        try:
            return await anext(steps)
        finally:
            await steps.aclose()

    assert asyncio.run(first()) == 1
    pool.shutdown(wait=True)
    assert seen == ["closed"]


def test_what_the_engine_refuses_to_ask_is_told_and_handed_back(pool: ThreadPoolExecutor) -> None:
    *_, end = ask(StandIn(), pool, "a" * 3000)
    assert "Câu hỏi quá dài" in last(end)
    assert "hd-error" in last(end)
    assert end.unasked == "a" * 3000
    assert not end.is_open
    assert end.turns == ()
    *_, again = ask(StandIn(), pool, "Kim ngạch?", end)
    assert again.unasked == ""


def test_an_empty_question_is_not_shown_as_a_message(pool: ThreadPoolExecutor) -> None:
    *_, end = ask(StandIn(), pool, "  \n ")
    assert [message["role"] for message in end.messages] == ["assistant"]
    assert "đang trống" in last(end)


def test_an_unexpected_failure_is_told_without_its_text_and_logged(
    pool: ThreadPoolExecutor, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        *_, end = ask(StandIn(), pool, "hỏng")
    assert "hd-error" in last(end)
    assert "secret" not in last(end)
    assert "secret of the machine room" in caplog.text
    code = caplog.records[0].getMessage().split("code ")[1].rstrip(")")
    assert code in last(end)
    *_, again = ask(StandIn(), pool, "Kim ngạch?", end)
    assert "683" in last(again)


@pytest.mark.parametrize("error", [EmbedderError("/secret/model"), IndexDamagedError("/secret/index")])
def test_a_broken_corpus_is_told_without_its_paths(pool: ThreadPoolExecutor, error: Exception) -> None:
    class Broken(StandIn):
        def stream(self, *_: object) -> Iterator[Answer]:
            raise error

    *_, end = ask(Broken(), pool, "Kim ngạch?")
    assert "Kho tài liệu đang gặp sự cố" in last(end)
    assert "secret" not in last(end)


def test_an_engine_that_says_nothing_is_a_failure(pool: ThreadPoolExecutor) -> None:
    class Silent(StandIn):
        def stream(self, *_: object) -> Iterator[Answer]:
            return iter(())

    *_, end = ask(Silent(), pool, "Kim ngạch?")
    assert "hd-error" in last(end)


def test_the_engine_is_told_what_was_said_before(pool: ThreadPoolExecutor) -> None:
    engine = StandIn()
    *_, first = ask(engine, pool, "không có")
    ask(engine, pool, "Kim ngạch?", first)
    assert engine.histories == [(), (Turn("user", "không có"), Turn("assistant", REFUSAL))]


def test_what_is_remembered_has_limits() -> None:
    conversation = Conversation()
    for number in range(140):
        answer = Answer("?", "b" * 9000)
        conversation = conversation.put(Exchange(f"{number}" + "a" * 9000, replies=("<p></p>",), answer=answer))
    assert len(conversation.turns) == 2 * HISTORY_EXCHANGES
    assert {len(turn.text) for turn in conversation.turns} == {HISTORY_CHARACTERS}
    assert conversation.turns[-2].text.startswith("139")
    assert len(conversation.messages) == 200


def test_passages_are_shown_but_not_kept(pool: ThreadPoolExecutor, pipeline: Pipeline) -> None:
    async def collect() -> list[Conversation]:
        question = "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?"
        return [step async for step in reply(pipeline, pool, Exchange(question), Conversation(), record)]

    *_, end = asyncio.run(collect())
    kept = end.exchanges[-1].answer
    assert kept
    assert kept.citations
    assert kept.passages == ()
    assert "Các đoạn đã xem xét" in last(end)


def test_an_answer_is_sought_where_the_person_chose(pool: ThreadPoolExecutor) -> None:
    engine = StandIn()
    scope = Scope(("Báo Thử",), "2023", "3/2024", TRADE)
    *_, end = ask(engine, pool, "Kim ngạch?", scope=scope)
    chosen = Filters(frozenset([TRADE.id]), frozenset(["Báo Thử"]), date(2023, 1, 1), date(2024, 3, 31))
    assert engine.scopes == [chosen]
    assert "Chỉ tìm trong" in end.messages[0]["content"]


def test_a_day_that_is_none_is_told_and_the_question_handed_back(pool: ThreadPoolExecutor) -> None:
    engine = StandIn()
    *_, end = ask(engine, pool, "Kim ngạch?", scope=Scope(since="31/2/2023"))
    assert "không phải là một ngày" in html.unescape(last(end))
    assert end.unasked == "Kim ngạch?"
    assert engine.scopes == []


def test_the_last_question_can_be_asked_anew(pool: ThreadPoolExecutor) -> None:
    engine = StandIn()
    *_, first = ask(engine, pool, "Kim ngạch?")
    *_, second = ask(engine, pool, "hỏng", first)
    *_, again = ask(engine, pool, "Vốn FDI?", second.before_last())
    assert len(again.exchanges) == 2
    assert engine.histories[-1] == first.turns


def test_stopping_keeps_what_was_written_and_says_so(pool: ThreadPoolExecutor) -> None:
    sought, first, end = watch(pool)
    nothing_yet, partly = stopped(sought), stopped(first)
    assert [message["role"] for message in nothing_yet.messages] == ["user", "assistant"]
    assert "Bạn đã dừng" in last(nothing_yet)
    assert "683" in partly.messages[-2]["content"]
    assert "hd-retry" in last(partly)
    assert not partly.is_open
    assert stopped(end) is end
