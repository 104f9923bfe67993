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

from rag.schema import Answer, Citation, Outcome, Passage, Span
from ui.parts import MARKER, holds, short_spans, steps, understood, written

_PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")
_LINE_END = re.compile(r"\r\n|[\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")
_LINE = re.compile(r"\S(?:[^\n]*\S)?")
_ITEM = re.compile(r"(?:-|(\d{1,3}[.)]))\s+")
_BLANK_LINES = re.compile(r"\n\s*\n")

_AROUND = 120  # characters beside a quote
_EXCERPT = 160  # characters of a passage that was considered
_RETRY = '<button type="button" class="hd-retry">Hỏi lại</button>'

ALIKE = "alike"
"""The id of the list of articles that say nearly the same, on the page of one."""

Insert = tuple[int, int, str]
"""`(start, end, html)`: what is shown in place of `text[start:end]`."""


def plain(text: str) -> str:
    """`text` without control, bidi and zero-width characters; every kind of line end becomes a newline."""
    text = _LINE_END.sub("\n", text).replace("\t", " ")
    if text.replace("\n", "").isprintable():  # nearly every text, and told at once
        return text
    return "".join(c for c in text if c == "\n" or unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Co"})


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


def article_path(article_id: str, start: int | None = None, end: int | None = None, version: str = "") -> str:
    """The viewer's address relative to the chat page; with offsets it opens at the quoted words, in that `version`."""
    path = f"articles/{quote(article_id, safe='')}"
    if start is None or end is None:
        return path
    return f"{path}?start={start}&end={end}{version and f'&v={version}'}#quote"


def page(number: int | None) -> str:
    """A page of a printed document, "" for what has none."""
    return "" if number is None else f"trang {number}"


def day(published: date | None) -> str:
    """A date the way it is written in Vietnam, dd/mm/yyyy; "" when it is not known."""
    return "" if published is None else f"{published:%d/%m/%Y}"


def shortened(text: str, limit: int) -> str:
    """`text`, cut between words if it has more than `limit` characters."""
    return text if len(text) <= limit else text[:limit].rpartition(" ")[0].rstrip(" .,;:") + "…"


def decimal(number: float) -> str:
    """A number with two decimals and the comma of Vietnamese."""
    return f"{number:.2f}".replace(".", ",")


def grouped(number: int) -> str:
    """A whole number with the points of Vietnamese between its thousands."""
    return f"{number:,}".replace(",", ".")


def byline(parts: Iterable[str]) -> str:
    """The known ones of publisher, author and date, escaped and set apart by dots."""
    return " · ".join(escape(part) for part in parts if part)


def answer(reply: Answer, *, is_complete: bool = True) -> str:
    """The answer with linked markers and its numbered sources; a doubt or a refusal as a notice with its reason.

    One that is complete also tells how it was found, and the style sheet shows thumbs beside it.
    """
    text = plain(reply.text)
    inserts = _inserts(text, reply.citations)
    if reply.outcome == Outcome.NOT_FOUND:
        refusal = text.partition("\n")[0]
        shown = _refusal(refusal, reply.reason, _blocks(text, inserts, len(refusal)))
    else:
        doubt = notice(reply.reason, "unsure") if reply.outcome == Outcome.UNSURE else ""
        shown = doubt + _blocks(text, inserts) + _note(reply)
    sources = "".join(_card(citation, reply.passages) for citation in reply.citations)
    if sources:
        sources = f'<p class="hd-sources-title">Nguồn trích dẫn</p><ol class="hd-sources">{sources}</ol>'
    tools = f'<p class="hd-tools"><button type="button" class="hd-copy">Sao chép câu trả lời</button>{_RETRY}</p>'
    kind, found = ("hd-answer hd-complete", how(reply)) if is_complete else ("hd-answer", "")
    return f'<div class="{kind}">{_understood(reply)}{shown}{sources}{found}{tools}</div>'


def question(text: str, scope: str = "", limit: int = 500) -> str:
    """The question as the person sees it again, cut at `limit` characters, and where its answer was looked for."""
    shown = text.strip()
    if len(shown) > limit:
        shown = shown[:limit].rstrip() + "…"
    where = f'<p class="hd-scope">Chỉ tìm trong: {escape(scope)}</p>' if scope else ""
    return f'<div class="hd-question"><p>{_escape_lines(shown)}</p>{where}</div>'


def notice(text: str, kind: str) -> str:
    """A short message of our own in a box; `kind` is `pending`, `stopped`, `error` or `unsure`."""
    return f'<div class="hd-notice hd-{kind}"><p>{escape(text)}</p></div>'


def failure(text: str, kind: str = "error") -> str:
    """A notice of that `kind` with a button to ask the same again."""
    return f'{notice(text, kind)}<p class="hd-tools">{_RETRY}</p>'


def _escape_lines(text: str) -> str:
    """Escaped `text` with its line ends as breaks, and without blank lines."""
    return escape(_BLANK_LINES.sub("\n", plain(text))).replace("\n", "<br>")


def _understood(reply: Answer) -> str:
    """How the question was understood, where that is not how it was asked."""
    question = understood(reply)
    return f'<p class="hd-understood">Tôi hiểu câu hỏi là: {escape(question)}</p>' if question else ""


def _note(reply: Answer) -> str:
    """Why a language model did not write the answer, or not the whole of it, where one was to."""
    return f'<p class="hd-meta hd-note">{escape(reply.writing.note)}</p>' if reply.writing.note else ""


def how(reply: Answer) -> str:
    """For those who want it: how the question was understood, which passages were considered, and how sure it is."""
    if not reply.passages and not reply.trace:
        return ""
    read = "".join(f"<li>{escape(name)}: {_escape_lines(after)}</li>" for name, after in steps(reply))
    shown = f'<ol class="hd-steps">{read}</ol>' if read else "<p>Câu hỏi được tìm đúng như bạn gõ.</p>"
    if considered := "".join(_considered(passage, reply.citations) for passage in reply.passages):
        shown += f'<p class="hd-how-title">Các đoạn đã xem xét</p><ol class="hd-considered">{considered}</ol>'
    if told := written(reply):
        shown += f'<p class="hd-meta">{escape(told)}</p>'
    seconds = decimal(sum(reply.timings.values()) / 1000)
    shown += f'<p class="hd-meta">Mức chắc chắn {reply.support * 100:.0f}% · trả lời trong {seconds} giây</p>'
    return f'<details class="hd-how"><summary>Câu hỏi được hiểu thế nào</summary>{shown}</details>'


def _considered(passage: Passage, citations: Sequence[Citation]) -> str:
    """A passage that was looked at: where it stands, how it begins, its scores, and whether it was quoted."""
    chunk, scores = passage.chunk, passage.scores
    href = escape(article_path(chunk.article_id, chunk.start, chunk.end, passage.version))
    quoted = "".join(f" &#91;{citation.marker}&#93;" for citation in citations if holds(passage, citation))
    begins = shortened(" ".join(plain(chunk.text[: 2 * _EXCERPT]).split()), _EXCERPT)
    about = byline([chunk.heading, day(passage.article.published)])
    return (
        f'<li><a class="hd-open" href="{href}">{escape(passage.article.title)}</a>{quoted}'
        + (f'<p class="hd-meta">{about}</p>' if about else "")
        + f"<p>{escape(begins)}</p>"
        f'<p class="hd-meta">Điểm chung {decimal(scores.fused)} · gần nghĩa {decimal(scores.dense)}'
        f" · trùng từ {decimal(scores.lexical)}</p></li>"
    )


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


def _quote(citation: Citation, passages: Sequence[Passage]) -> str:
    """The quoted words marked, with the short answer in them, between what stands before and after in the passage."""
    words = citation.quote
    start, end = citation.short or (citation.start, citation.start)
    start, end = start - citation.start, end - citation.start
    short = _short(words[start:end]) if citation.short else ""
    used = f'<mark class="hd-used">{_escape_lines(words[:start])}{short}{_escape_lines(words[end:])}</mark>'
    for passage in passages:
        if holds(passage, citation):
            text, chunk = passage.article.text, passage.chunk
            before = text[max(chunk.start, citation.start - 2 * _AROUND) : citation.start]
            after = text[citation.end : min(chunk.end, citation.end + 2 * _AROUND)]
            return _around(before, is_before=True) + used + _around(after, is_before=False)
    return used


def _around(text: str, *, is_before: bool) -> str:
    """A line's worth of what stands beside a quote, cut between words."""
    kept = " ".join(plain(text).split())
    if is_before and len(kept) > _AROUND:
        kept = "…" + kept[-_AROUND:].partition(" ")[2]
    if not kept:
        return ""
    shown = f'<span class="hd-around">{escape(shortened(kept, _AROUND))}</span>'
    return f"{shown} " if is_before else f" {shown}"


def _marker_link(citation: Citation) -> str:
    href = escape(article_path(citation.article_id, citation.start, citation.end, citation.version))
    title = escape(f"Nguồn {citation.marker}: {citation.title}")
    return f'<a class="hd-ref" href="{href}" title="{title}">&#91;{citation.marker}&#93;</a>'


def _card(citation: Citation, passages: Sequence[Passage]) -> str:
    href = escape(article_path(citation.article_id, citation.start, citation.end, citation.version))
    name = escape(citation.title)
    links = [f'<a class="hd-open" href="{href}" title="{name}">Mở bài viết</a>']
    if address := web_address(citation.url):
        links.append(f'<a class="hd-original" href="{escape(address)}" title="{name}">Xem bài gốc</a>')
    lines = [f'<p class="hd-card-title"><span class="hd-number">{citation.marker}</span> {name}</p>']
    if known := byline([citation.publisher, day(citation.published), page(citation.page)]):
        lines.append(f'<p class="hd-meta">{known}</p>')
    lines.append(f"<blockquote>{_quote(citation, passages)}</blockquote>")
    if citation.source:
        lines.append(f'<p class="hd-meta">Theo: {escape(citation.source)}</p>')
    if citation.alike:
        others = escape(f"{article_path(citation.article_id)}#{ALIKE}")
        lines.append(f'<p class="hd-meta"><a class="hd-open" href="{others}">và {citation.alike} bài gần giống</a></p>')
    lines.append(f'<p class="hd-links">{"".join(links)}</p>')
    return f'<li class="hd-card">{"".join(lines)}</li>'
