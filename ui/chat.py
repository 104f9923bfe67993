"""The conversation: a question in, a growing conversation out; whatever fails is a message in it.

The browser sends a question and nothing else. What was said before is kept on the server, so that no
history from a client has to be believed, and every message is HTML from `ui.render`.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncGenerator
from concurrent.futures import Executor
from dataclasses import dataclass, replace

from index.errors import IndexStoreError
from rag.errors import HoidapError, QuestionError
from rag.schema import Answer, Turn
from ui import render
from ui.engine import Engine
from ui.threads import paced, read

HISTORY_TURNS = 10
HISTORY_CHARACTERS = 4_000
_MESSAGES = 200  # of one conversation, kept for showing
_PACE = 0.05  # seconds; showing more often costs the server more than the eye would see of it

_LOG = logging.getLogger(__name__)

_SEARCHING = "Đang tìm trong kho tài liệu…"
_TOO_FAST = "Bạn đang hỏi nhanh quá mức cho phép. Hãy thử lại sau {seconds} giây."
_STOPPED = "Bạn đã dừng câu trả lời này."
_NO_CORPUS = "Kho tài liệu đang gặp sự cố nên chưa trả lời được. Bạn hãy thử lại sau hoặc báo quản trị viên"
_FAILED = "Đã có lỗi ngoài dự kiến nên chưa trả lời được. Bạn hãy hỏi lại, hoặc báo quản trị viên"

Message = dict[str, str]


@dataclass(frozen=True, slots=True)
class Conversation:
    """One session's conversation: `messages` as they are shown, `turns` as the engine is told them."""

    messages: tuple[Message, ...] = ()
    turns: tuple[Turn, ...] = ()
    is_open: bool = False
    """True while an answer is being written."""
    unasked: str = ""
    """A question that could not be asked as it stands, for the person to mend."""

    def show(self, html: str, role: str = "assistant") -> Conversation:
        """With one more message."""
        return replace(self, messages=(*self.messages, {"role": role, "content": html})[-_MESSAGES:])

    def remember(self, question: str, text: str) -> Conversation:
        """With one more question and answer for the engine to know, within the limits."""
        turns = (
            *self.turns,
            Turn("user", question[:HISTORY_CHARACTERS]),
            Turn("assistant", text[:HISTORY_CHARACTERS]),
        )
        return replace(self, turns=turns[-HISTORY_TURNS:])


def reply(engine: Engine, pool: Executor, question: str, before: Conversation) -> AsyncGenerator[Conversation, None]:
    """The conversation as it grows by `question` and its answer. Whatever fails is a message in it."""
    return paced(_growing(engine, pool, question, before), _PACE)


async def _growing(
    engine: Engine, pool: Executor, question: str, before: Conversation
) -> AsyncGenerator[Conversation, None]:
    asked = replace(before, is_open=True, unasked="")
    if question.strip():
        asked = asked.show(render.question(question), "user")
    now = asked.show(render.notice(_SEARCHING, "pending"))
    yield now
    answer: Answer | None = None
    try:
        async for answer in read(lambda: engine.stream(question, before.turns), pool):
            now = asked.show(render.answer(answer))
            yield now
        if answer is None:
            raise RuntimeError("the engine's stream ended without an answer")
        now = now.remember(question, answer.text)
    except QuestionError as error:
        now = replace(asked.show(render.notice(str(error), "error")), unasked=question)
    except (HoidapError, IndexStoreError) as error:
        now = asked.show(render.notice(_reported(_NO_CORPUS, error), "error"))
    except Exception as error:  # the edge: whatever it is, the person is told and can ask again
        now = asked.show(render.notice(_reported(_FAILED, error), "error"))
    yield replace(now, is_open=False)


def too_fast(conversation: Conversation, question: str, seconds: int) -> Conversation:
    """The conversation with a note that `question` came too soon after others; it is handed back."""
    note = render.notice(_TOO_FAST.format(seconds=seconds), "error")
    return replace(conversation.show(note), unasked=question)


def stopped(conversation: Conversation) -> Conversation:
    """The conversation after its answer was stopped: what had been written stays, and a note is added."""
    if not conversation.is_open:
        return conversation
    *earlier, last = conversation.messages
    kept = replace(conversation, is_open=False)
    if "hd-pending" in last["content"]:
        kept = replace(kept, messages=tuple(earlier))
    return kept.show(render.notice(_STOPPED, "stopped"))


def _reported(message: str, error: Exception) -> str:
    """`message` with a code under which the operator finds `error` in the log."""
    code = secrets.token_hex(3)
    _LOG.error("A question could not be answered (code %s)", code, exc_info=error)
    return f"{message} (mã lỗi {code})."
