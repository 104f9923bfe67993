"""What happens when something on the chat page is pressed: from Gradio's events to the conversation and back.

The values that a handler returns stand in the order of `ui.page`'s lists of outputs. Imports Gradio.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import lru_cache
from typing import Any

import gradio as gr

from rag.schema import Article
from ui.chat import Conversation, Exchange, failed, reply, stopped, too_fast
from ui.engine import Engine
from ui.examples import examples
from ui.limits import RateLimit
from ui.memory import Memory
from ui.recorder import Recorder
from ui.render import escape
from ui.scope import DAY_CHARACTERS, EVERYWHERE, Scope
from ui.threads import until
from ui.thumbs import Thumbs, given

CONCURRENCY = 16
"""Questions answered at the same time; the others wait in Gradio's queue."""

Values = list[Any]


class Events:
    """The handlers of one page over `engine`."""

    def __init__(self, engine: Engine, recorder: Recorder, limit: RateLimit) -> None:
        self._engine = engine
        self._recorder = recorder
        self._limit = limit
        self._memory = Memory()
        self._pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="hoidap-answer")
        # Gradio's own way to cancel races with the next question and loses it; so an answer ends itself when told.
        self._halts: dict[str, asyncio.Event] = {}
        self.examples = _offered(examples(engine, engine.articles()))
        """The questions that are offered where nothing is chosen."""
        self._own_examples = lru_cache(maxsize=256)(self._find_examples)

    async def ask(
        self, request: gr.Request, token: str | None, question: str | None, shown: Conversation, *chosen: Any
    ) -> AsyncGenerator[Values, None]:
        """Answer the question in the box; `chosen` is what `_scope` takes."""
        asked = Exchange(question or "", _scope(*chosen))
        async with aclosing(self._answer(request, token, asked, shown)) as growing:
            async for update in growing:
                yield update

    async def ask_example(
        self, request: gr.Request, event: gr.SelectData, token: str | None, shown: Conversation, *chosen: Any
    ) -> AsyncGenerator[Values, None]:
        """Answer the example that was chosen."""
        async with aclosing(self.ask(request, token, event.value["text"], shown, *chosen)) as growing:
            async for update in growing:
                yield update

    async def ask_again(
        self, request: gr.Request, token: str | None, shown: Conversation, *chosen: Any
    ) -> AsyncGenerator[Values, None]:
        """Answer the last question anew, in the place of what came of it."""
        before = self._so_far(token, shown)
        if not before.exchanges:
            return
        asked = Exchange(before.exchanges[-1].question, _scope(*chosen))
        async with aclosing(self._answer(request, token, asked, shown, anew=True)) as growing:
            async for update in growing:
                yield update

    async def _answer(
        self, request: gr.Request, token: str | None, asked: Exchange, shown: Conversation, *, anew: bool = False
    ) -> AsyncGenerator[Values, None]:
        before = self._so_far(token, shown)
        if seconds := self._limit.wait(_client(request)):
            yield _after(shown, too_fast(before, asked, seconds), asked.question)
            return
        before = before.before_last() if anew else stopped(before)
        session = str(request.session_hash)
        if running := self._halts.get(session):  # a question that comes in between ends the answer before it
            running.set()
        self._halts[session] = halt = asyncio.Event()
        now = before
        answering = reply(self._engine, self._pool, asked, before, self._recorder.record)
        try:
            async with aclosing(until(halt, answering)) as growing:
                async for now in growing:
                    yield _after(shown, now, now.unasked)
                    shown = now
            if now.is_open and self._halts.get(session) is halt:  # otherwise the conversation was left for a new one
                yield _after(shown, stopped(now))
        finally:
            if self._halts.get(session) is halt:
                del self._halts[session]
                self._memory.keep(token, stopped(now))

    async def end(self, request: gr.Request) -> None:
        """Stop the answer that is being written."""
        if halt := self._halts.get(str(request.session_hash)):
            halt.set()

    def after_failure(self, before: Conversation) -> Values:
        """`reply` tells of what went wrong; left are Gradio's own failures."""
        return _shown(failed(before))

    async def go_on(self, token: str | None) -> Values:
        """Show what is kept of the conversation that the widget began on an earlier page."""
        kept = self._memory.recall(token)
        return _shown(kept) if kept else [gr.skip()] * len(_shown(Conversation()))

    async def begin_anew(self, request: gr.Request, token: str | None) -> Values:
        """Leave the conversation for an empty one."""
        self._memory.forget(token)
        if halt := self._halts.pop(str(request.session_hash), None):
            halt.set()
        return [*_shown(Conversation(), ""), *Thumbs.nothing()]

    def open_page(self, request: gr.Request) -> Values:
        """Look where the address says, if it does: `?publisher=`, `since`, `until` and `article`, an id.

        It says so in a link, and where the page that carries the widget has a context. That page's first question may
        wait already: it is let in, by the box for its token, when there is somewhere to look.
        """
        asked = {name: str(request.query_params.get(name, "")) for name in ("publisher", "since", "until", "article")}
        publishers = [asked["publisher"]] if asked["publisher"] else []
        article = self._engine.article(asked["article"]) if asked["article"] else None
        scope = _scope(publishers, asked["since"], asked["until"], article)
        offered = gr.update(examples=[]) if article else gr.skip()  # `offer` has those on it
        return [*self._looking(scope), offered, gr.update(visible="hidden")]

    def look_everywhere(self) -> Values:
        """Ask about all articles again."""
        return [*self._looking(EVERYWHERE), gr.update(examples=self.examples)]

    def tell_scope(self, *chosen: Any) -> Values:
        """Values for the row that tells where answers are looked for, and for its text."""
        told = _scope(*chosen).told()
        return [gr.update(visible=bool(told)), f"Chỉ tìm trong: **{escape(told)}**" if told else ""]

    def _looking(self, scope: Scope) -> Values:
        """Values for the form and the article, which hold `scope`, and for what tells it."""
        publishers = sorted({*self._engine.publishers(), *scope.publishers})
        chosen = (list(scope.publishers), scope.since, scope.until, scope.article)
        return [
            gr.update(choices=publishers, value=chosen[0], visible=len(publishers) > 1),
            *chosen[1:],
            *self.tell_scope(*chosen),
        ]

    def offer(self, article: Article | None) -> Any:
        """Examples on the article in view."""
        return gr.update(examples=self._own_examples(article)) if article else gr.skip()

    def _so_far(self, token: str | None, shown: Conversation) -> Conversation:
        """What is `shown`; a widget's page may ask before it shows what is kept from an earlier one."""
        return shown if shown.exchanges else self._memory.recall(token) or shown

    def _find_examples(self, article: Article) -> list[Any]:
        return _offered(examples(self._engine, [article], Scope(article=article).filters()))


