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
from ui.chat import Conversation, reply, stopped
from ui.engine import Engine
from ui.examples import examples
from ui.recorder import Recorder
from ui.render import escape
from ui.scope import DAY_CHARACTERS, Scope
from ui.threads import until
from ui.thumbs import Thumbs, given

CONCURRENCY = 16
"""Questions answered at the same time; the others wait in Gradio's queue."""

Values = list[Any]


class Events:
    """The handlers of one page over `engine`."""

    def __init__(self, engine: Engine, recorder: Recorder) -> None:
        self._engine = engine
        self._recorder = recorder
        self._pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="hoidap-answer")
        # Gradio's own way to cancel races with the next question and loses it; so an answer ends itself when told.
        self._halts: dict[str, asyncio.Event] = {}
        self.examples = _offered(examples(engine, engine.articles()))
        """The questions that are offered where nothing is chosen."""
        self._own_examples = lru_cache(maxsize=256)(self._find_examples)

    async def ask(
        self, request: gr.Request, question: str | None, before: Conversation, *chosen: Any
    ) -> AsyncGenerator[Values, None]:
        """Answer the question in the box; `chosen` is what `_scope` takes."""
        session = str(request.session_hash)
        if running := self._halts.get(session):  # a question that comes in between ends the answer before it
            running.set()
        self._halts[session] = halt = asyncio.Event()
        box_text: str | None = ""  # empties the box once; what is typed meanwhile stays
        now = before
        answering = reply(
            self._engine, self._pool, question or "", stopped(before), self._recorder.record, _scope(*chosen)
        )
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

    async def ask_example(
        self, request: gr.Request, event: gr.SelectData, before: Conversation, *chosen: Any
    ) -> AsyncGenerator[Values, None]:
        """Answer the example that was chosen."""
        async with aclosing(self.ask(request, event.value["text"], before, *chosen)) as growing:
            async for update in growing:
                yield update

    async def ask_again(self, request: gr.Request, before: Conversation, *chosen: Any) -> AsyncGenerator[Values, None]:
        """Answer the last question anew, in the place of what came of it."""
        if not before.exchanges:
            return
        last = before.exchanges[-1]
        async with aclosing(self.ask(request, last.question, before.before_last(), *chosen)) as growing:
            async for update in growing:
                yield update

    async def end(self, request: gr.Request) -> None:
        """Stop the answer that is being written."""
        if halt := self._halts.get(str(request.session_hash)):
            halt.set()

    def after_failure(self) -> Values:
        """`reply` tells of what went wrong; left are Gradio's own failures."""
        return _buttons(is_open=False)

    async def begin_anew(self, request: gr.Request) -> Values:
        """Leave the conversation for an empty one."""
        if halt := self._halts.pop(str(request.session_hash), None):
            halt.set()
        return [*_shown(Conversation(), ""), *Thumbs.nothing()]

    def open_page(self, request: gr.Request) -> Values:
        """The publishers to choose from, and the article that the page was opened about (`?article=ID`), if any."""
        publishers = self._engine.publishers()
        choices = gr.update(choices=publishers, visible=len(publishers) > 1)
        article_id = str(request.query_params.get("article", ""))
        article = self._engine.article(article_id) if article_id else None
        if article is None:
            return [choices, *[gr.skip()] * 4]
        title = f"Chỉ hỏi trong bài: **{escape(article.title)}**"
        return [choices, article, gr.update(visible=True), title, gr.update(examples=[])]

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


def _scope(publishers: list[str] | None, since: str | None, until: str | None, article: Article | None) -> Scope:
    """What the form holds. The browser's limits are not believed."""
    return Scope(tuple(publishers or ()), (since or "")[:DAY_CHARACTERS], (until or "")[:DAY_CHARACTERS], article)


def _shown(conversation: Conversation, box_text: str | None = None) -> list[Any]:
    """Values for the conversation, the state, the box (untouched by default), send, stop and save."""
    return [
        gr.update(value=conversation.messages, feedback_value=given(conversation)),
        conversation,
        gr.skip() if box_text is None else box_text,
        *_buttons(is_open=conversation.is_open),
        gr.update(visible=bool(conversation.exchanges)),
    ]


def _buttons(*, is_open: bool) -> list[Any]:
    """Send while nothing is being answered, stop while something is."""
    return [gr.update(visible=not is_open), gr.update(visible=is_open)]
