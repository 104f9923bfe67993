"""Thumbs on the answers of the chat page, and room for a word more after one.

The browser names a message by its place; which exchange that is, the conversation on the server knows.
"""

from __future__ import annotations

from typing import Any

import gradio as gr

from eval.feedback import COMMENT_CHARACTERS, Rating
from ui.chat import Conversation
from ui.recorder import Recorder

WORDS = {"chatbot.like": "Hữu ích", "chatbot.dislike": "Chưa hữu ích"}

_NAMES: dict[Rating, str] = {"up": "Like", "down": "Dislike"}  # what Gradio calls them


def given(conversation: Conversation) -> list[str | None]:
    """The thumb that each message of the assistant's was given, as Gradio calls it."""
    ratings = [conversation.ratings.get(exchange.id) for exchange in conversation.exchanges for _ in exchange.replies]
    return [rating and _NAMES[rating] for rating in ratings]


class Thumbs:
    """The row with the box for a comment, hidden until a thumb was given. Made inside a `gr.Blocks`."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._rated = gr.State("")  # the exchange that a comment would be about
        with gr.Row(elem_id="hd-comment", visible=False) as row:
            self._box = gr.Textbox(
                label="Bạn muốn nói thêm về câu trả lời này? (không bắt buộc)",
                placeholder="Điều gì đúng, điều gì sai hoặc còn thiếu?",
                lines=1,
                max_lines=4,
                max_length=COMMENT_CHARACTERS,
                elem_id="hd-remark",
            )
            self._send = gr.Button("Gửi ý kiến", elem_id="hd-tell", size="sm", min_width=0, scale=0)
            self._skip = gr.Button("Bỏ qua", elem_id="hd-skip", size="sm", min_width=0, scale=0)
        self.outputs = [self._rated, row, self._box]

    def listen(self, chat: gr.Chatbot, conversation: gr.State, **options: Any) -> None:
        """Let thumbs on `chat` be given, and comments be sent."""
        chat.like(self._rate, [conversation], [chat, *self.outputs], **options)
        say = {**options, "queue": True}  # Gradio shows a notice only from there
        gr.on([self._box.submit, self._send.click], self._say, [self._rated, self._box], self.outputs, **say)
        self._skip.click(self.nothing, None, self.outputs, **options)

    @staticmethod
    def nothing() -> list[Any]:
        """Values for `outputs`: nothing to comment on."""
        return ["", gr.update(visible=False), ""]

    def _rate(self, conversation: Conversation, event: gr.LikeData) -> list[Any]:
        """A thumb on the message at `event.index`; `liked` is neither True nor False when it is taken back."""
        rating: Rating | None = "up" if event.liked is True else "down" if event.liked is False else None
        exchange = conversation.exchange_at(event.index)
        exchange_id = exchange.id if exchange else ""
        if exchange_id:
            conversation.ratings[exchange_id] = rating
            self._recorder.rate(exchange_id, rating)
        thumbs = gr.update(feedback_value=given(conversation))
        if exchange_id and rating and self._recorder.keeps_questions:
            return [thumbs, exchange_id, gr.update(visible=True), ""]
        return [thumbs, *self.nothing()]

    def _say(self, exchange: str, text: str | None) -> list[Any]:
        if exchange and (said := (text or "").strip()):
            self._recorder.comment(exchange, said)
            gr.Info("Cảm ơn bạn! Ý kiến đã được ghi lại.", duration=5)
        return self.nothing()