def _offered(questions: Sequence[str]) -> list[Any]:
    """Example questions as Gradio takes them."""
    return [{"text": question} for question in questions]


def _client(request: gr.Request) -> str:
    """Who asks, for the limit of questions: the address, which uvicorn takes from a trusted proxy where one is set."""
    return request.client.host if request.client else ""


def _scope(publishers: list[str] | None, since: str | None, until: str | None, article: Article | None) -> Scope:
    """What the form holds. The browser's limits are not believed."""
    return Scope(tuple(publishers or ()), (since or "")[:DAY_CHARACTERS], (until or "")[:DAY_CHARACTERS], article)


def _shown(conversation: Conversation, box_text: str | None = None) -> list[Any]:
    """Values for the conversation, the state and the box, which is untouched by default."""
    chat = gr.update(value=conversation.messages, feedback_value=given(conversation))
    return [chat, conversation, gr.skip() if box_text is None else box_text]


def _after(shown: Conversation, now: Conversation, box_text: str = "") -> list[Any]:
    """The same for `now`, which comes after `shown`.

    A new value costs Gradio a fiftieth of what an update of a component's properties does: the thumbs are sent only
    where they do not stay as they are. The box is emptied when it was asked; what was typed since stays.
    """
    more = len(now.exchanges) - len(shown.exchanges)
    is_same = not more and shown.is_open
    chat = now.messages if more == 1 or is_same else _shown(now)[0]
    return [chat, now, box_text or (gr.skip() if is_same else "")]
