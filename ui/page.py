"""The chat page: a custom `gr.Blocks`, in Vietnamese; what happens on it is in `ui.events`.

This module imports Gradio, which takes seconds: `ui.app` imports it when an application is made. A
`gr.HTML` would need `unsafe-eval` in the content security policy, so fixed text is Markdown here.
"""

from __future__ import annotations

from typing import Any

import gradio as gr
from fastapi import FastAPI
from starlette.middleware import Middleware

from rag.settings import Settings
from ui.chat import Conversation
from ui.engine import Engine
from ui.events import CONCURRENCY, Events
from ui.limits import RateLimit
from ui.recorder import Recorder
from ui.scope import DAY_CHARACTERS
from ui.security import ChatDoor
from ui.thumbs import WORDS, Thumbs

_QUEUE = 256  # questions that may wait; whoever comes after is told that the server is busy
_SESSIONS = 1_000  # whose conversation is kept; the longest unused is forgotten first

_HEADER = """# hoidap

Hỏi đáp từ kho tài liệu, có dẫn nguồn.

[Các bài viết](articles)"""
_WELCOME = """## Bạn muốn biết điều gì?
Mỗi câu trả lời đều dẫn tới đúng đoạn văn trong bài viết. Hãy nhập câu hỏi, hoặc chọn một câu hỏi gợi ý."""

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
    **WORDS,
}


def mount(app: FastAPI, engine: Engine, recorder: Recorder, settings: Settings) -> None:
    """Put the chat page at "/" of `app`, and at "/widget"; the routes that `app` has already go first."""
    gr.mount_gradio_app(
        app,
        build(engine, recorder, RateLimit(settings.questions_per_minute)),
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


def build(engine: Engine, recorder: Recorder, limit: RateLimit) -> gr.Blocks:
    """The page: a title, the conversation, where to look, and the box to ask in; after a thumb, one to say more."""
    events = Events(engine, recorder, limit)
    with gr.Blocks(title="hoidap – Hỏi đáp có dẫn nguồn", analytics_enabled=False) as page:
        with gr.Row(elem_id="hd-top"):
            gr.Markdown(_HEADER, elem_id="hd-header")
            gr.Button("Tải về", size="sm", elem_id="hd-save", min_width=0, scale=0)
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
            examples=events.examples,
        )
        thumbs = Thumbs(recorder)
        with gr.Row(visible=False, elem_id="hd-within") as within:
            within_text = gr.Markdown()
            leave = gr.Button("Hỏi cả kho", size="sm", elem_id="hd-everywhere", min_width=0, scale=0)
        with gr.Accordion("Phạm vi tìm kiếm", open=False, elem_id="hd-scope"):
            publishers = gr.CheckboxGroup(label="Nơi đăng", choices=[], visible=False, elem_id="hd-publishers")
            with gr.Row():
                since = gr.Textbox(label="Đăng từ ngày", placeholder="Ví dụ: 1/2023", max_length=DAY_CHARACTERS)
                until_day = gr.Textbox(label="Đăng đến ngày", placeholder="Ví dụ: 2023", max_length=DAY_CHARACTERS)
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
            stop = gr.Button("Dừng", elem_id="hd-stop", min_width=0, scale=0)
        again = gr.Button("Hỏi lại", visible="hidden", elem_id="hd-again")  # pressed by those in the answers
        state = gr.State(Conversation())
        article = gr.State(None)
        token = gr.Textbox(visible=False, elem_id="hd-token")  # filled by the widget; see `ui.memory`

        chosen = [publishers, since, until_day, article]
        outputs = [chat, state, box]
        # Only answers go through Gradio's queue: as the queue's stream ends, it loses what is asked at that moment.
        quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private", "queue": False}
        queued: dict[str, Any] = {**quiet, "queue": True, "concurrency_limit": CONCURRENCY, "concurrency_id": "ask"}
        asked = [
            gr.on([box.submit, send.click], events.ask, [token, box, state, *chosen], outputs, **queued),
            chat.example_select(events.ask_example, [token, state, *chosen], outputs, **queued),
            again.click(events.ask_again, [token, state, *chosen], outputs, **queued),
        ]
        for event in asked:
            event.failure(events.after_failure, [state], outputs, **quiet)
        stop.click(events.end, None, None, **quiet)
        page.unload(events.end)  # the tab was closed
        renew.click(events.begin_anew, [token], [*outputs, *thumbs.outputs], **quiet)
        token.change(events.go_on, [token], outputs, **quiet)
        thumbs.listen(chat, state, **quiet)
        told = [within, within_text]
        opened = page.load(events.open_page, None, [*chosen, *told, chat, token], **quiet)
        opened.then(events.offer, [article], [chat], **quiet)
        changed = [publishers.input, since.blur, until_day.blur]
        gr.on(changed, events.tell_scope, chosen, told, trigger_mode="always_last", **quiet)
        leave.click(events.look_everywhere, None, [*chosen, *told, chat], **quiet)
    page.state_session_capacity = _SESSIONS
    return page.queue(max_size=_QUEUE, api_open=False)


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
