"""The chat page: a custom `gr.Blocks`, in Vietnamese, around the conversation of `ui.chat`.

This module imports Gradio, which takes seconds: `ui.app` imports it when an application is made. A
`gr.HTML` would need `unsafe-eval` in the content security policy, so fixed text is Markdown here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from importlib.resources import files
from typing import Any

import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware

from rag.settings import Settings
from ui.chat import Conversation, reply, stopped, too_fast
from ui.engine import Engine
from ui.limits import RateLimit
from ui.memory import Memory
from ui.security import ChatDoor
from ui.threads import until

CONCURRENCY = 16
"""Questions answered at the same time; the others wait in Gradio's queue."""

_QUEUE = 256  # questions that may wait; whoever comes after is told that the server is busy
_SESSIONS = 1_000  # whose conversation is kept; the longest unused is forgotten first

_HEADER = """# hoidap
Hỏi đáp từ kho tài liệu, có dẫn nguồn. [Các bài viết](articles)"""
_WELCOME = """## Bạn muốn biết điều gì?
Mỗi câu trả lời đều dẫn tới đúng đoạn văn trong bài viết. Hãy nhập câu hỏi, hoặc chọn một câu hỏi mẫu:"""

# Gradio ships no Vietnamese, and takes `vi-VN` for English; so both get these words.
_WORDS = {
    "chatbot.clear": "Xóa",
    "common.loading": "Đang tải",
    "common.error": "Lỗi",
    "common.clear": "Xóa",
    "common.submit": "Gửi",
    "status.queue_position": "Đang chờ: {position}/{size}",
    "blocks.lost_connection": "Mất kết nối do rời trang. Đang kết nối lại…",
    "blocks.connection_can_break": "Trên điện thoại, kết nối có thể bị ngắt khi bạn rời khỏi trang này.",
    "blocks.long_requests_queue": "Đang có nhiều câu hỏi chờ trả lời.",
}


def mount(app: FastAPI, engine: Engine, settings: Settings) -> None:
    """Put the chat page at "/" of `app`, and at "/widget"; the routes that `app` has already go first."""
    gr.mount_gradio_app(
        app,
        build(engine, RateLimit(settings.questions_per_minute)),
        path="/",
        app_kwargs={"middleware": [Middleware(ChatDoor, settings.allowed_origins)]},
        footer_links=[],
        run_history=False,
        show_error=False,
        ssr_mode=False,
        enable_monitoring=False,
        i18n=gr.I18n(en=_WORDS, vi=_WORDS),
        theme=_theme(),
    )


def example_questions() -> list[str]:
    """The questions offered on an empty page, one a line of `ui/data/examples.txt`."""
    lines = files("ui").joinpath("data", "examples.txt").read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip()]


