"""An answer as HTML, safe to be put on any page and inert to a Markdown renderer.

Nothing that comes from a document, a question or a model is trusted. `plain` drops what can disguise
text (controls, bidi marks, zero-width characters); `escape` writes every other sign of ASCII
punctuation as a character reference, so that neither an HTML nor a Markdown parser finds anything
to act on. Links are built here alone, from an article's id or from an http(s) address.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import date
from urllib.parse import quote, urlsplit

from rag.schema import Answer, Citation

_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_MARKER = re.compile(r"\[(\d{1,3})\]")
_ITEM = re.compile(r"(?:-|(\d{1,3}[.)]))\s+")
_BLANK_LINES = re.compile(r"\n\s*\n")


def plain(text: str) -> str:
    """`text` without control, bidi and zero-width characters; every kind of line end becomes a newline."""
    kept = (
        character
        for character in "\n".join(text.splitlines()).replace("\t", " ")
        if character == "\n" or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Co"}
    )
    return "".join(kept)


def escape(text: str) -> str:
    """`text` for an element or a quoted attribute: plain, and with its punctuation as references."""
    return _PUNCTUATION.sub(lambda sign: f"&#{ord(sign.group())};", plain(text))


def web_address(url: str) -> str:
    """`url` if it is an ordinary http(s) address, else "".

    An address with a user name is refused: `https://bank.vn@other.net` leads to other.net.
    """
    if plain(url) != url or any(character.isspace() for character in url):
        return ""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return ""
    return url if parts.scheme in {"http", "https"} and host and "@" not in parts.netloc else ""


def article_path(article_id: str, start: int | None = None, end: int | None = None) -> str:
    """The viewer's address relative to the chat page; with offsets it opens at the quoted words."""
    path = f"articles/{quote(article_id, safe='')}"
    return path if start is None or end is None else f"{path}?start={start}&end={end}#quote"


def day(published: date | None) -> str:
    """A date the way it is written in Vietnam, dd/mm/yyyy; "" when it is not known."""
    return "" if published is None else f"{published:%d/%m/%Y}"


def byline(parts: Iterable[str]) -> str:
    """The known ones of publisher, author and date, escaped and set apart by dots."""
    return " · ".join(escape(part) for part in parts if part)


def answer(reply: Answer) -> str:
    """The answer with linked markers and its numbered sources; a refusal as a notice with its reason."""
    understood = ""
    if reply.understood not in {"", reply.question}:
        understood = f'<p class="hd-understood">Tôi hiểu câu hỏi là: {escape(reply.understood)}</p>'
    if reply.refused:
        reason = f'<p class="hd-reason">{escape(reply.reason)}</p>' if reply.reason else ""
        return f'{understood}<div class="hd-notice hd-refused"><p>{escape(reply.text)}</p>{reason}</div>'
    sources = "".join(_card(citation) for citation in reply.citations)
    if sources:
        sources = f'<p class="hd-sources-title">Nguồn trích dẫn</p><ol class="hd-sources">{sources}</ol>'
    copy = '<p class="hd-tools"><button type="button" class="hd-copy">Sao chép câu trả lời</button></p>'
    return f'<div class="hd-answer">{understood}{_body(reply.text, reply.citations)}{sources}{copy}</div>'


def question(text: str, limit: int = 500) -> str:
    """The question as the person sees it again, cut at `limit` characters."""
    shown = text.strip()
    if len(shown) > limit:
        shown = shown[:limit].rstrip() + "…"
    return f'<div class="hd-question"><p>{_escape_lines(shown)}</p></div>'


def notice(text: str, kind: str) -> str:
    """A short message of our own in a box; `kind` is `pending`, `stopped` or `error`."""
    return f'<div class="hd-notice hd-{kind}"><p>{escape(text)}</p></div>'


def _escape_lines(text: str) -> str:
    """Escaped `text` with its line ends as breaks, and without blank lines."""
    return escape(_BLANK_LINES.sub("\n", plain(text))).replace("\n", "<br>")


def _body(text: str, citations: Sequence[Citation]) -> str:
    """The sentences as paragraphs, and lines that open with a dash or a number as a list."""
    links = {citation.marker: _marker_link(citation) for citation in reversed(citations)}
    blocks: list[str] = []
    in_list = False
    for line in plain(text).split("\n"):
        words = line.strip()
        if not words:
            continue
        item = _ITEM.match(words)
        if bool(item) != in_list:
            blocks.append("<ul>" if item else "</ul>")
            in_list = bool(item)
        if not item:
            blocks.append(f"<p>{_with_links(words, links)}</p>")
        elif item.group(1):
            blocks.append(f'<li class="hd-numbered">{_with_links(words, links)}</li>')
        else:
            blocks.append(f"<li>{_with_links(words[item.end() :], links)}</li>")
    if in_list:
        blocks.append("</ul>")
    return "".join(blocks)


def _with_links(text: str, links: dict[int, str]) -> str:
    """Escaped `text`, in which `[n]` is a link where citation n exists and text where it does not."""
    pieces: list[str] = []
    position = 0
    for match in _MARKER.finditer(text):
        pieces.append(escape(text[position : match.start()]))
        pieces.append(links.get(int(match.group(1)), escape(match.group())))
        position = match.end()
    pieces.append(escape(text[position:]))
    return "".join(pieces)


def _marker_link(citation: Citation) -> str:
    href = escape(article_path(citation.article_id, citation.start, citation.end))
    title = escape(f"Nguồn {citation.marker}: {citation.title}")
    return f'<a class="hd-ref" href="{href}" title="{title}">&#91;{citation.marker}&#93;</a>'


def _card(citation: Citation) -> str:
    href = escape(article_path(citation.article_id, citation.start, citation.end))
    name = escape(citation.title)
    links = [f'<a class="hd-open" href="{href}" title="{name}">Mở bài viết</a>']
    if address := web_address(citation.url):
        links.append(f'<a class="hd-original" href="{escape(address)}" title="{name}">Xem bài gốc</a>')
    lines = [f'<p class="hd-card-title"><span class="hd-number">{citation.marker}</span> {name}</p>']
    if known := byline([citation.publisher, day(citation.published)]):
        lines.append(f'<p class="hd-meta">{known}</p>')
    lines.append(f"<blockquote>{_escape_lines(citation.quote)}</blockquote>")
    if citation.source:
        lines.append(f'<p class="hd-meta">Theo: {escape(citation.source)}</p>')
    lines.append(f'<p class="hd-links">{"".join(links)}</p>')
    return f'<li class="hd-card">{"".join(lines)}</li>'
