"""A file that a browser sends: into a folder of its own on disk, as it comes, and no more of it than is allowed."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path, PurePath
from tempfile import TemporaryDirectory

from fastapi import Request
from starlette.requests import ClientDisconnect

from rag.articles.encoding import MAX_BYTES
from rag.articles.files import supported
from rag.articles.jsonl import SUFFIX as JSONL
from ui.render import plain

MAX_JSONL_BYTES = 200_000_000
"""What a file of many articles may have; each of them may have `MAX_BYTES`."""

_NAME_BYTES = 240  # file systems allow 255
_LOG = logging.getLogger(__name__)


class UploadError(Exception):
    """A file is not taken; `str(error)` says why and what to do, in Vietnamese."""

    def __init__(self, status: HTTPStatus, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has come whole. `mark` is a hash of its bytes.

    Its folder goes when `close` is called, or with the last reference to it.
    """

    path: Path
    mark: str
    folder: TemporaryDirectory[str]

    @property
    def name(self) -> str:
        """What the person calls it."""
        return self.path.name

    def close(self) -> None:
        """Remove it from disk."""
        self.folder.cleanup()


def limit(suffix: str) -> int:
    """How many bytes a file of that suffix may have."""
    return MAX_JSONL_BYTES if suffix == JSONL else MAX_BYTES


async def receive(request: Request, name: str) -> Upload:
    """The body of `request`, which is one file that its sender calls `name`.

    Raises:
        UploadError: it has no usable name, or is of no kind that is read, empty or too large; or there is no room.
        ClientDisconnect: the connection was lost half-way; nothing is kept.
    """
    checked = _checked(name)
    suffix = PurePath(checked).suffix.lower()
    most = limit(suffix)
    if int(request.headers.get("content-length") or 0) > most:
        raise _too_large(most)
    folder = TemporaryDirectory(prefix="hoidap-", ignore_cleanup_errors=True)
    path = Path(folder.name) / checked
    size, mark = 0, hashlib.sha256()
    try:
        with path.open("wb") as file:
            async for piece in request.stream():
                size += len(piece)
                if size > most:
                    raise _too_large(most)
                mark.update(piece)
                await asyncio.to_thread(file.write, piece)
        if not size:
            raise UploadError(HTTPStatus.UNPROCESSABLE_ENTITY, "Tệp này rỗng. Hãy chọn tệp có nội dung.")
    except OSError as error:
        folder.cleanup()
        _LOG.exception("%r could not be received", checked)
        raise UploadError(
            HTTPStatus.INSUFFICIENT_STORAGE,
            "Máy chủ không có chỗ để nhận tệp này. Hãy báo người quản trị máy chủ dọn bớt ổ đĩa rồi thử lại.",
        ) from error
    except (UploadError, ClientDisconnect, asyncio.CancelledError):
        folder.cleanup()
        raise
    return Upload(path, mark.hexdigest(), folder)


def _checked(name: str) -> str:
    """`name`, if it is that of a file that can be read: no way to another folder, nothing invisible in it."""
    if not name.strip(" .") or set(name) & set("/\\\n") or plain(name) != name:
        raise UploadError(
            HTTPStatus.UNPROCESSABLE_ENTITY,
            "Tên tệp này không dùng được. Hãy đổi tên tệp, không dùng dấu gạch chéo và ký tự ẩn.",
        )
    path = PurePath(name)
    if path.suffix.lower() not in supported().split(", "):
        raise UploadError(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Loại tệp này không đọc được. Hãy dùng một trong các loại: {supported()}.",
        )
    room = _NAME_BYTES - len(path.suffix.encode())
    return path.stem.encode()[:room].decode(errors="ignore") + path.suffix


def _too_large(most: int) -> UploadError:
    return UploadError(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"Tệp này quá lớn: được phép đến {most // 1_000_000} MB. Hãy chia nhỏ tệp rồi thử lại.",
    )