def build(engine: Engine, limit: RateLimit) -> gr.Blocks:  # noqa: PLR0915 # the page, from top to bottom
    """The page: a title, the conversation, and the box to ask in."""
    memory = Memory()
    pool = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="hoidap-answer")

    # Gradio's own way to cancel races with the next question and loses it; so an answer ends itself when it is told.
    halts: dict[str, asyncio.Event] = {}

    async def ask(
        question: str | None, before: Conversation, token: str | None, request: gr.Request
    ) -> AsyncGenerator[list[Any], None]:
        before = memory.recall(token) or before
        if seconds := limit.wait(_client(request)):
            yield _shown(too_fast(before, question or "", seconds), question or "")
            return
        session = str(request.session_hash)
        halts[session] = halt = asyncio.Event()
        box_text: str | None = ""  # empties the box once; what is typed meanwhile stays
        now = before
        try:
            async with aclosing(until(halt, reply(engine, pool, question or "", before))) as growing:
                async for now in growing:
                    yield _shown(now, now.unasked or box_text)
                    box_text = None
            if halts.get(session) is halt:  # otherwise the conversation was left for a new one
                yield _shown(stopped(now))
        finally:
            if halts.get(session) is halt:
                del halts[session]
                memory.keep(token, stopped(now))

    async def ask_example(
        before: Conversation, token: str | None, event: gr.SelectData, request: gr.Request
    ) -> AsyncGenerator[list[Any], None]:
        async with aclosing(ask(event.value["text"], before, token, request)) as growing:
            async for update in growing:
                yield update

    async def end(request: gr.Request) -> None:
        if halt := halts.get(str(request.session_hash)):
            halt.set()

    def after_failure() -> list[Any]:
        # `reply` tells of what went wrong; left are Gradio's own failures.
        return _buttons(is_open=False)

    async def go_on(token: str | None) -> list[Any]:
        kept = memory.recall(token)
        return _shown(kept) if kept else [gr.skip()] * len(outputs)

    async def begin_anew(token: str | None, request: gr.Request) -> list[Any]:
        memory.forget(token)
        if halt := halts.pop(str(request.session_hash), None):
            halt.set()
        return _shown(Conversation(), "")

    with gr.Blocks(title="hoidap – Hỏi đáp có dẫn nguồn", analytics_enabled=False) as page:
        with gr.Row(elem_id="hd-top"):
            gr.Markdown(_HEADER, elem_id="hd-header")
            renew = gr.Button("Cuộc trò chuyện mới", size="sm", elem_id="hd-new", min_width=0, scale=0)
        chat = gr.Chatbot(
            label="Cuộc trò chuyện",
            show_label=False,
            container=False,
            elem_id="hd-chat",
            height=None,
            autoscroll=False,
            buttons=[],
            latex_delimiters=[],
            allow_tags=False,
            line_breaks=False,
            group_consecutive_messages=False,
            placeholder=_WELCOME,
            examples=[{"text": question} for question in example_questions()],
        )
        with gr.Row(elem_id="hd-ask"):
            box = gr.Textbox(
                label="Câu hỏi của bạn",
                placeholder="Hỏi về nội dung các bài viết…",
                lines=1,
                max_lines=6,
                autofocus=True,
                elem_id="hd-question",
            )
            send = gr.Button("Gửi", variant="primary", elem_id="hd-send", min_width=0, scale=0)
            stop = gr.Button("Dừng", visible=False, elem_id="hd-stop", min_width=0, scale=0)
        state = gr.State(Conversation())
        token = gr.Textbox(visible="hidden", elem_id="hd-token")  # filled by the widget; see `ui.memory`

        outputs = [chat, state, box, send, stop]
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
        queued: dict[str, Any] = {"concurrency_limit": CONCURRENCY, "concurrency_id": "ask", **quiet}
        asked = [
            gr.on([box.submit, send.click], ask, [box, state, token], outputs, **queued),
            chat.example_select(ask_example, [state, token], outputs, **queued),
        ]
        for event in asked:
            event.failure(after_failure, None, [send, stop], **quiet)
        stop.click(end, None, None, **quiet)
        page.unload(end)  # the tab was closed
        renew.click(begin_anew, [token], outputs, **quiet)
        token.change(go_on, [token], outputs, **quiet)
    page.state_session_capacity = _SESSIONS
    return page.queue(max_size=_QUEUE)


def _client(request: gr.Request) -> str:
    """Who asks, for the limit of questions: the address, which uvicorn takes from a trusted proxy where one is set."""
    return request.client.host if request.client else ""


def _shown(conversation: Conversation, box_text: str | None = None) -> list[Any]:
    """Values for the conversation, the state, the box (untouched by default), send and stop."""
    return [
        list(conversation.messages),
        conversation,
        gr.skip() if box_text is None else box_text,
        *_buttons(is_open=conversation.is_open),
    ]


def _buttons(*, is_open: bool) -> list[Any]:
    """Send while nothing is being answered, stop while something is."""
    return [gr.update(visible=not is_open), gr.update(visible=is_open)]


def _theme() -> gr.themes.Base:
    # Of IBM Plex Sans, Gradio ships Vietnamese letters in the weights 400 and 700 only.
    return gr.themes.Base(
        primary_hue="teal",
        neutral_hue="slate",
        font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover_dark="*primary_800",
    )
