"""The conversation: a question in, a growing conversation out; whatever fails is a message in it.

The browser sends a question and where to look, nothing else. What was said before is kept on the server, so that no
history from a client has to be believed, and every message is HTML from `ui.render`.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace

from eval.feedback import HISTORY_EXCHANGES, Rating
from index.errors import IndexStoreError
from rag.errors import HoidapError, QuestionError
from rag.schema import Answer, Turn
from ui import render
from ui.engine import Engine
from ui.scope import EVERYWHERE, Scope
from ui.threads import paced, read

HISTORY_CHARACTERS = 4_000
_EXCHANGES = 100  # of one conversation, kept for showing
_PACE = 0.05  # seconds; showing more often costs the server more than the eye would see of it

_LOG = logging.getLogger(__name__)

_SEARCHING = "Đang tìm trong kho tài liệu…"
_WRITING = "Đã tìm thấy tài liệu; mô hình ngôn ngữ đang viết câu trả lời…"
_TOO_FAST = "Bạn đang hỏi nhanh quá mức cho phép. Hãy thử lại sau {seconds} giây."
_STOPPED = "Bạn đã dừng câu trả lời này."
_NO_CORPUS = "Kho tài liệu đang gặp sự cố nên chưa trả lời được. Bạn hãy thử lại sau hoặc báo quản trị viên"
_FAILED = "Đã có lỗi ngoài dự kiến nên chưa trả lời được. Bạn hãy hỏi lại, hoặc báo quản trị viên"

Message = dict[str, str]
"""A message as Gradio wants it."""

Record = Callable[[Answer, str], str]
"""Told of each complete answer and its conversation's session; returns the id under which the exchange is kept."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and what came of it: `replies` are HTML.

    Once the answer is complete it is `answer`, and has been recorded under `id`.
    """

    question: str
    scope: Scope = EVERYWHERE
    replies: tuple[str, ...] = ()
    answer: Answer | None = None
    id: str = ""

    @property
    def messages(self) -> list[Message]:
        """As they are shown; an empty question is not."""
        asked = [render.question(self.question, self.scope.told())] if self.question.strip() else []
        return [
            *({"role": "user", "content": html} for html in asked),
            *({"role": "assistant", "content": html} for html in self.replies),
        ]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One session's conversation."""

    exchanges: tuple[Exchange, ...] = ()
    is_open: bool = False
    """True while an answer is being written."""
    unasked: str = ""
    """A question that could not be asked as it stands, for the person to mend."""
    session: str = ""
    """A random name from the first question on: it is of this conversation, not of a person."""
    ratings: dict[str, Rating | None] = field(default_factory=dict)
    """Thumbs by exchange id. Shared with what the conversation grows into: one may be given while it does."""

    @property
    def messages(self) -> list[Message]:
        """All messages as they are shown."""
        return [message for exchange in self.exchanges for message in exchange.messages]

    def exchange_at(self, position: object) -> Exchange | None:
        """The exchange that the message at `position`, a word of the client's, belongs to."""
        each = [exchange for exchange in self.exchanges for _ in exchange.messages]
        return each[position] if isinstance(position, int) and 0 <= position < len(each) else None

    @property
    def turns(self) -> tuple[Turn, ...]:
        """What was asked and answered, as the engine is told it, within the limits."""
        answered = [(exchange.question, exchange.answer.text) for exchange in self.exchanges if exchange.answer]
        turns = [
            turn
            for question, text in answered[-HISTORY_EXCHANGES:]
            for turn in (Turn("user", question[:HISTORY_CHARACTERS]), Turn("assistant", text[:HISTORY_CHARACTERS]))
        ]
        return tuple(turns)

    def put(self, exchange: Exchange) -> Conversation:
        """With one more exchange."""
        return replace(self, exchanges=(*self.exchanges, exchange)[-_EXCHANGES:])

    def before_last(self) -> Conversation:
        """Without its last exchange, which is to be had anew."""
        return replace(self, exchanges=self.exchanges[:-1], is_open=False)


def reply(
    engine: Engine, pool: Executor, asked: Exchange, before: Conversation, record: Record
) -> AsyncGenerator[Conversation, None]:
    """The conversation `before` as it grows by what is `asked` and its answer. Whatever fails is a message in it."""
    return paced(_growing(engine, pool, asked, before, record), _PACE)


async def _growing(
    engine: Engine, pool: Executor, asked: Exchange, before: Conversation, record: Record
) -> AsyncGenerator[Conversation, None]:
    before = replace(before, is_open=True, unasked="", session=before.session or secrets.token_urlsafe(9))

    def with_reply(html: str) -> Conversation:
        return before.put(replace(asked, replies=(html,)))

    now = with_reply(render.notice(_SEARCHING, "pending"))
    yield now
    answer: Answer | None = None
    try:
        only = asked.scope.filters()
        shown: Answer | None = None
        async for answer in read(lambda: engine.stream(asked.question, before.turns, only), pool):
            if answer is shown:  # a language model is waited for
                continue
            shown = answer
            waiting = render.notice(_WRITING if answer.passages else _SEARCHING, "pending")
            now = with_reply(render.answer(answer, is_complete=False) if answer.text else waiting)
            yield now
        if answer is None:
            raise RuntimeError("the engine's stream ended without an answer")
        # The passages have been shown; kept, they would be most of a conversation's memory.
        kept, exchange_id = replace(answer, passages=()), record(answer, before.session)
        now = before.put(replace(asked, replies=(render.answer(answer),), answer=kept, id=exchange_id))
    except QuestionError as error:
        now = replace(with_reply(render.notice(str(error), "error")), unasked=asked.question)
    except (HoidapError, IndexStoreError) as error:
        now = with_reply(render.failure(_reported(_NO_CORPUS, error)))
    except Exception as error:  # the edge: whatever it is, the person is told and can ask again
        now = with_reply(render.failure(_reported(_FAILED, error)))
    yield replace(now, is_open=False)


def too_fast(conversation: Conversation, asked: Exchange, seconds: int) -> Conversation:
    """The conversation with a note that what is `asked` came too soon after others; it is handed back."""
    note = render.notice(_TOO_FAST.format(seconds=seconds), "error")
    return replace(conversation.put(replace(asked, replies=(note,))), unasked=asked.question)


def stopped(conversation: Conversation) -> Conversation:
    """The conversation after its answer was stopped: what had been written stays, and a note is added."""
    return _cut_off(conversation, _STOPPED, "stopped")


def failed(conversation: Conversation) -> Conversation:
    """The same after its answer came to no end for some other reason."""
    return _cut_off(conversation, f"{_FAILED}.", "error")


def _cut_off(conversation: Conversation, why: str, kind: str) -> Conversation:
    if not conversation.is_open:
        return conversation
    *earlier, last = conversation.exchanges
    written = tuple(html for html in last.replies if "hd-pending" not in html)
    note = render.failure(why, kind)
    return replace(conversation, exchanges=(*earlier, replace(last, replies=(*written, note))), is_open=False)


def _reported(message: str, error: Exception) -> str:
    """`message` with a code under which the operator finds `error` in the log."""
    code = secrets.token_hex(3)
    _LOG.error("A question could not be answered (code %s)", code, exc_info=error)
    return f"{message} (mã lỗi {code})."
