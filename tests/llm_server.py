"""A language model's server on loopback that speaks OpenAI's protocol and fails in every way that one can.

What it plays is chosen by the model's name: `openai:silent` is the generator that never gets a word. What `good` says
is what the test tells it to.
"""

from __future__ import annotations

import json
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

_FOREVER = 30.0  # seconds: far beyond every deadline of a test


class Server(ThreadingHTTPServer):
    """The server. `busy` are its slots in use, `asked` the requests that came, `keys` the Authorization headers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.says: str | Callable[[str], str] = "Xin chào."
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []
        self._busy = 0
        self._changed = threading.Condition()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def slot(self, change: int) -> None:
        with self._changed:
            self._busy += change
            self._changed.notify_all()

    def waits_for(self, busy: int, seconds: float) -> bool:
        """Whether `busy` slots are in use within `seconds`."""
        with self._changed:
            return self._changed.wait_for(lambda: self._busy == busy, seconds)


@contextmanager
def serving() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        server = cast(Server, self.server)
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server.asked.append(body)
        server.keys.append(self.headers.get("Authorization", ""))
        server.slot(+1)
        try:
            self._play(body["model"], server.says if isinstance(server.says, str) else server.says(_prompt(body)))
        except OSError:
            pass  # the client has gone, as it should
        finally:
            server.slot(-1)
            self.close_connection = True

    def _play(self, name: str, text: str) -> None:
        if name in _ERRORS:
            self._refuse(*_ERRORS[name])
            return
        if name == "silent":
            self._wait()
            return
        self._begin()
        play = getattr(self, f"_{name.replace('-', '_')}", None)
        if play:
            play(text)
        else:
            self._say(text, 3)
            self._end()
        self._write(b"")  # the last chunk

    # What it plays.

    def _bytes(self, text: str) -> None:
        """Every byte in a packet of its own: no character's boundary is kept."""
        self.connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in _event(_delta(text), ascii=False):
            self._write(bytes([byte]))
        self._end()

    def _slow(self, text: str) -> None:
        """A word now and then, each in time, but not the whole."""
        for at in range(0, len(text), 4):
            self._say(text[at : at + 4], 4)
            self._wait(0.15)
        self._end()

    def _stalls(self, text: str) -> None:
        """Half of what there is to say, then nothing, on an open line."""
        self._say(text[: len(text) * 2 // 3], 5)
        self._wait()

    def _keeps_alive(self, _text: str) -> None:
        """Signs of life and not a word."""
        while True:
            self._write(b": alive\n\n" + _event(_delta("")))
            self._wait(0.1)

    def _drops(self, text: str) -> None:
        """Half of what there is to say, then the line is cut."""
        self._say(text[: len(text) * 2 // 3], 5)
        self.connection.shutdown(socket.SHUT_RDWR)

    def _broken(self, text: str) -> None:
        self._say(text[: len(text) // 3], 5)
        self._write(b'data: {"choices": [{"delta": {"content": "Gi\n\n')
        self._end()

    def _error_event(self, text: str) -> None:
        self._say(text[: len(text) // 3], 5)
        self._write(_event({"error": {"message": "out of memory", "type": "server_error", "code": 500}}))

    def _html(self, _text: str) -> None:
        self._write(b"data: <html>Bad Gateway</html>\n\n")

    def _endless(self, text: str) -> None:
        """The same again and again, as long as anyone listens."""
        while True:
            self._say(f"{text} ", 20)

    def _babble(self, _text: str) -> None:
        """One sentence without an end."""
        while True:
            self._say("gạo " * 20, 80)

    def _empty(self, _text: str) -> None:
        self._end()

    def _tool_calls(self, _text: str) -> None:
        call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "search", "arguments": "{}"}}
        self._write(_event(_chunk({"role": "assistant", "content": None, "tool_calls": [call]})))
        self._end()

    # How it is written.

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.send_header("Connection", "close")  # so that no client asks on a line that is about to close
        self.end_headers()
        self._write(_event(_chunk({"role": "assistant", "content": ""})))

    def _say(self, text: str, size: int) -> None:
        for at in range(0, len(text), size):
            self._write(_event(_delta(text[at : at + size])))

    def _end(self) -> None:
        usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
        self._write(_event(_chunk({}, finish_reason="stop")) + _event(_chunk(None, usage=usage)) + b"data: [DONE]\n\n")

    def _write(self, data: bytes) -> None:
        """A chunk, as servers send a stream: its end is told, so that a line that is cut is no end."""
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def _wait(self, seconds: float = _FOREVER) -> None:
        """Wait, and notice when the client goes."""
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            if select.select([self.connection], [], [], left)[0] and not self.connection.recv(1, socket.MSG_PEEK):
                raise ConnectionError

    def _refuse(self, status: int, message: str, headers: dict[str, str]) -> None:
        code = message.partition(" ")[0]
        body = json.dumps({"error": {"message": message, "type": "error", "code": code}}).encode()
        self.send_response(status)
        told = {"Content-Type": "application/json", "Content-Length": str(len(body)), "Connection": "close"}
        for name, value in {**headers, **told}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


_ERRORS: dict[str, tuple[int, str, dict[str, str]]] = {
    "401": (401, "invalid_api_key Incorrect API key provided: sk-secret-of-the-house", {}),
    "404": (404, "model_not_found The model does not exist", {}),
    "429": (429, "rate_limit_exceeded", {"Retry-After": "20"}),
    "500": (500, "internal", {}),
    "overflow": (400, "context_length_exceeded This model's maximum context length is 4096 tokens", {}),
}


def _prompt(body: dict[str, Any]) -> str:
    return "\n".join(str(message["content"]) for message in body["messages"])


def _delta(text: str) -> dict[str, Any]:
    return _chunk({"content": text})


def _chunk(delta: dict[str, Any] | None, **fields: Any) -> dict[str, Any]:
    finish = fields.pop("finish_reason", None)
    choices: Sequence[Any] = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": finish}]
    return {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": choices, **fields}


def _event(data: dict[str, Any], *, ascii: bool = True) -> bytes:
    return f"data: {json.dumps(data, ensure_ascii=ascii)}\n\n".encode()
