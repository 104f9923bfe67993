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
from ui.chat import Conversation, reply, stopped, too_fast
from ui.engine import Engine
from ui.examples import examples
from ui.limits import RateLimit
from ui.memory import Memory
from ui.render import escape
from ui.scope import DAY_CHARACTERS, Scope
from ui.threads import until

CONCURRENCY = 16
"""Questions answered at the same time; the others wait in Gradio's queue."""

Values = list[Any]


class Events:
    """The handlers of one page over `engine`."""

    def __init__(self, engine: Engine, limit: RateLimit) -> None:
        self._engine = engine
        self._limit = limit
        self._memory = Memory()
        self._pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="hoidap-answer")
        # Gradio's own way to cancel races with the next question and loses it; so an answer ends itself when told.
        self._halts: dict[str, asyncio.Event] = {}
        self.examples = _offered(examples(engine, engine.articles()))
        """The questions that are offered where nothing is chosen."""
        self._own_examples = lru_cache(maxsize=256)(self._find_examples)

    async def ask(
        self, request: gr.Request, token: str | None, question: str | None, before: Conversation, *chosen: Any
    ) -> AsyncGenerator[Values, None]:
        """Answer the question in the box; `chosen` is what `_scope` takes."""
        before = self._memory.recall(token) or before
        async with aclosing(self._answer(request, token, question or "", before, _scope(*chosen))) as growing:
            async for update in growing:
                yield update

    async def _answer(
        self, request: gr.Request, token: str | None, question: str, before: Conversation, scope: Scope
    ) -> AsyncGenerator[Values, None]:
        if seconds := self._limit.wait(_client(request)):
            yield _shown(too_fast(before, question, scope, seconds), question)
            return
        session = str(request.session_hash)
        if running := self._halts.get(session):  # a question that comes in between ends the answer before it
            running.set()
        self._halts[session] = halt = asyncio.Event()
        box_text: str | None = ""  # empties the box once; what is typed meanwhile stays
        now = before
        answering = reply(self._engine, self._pool, question, stopped(before), scope)
        try:
            async with aclosing(until(halt, answering)) as growing:
                async for now in growing:
                    yield _shown(now, now.unasked or box_text)
                    box_text = None
            if self._halts.get(session) is halt:  # otherwise the conversation was left for a new one
                yield _shown(stopped(now))
        finally:
            if self._halts.get(session) is halt:
                del self._halts[session]
                self._memory.keep(token, stopped(now))

    async def ask_example(
        self, request: gr.Request, event: gr.SelectData, token: str | None, before: Conversation, *chosen: Any
    ) -> AsyncGenerator[Values, None]:
        """Answer the example that was chosen."""
        async with aclosing(self.ask(request, token, event.value["text"], before, *chosen)) as growing:
            async for update in growing:
                yield update

    async def ask_again(
        self, request: gr.Request, token: str | None, before: Conversation, *chosen: Any
    ) -> AsyncGenerator[Values, None]:
        """Answer the last question anew, in the place of what came of it."""
        before = self._memory.recall(token) or before
        if not before.exchanges:
            return
        last = before.exchanges[-1]
        before, scope = before.before_last(), _scope(*chosen)
        async with aclosing(self._answer(request, token, last.question, before, scope)) as growing:
            async for update in growing:
                yield update

    async def end(self, request: gr.Request) -> None:
        """Stop the answer that is being written."""
        if halt := self._halts.get(str(request.session_hash)):
            halt.set()

    def after_failure(self) -> Values:
        """`reply` tells of what went wrong; left are Gradio's own failures."""
        return _buttons(is_open=False)

    async def go_on(self, token: str | None) -> Values:
        """Show what is kept of the conversation that the widget began on an earlier page."""
        kept = self._memory.recall(token)
        return _shown(kept) if kept else [gr.skip()] * len(_shown(Conversation()))

    async def begin_anew(self, request: gr.Request, token: str | None) -> Values:
        """Leave the conversation for an empty one."""
        self._memory.forget(token)
        if halt := self._halts.pop(str(request.session_hash), None):
            halt.set()
        return _shown(Conversation(), "")

    def open_page(self, request: gr.Request) -> Values:
        """The publishers to choose from, and what the page was opened about, if anything.

        That is `?article=ID`, `publisher`, `since` and `until`: from a link, or from the page that carries the widget.
        """
        asked = {name: str(request.query_params.get(name, "")) for name in ("article", "publisher", "since", "until")}
        publishers = self._engine.publishers()
        chosen = [asked["publisher"]] if asked["publisher"] in publishers else []
        form = [
            gr.update(choices=publishers, value=chosen, visible=len(publishers) > 1),
            asked["since"][:DAY_CHARACTERS],
            asked["until"][:DAY_CHARACTERS],
        ]
        article = self._engine.article(asked["article"]) if asked["article"] else None
        if article is None:
            return [*form, *[gr.skip()] * 4]
        title = f"Chỉ hỏi trong bài: **{escape(article.title)}**"
        return [*form, article, gr.update(visible=True), title, gr.update(examples=[])]

    def offer(self, article: Article | None) -> Any:
        """Examples on the article in view."""
        return gr.update(examples=self._own_examples(article)) if article else gr.skip()

    def leave_article(self) -> Values:
        """Ask about all articles again."""
        return [None, gr.update(visible=False), "", gr.update(examples=self.examples)]

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
    """Values for the conversation, the state, the box (untouched by default), send, stop and save."""
    return [
        conversation.messages,
        conversation,
        gr.skip() if box_text is None else box_text,
        *_buttons(is_open=conversation.is_open),
        gr.update(visible=bool(conversation.exchanges)),
    ]


def _buttons(*, is_open: bool) -> list[Any]:
    """Send while nothing is being answered, stop while something is."""
    return [gr.update(visible=not is_open), gr.update(visible=is_open)]
