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

from rag.schema import Answer, Citation, Outcome, Span
from ui.parts import MARKER, short_spans, steps, understood

_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_LINE_END = re.compile(r"\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_LINE = re.compile(r"\S(?:[^\n]*\S)?")
_ITEM = re.compile(r"(?:-|(\d{1,3}[.)]))\s+")
_BLANK_LINES = re.compile(r"\n\s*\n")

Insert = tuple[int, int, str]
"""`(start, end, html)`: what is shown in place of `text[start:end]`."""


def plain(text: str) -> str:
    """`text` without control, bidi and zero-width characters; every kind of line end becomes a newline."""
    kept = (
        character
        for character in _LINE_END.sub("\n", text).replace("\t", " ")
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
    """The answer with linked markers and its numbered sources; a doubt or a refusal as a notice with its reason."""
    asked = _asked(reply)
    text = plain(reply.text)
    inserts = _inserts(text, reply.citations)
    if reply.outcome == Outcome.NOT_FOUND:
        refusal, _, nearest = text.partition("\n")
        shown = _refusal(refusal, reply.reason, _blocks(text, inserts, len(refusal)))
        if not nearest.strip():
            return asked + shown
    else:
        doubt = notice(reply.reason, "unsure") if reply.outcome == Outcome.UNSURE else ""
        shown = doubt + _blocks(text, inserts)
    sources = "".join(_card(citation) for citation in reply.citations)
    if sources:
        sources = f'<p class="hd-sources-title">Nguồn trích dẫn</p><ol class="hd-sources">{sources}</ol>'
    copy = '<p class="hd-tools"><button type="button" class="hd-copy">Sao chép câu trả lời</button></p>'
    return f'<div class="hd-answer">{asked}{shown}{sources}{copy}</div>'


def complete(shown: str) -> str:
    """HTML of an answer to which nothing comes any more, and which can be rated: the style sheet shows its thumbs."""
    return f'<div class="hd-complete">{shown}</div>'


def question(text: str, limit: int = 500) -> str:
    """The question as the person sees it again, cut at `limit` characters."""
    shown = text.strip()
    if len(shown) > limit:
        shown = shown[:limit].rstrip() + "…"
    return f'<div class="hd-question"><p>{_escape_lines(shown)}</p></div>'


def notice(text: str, kind: str) -> str:
    """A short message of our own in a box; `kind` is `pending`, `stopped`, `error` or `unsure`."""
    return f'<div class="hd-notice hd-{kind}"><p>{escape(text)}</p></div>'


def _escape_lines(text: str) -> str:
    """Escaped `text` with its line ends as breaks, and without blank lines."""
    return escape(_BLANK_LINES.sub("\n", plain(text))).replace("\n", "<br>")


def _asked(reply: Answer) -> str:
    """How the question was understood, where that is not how it was asked, and the steps that led there."""
    shown = ""
    if question := understood(reply):
        shown = f'<p class="hd-understood">Tôi hiểu câu hỏi là: {escape(question)}</p>'
    if listed := "".join(f"<li>{escape(name)}: {_escape_lines(after)}</li>" for name, after in steps(reply)):
        shown += f'<details class="hd-steps"><summary>Các bước hiểu câu hỏi</summary><ol>{listed}</ol></details>'
    return shown


def _refusal(text: str, reason: str, nearest: str) -> str:
    """The box of a refusal. `nearest`, HTML of what comes nearest, stands in it, so as not to pass for an answer."""
    why = f'<p class="hd-reason">{escape(reason)}</p>' if reason else ""
    return f'<div class="hd-notice hd-refused"><p>{escape(text)}</p>{why}{nearest}</div>'


def _inserts(text: str, citations: Sequence[Citation]) -> list[Insert]:
    """Links in place of the markers in `text` that stand for a citation, and the short answers marked; in order."""
    links = {citation.marker: _marker_link(citation) for citation in reversed(citations)}
    markers = [(*found.span(), links.get(int(found.group(1)), "")) for found in MARKER.finditer(text)]
    shorts = [(start, end, _short(text[start:end])) for start, end in short_spans(text, citations)]
    return sorted([*(marker for marker in markers if marker[2]), *shorts])


def _blocks(text: str, inserts: Sequence[Insert], begin: int = 0) -> str:
    """The lines from `begin` on as paragraphs, and those that open with a dash or a number as a list."""
    blocks: list[str] = []
    in_list = False
    for line in _LINE.finditer(text, begin):
        start, end = line.span()
        item = _ITEM.match(text, start, end)
        if bool(item) != in_list:
            blocks.append("<ul>" if item else "</ul>")
            in_list = bool(item)
        if not item:
            blocks.append(f"<p>{_inline(text, (start, end), inserts)}</p>")
        elif item.group(1):
            blocks.append(f'<li class="hd-numbered">{_inline(text, (start, end), inserts)}</li>')
        else:
            blocks.append(f"<li>{_inline(text, (item.end(), end), inserts)}</li>")
    if in_list:
        blocks.append("</ul>")
    return "".join(blocks)


def _inline(text: str, span: Span, inserts: Sequence[Insert]) -> str:
    """`text[slice(*span)]`, escaped but for the inserts that lie in it."""
    pieces: list[str] = []
    position, last = span
    for start, end, html in inserts:
        if position <= start and end <= last:
            pieces += [escape(text[position:start]), html]
            position = end
    pieces.append(escape(text[position:last]))
    return "".join(pieces)


def _short(words: str) -> str:
    return f'<strong class="hd-short">{_escape_lines(words)}</strong>'


def _quote(citation: Citation) -> str:
    """The quoted words, with the short answer in them marked."""
    words = citation.quote
    if citation.short is None:
        return _escape_lines(words)
    start, end = citation.short[0] - citation.start, citation.short[1] - citation.start
    return _escape_lines(words[:start]) + _short(words[start:end]) + _escape_lines(words[end:])


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
    lines.append(f"<blockquote>{_quote(citation)}</blockquote>")
    if citation.source:
        lines.append(f'<p class="hd-meta">Theo: {escape(citation.source)}</p>')
    lines.append(f'<p class="hd-links">{"".join(links)}</p>')
    return f'<li class="hd-card">{"".join(lines)}</li>'
