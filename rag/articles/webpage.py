"""A saved web page: where its article is, and its text in readable lines.

trafilatura tells which of a page's paragraphs are the article. It drops leads, lists and headings on the way: so the
page is read again, from the title to the last of those paragraphs.
"""

from __future__ import annotations

import copy
import re
from dataclasses import replace
from typing import TYPE_CHECKING

from rag.articles import encoding
from rag.articles.blocks import Draft, key, unlisted, words
from rag.articles.elements import Placed, blocks_of
from rag.articles.page_data import linked_data, page_data
from rag.articles.phrases import noise
from rag.errors import ArticleError
from rag.vietnamese.normalize import clean

if TYPE_CHECKING:
    from lxml.html import HtmlElement

_DECLARED = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w-]{3,30})", re.IGNORECASE)
_XML = re.compile(r"^\s*<\?xml[^>]{0,200}\?>")
_UNSEEN = (
    "//script|//style|//noscript|//template|//svg|//iframe|//object|//select|//button|//textarea|//nav|//aside|//footer"
)
_HIDDEN = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
_MOST = 0.3
"""What holds more of a page's text than this share is no box beside the article, whatever it calls itself."""

_LINKED = 0.6
"""Lines with a larger share of links are menus and teasers."""

_DEEPEST = 600
"""Elements within each other. Browsers stop at 512, and the time of parsers grows with the square of it."""

_MENU = 1000
"""Characters of links, and of hardly anything else, that are no list of references any more."""

_SHORTEST = 20
"""Characters of the shortest line that is known again by its words."""


def read_html(data: bytes, name: str) -> Draft:
    """The article of a saved page, with title, author, date, publisher and address as its markup tells them.

    Raises:
        ArticleError: it cannot be parsed, or is in no encoding that can be told.
    """
    declared = _DECLARED.search(data[:4096])
    text = clean(encoding.decode(data, name, declared[1].decode() if declared else ""))
    from lxml import etree, html

    try:
        # huge_tree: without it what is nested deeper than 256 elements is lost without a word.
        tree = html.document_fromstring(_XML.sub("", text), parser=html.HTMLParser(huge_tree=True))
        if _depth(tree) > _DEEPEST:
            raise ValueError("nested too deeply")
        linked = linked_data(tree)
        _drop_unseen(tree)
        front = page_data(tree, linked)
        placed = _article(tree, front.title)
    except (etree.LxmlError, RecursionError, ValueError) as error:
        raise ArticleError(f"{name} is broken HTML ({error}); open it in a browser and save it anew.") from error
    blocks = [one.block for one in placed]
    title = front.title
    # "Đình Phú Điền - Lịch sử Vàm Giang" is the title of the page: that of the article stands on it.
    inside = (b.text for b in blocks if b.kind == "heading" and b.level <= 3 and key(b.text) in key(title))
    guess = not any(block.level > 1 for block in blocks)
    return Draft(replace(front, title=next(inside, title)), blocks, guess_headings=guess)


def _depth(tree: HtmlElement) -> int:
    from lxml import etree

    depth = deepest = 0
    for event, _ in etree.iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        deepest = max(deepest, depth)
    return deepest


def _drop_unseen(tree: HtmlElement) -> None:
    """Take out what is not shown, and boxes that call themselves comments, advertisements, teasers."""
    from lxml import etree

    etree.strip_tags(tree, etree.Comment, etree.ProcessingInstruction)
    for element in tree.xpath(_UNSEEN):
        _drop(element)
    for element in tree.xpath("//*[@hidden or @style]"):
        if element.get("hidden") is not None or _HIDDEN.search(element.get("style")):
            _drop(element)
    lengths = _lengths(tree)
    whole, _ = lengths[tree]
    for element in tree.xpath("//*[@class or @id]"):
        named = f"{element.get('class', '')} {element.get('id', '')}"
        is_small = lengths[element][0] < whole * _MOST
        if is_small and noise().boxes.search(named) and not element.xpath("boolean(.//h1)"):
            _drop(element)
    for element in tree.xpath("//ul|//ol|//div|//table|//section"):
        length, linked = lengths[element]
        if linked > max(_MENU, 0.9 * length):
            _drop(element)


def _drop(element: HtmlElement) -> None:
    if element.getparent() is not None:
        element.drop_tree()


def _lengths(tree: HtmlElement) -> dict[HtmlElement, tuple[int, int]]:
    """How many characters each element holds, and how many of them are links."""
    lengths: dict[HtmlElement, tuple[int, int]] = {}
    for element in reversed(list(tree.iter())):  # children come before their parents
        own = len((element.text or "").strip())
        length, linked = own, 0
        for child in element:
            inner, inner_linked = lengths[child]
            length += inner + len((child.tail or "").strip())
            linked += inner_linked
        lengths[element] = (length, length if element.tag == "a" else linked)
    return lengths


def _article(tree: HtmlElement, title: str) -> list[Placed]:
    """The blocks from the title, or the first that trafilatura takes for the article, to the last that it does."""
    from trafilatura import bare_extraction

    found = bare_extraction(copy.deepcopy(tree), include_comments=False, with_metadata=False, as_dict=False)
    body = getattr(found, "body", None)
    chosen = {key(one.block.text) for one in blocks_of(body)} if body is not None else set()
    placed = blocks_of(tree)
    kept = [at for at, one in enumerate(placed) if one.linked <= _LINKED and key(unlisted(one.block)) in chosen]
    kept = [at for at in kept if len(placed[at].block.text) >= _SHORTEST]
    while kept and noise().edges.match(placed[kept[-1]].block.text):
        kept.pop()
    if not kept:
        return [one for one in placed if one.linked <= _LINKED]
    start, end = _start(placed, kept, title), kept[-1] + 1
    home = placed[kept[-1]].element.getparent()
    while end < len(placed) and home is not None and home in placed[end].element.iterancestors():
        end += 1
    return [one for one in placed[start:end] if one.linked <= _LINKED or one.block.level == 1]


def _start(placed: list[Placed], kept: list[int], title: str) -> int:
    """Where the article begins: at its title, where most of what was chosen follows it."""
    wanted = key(title)
    for at in range(kept[len(kept) // 2], -1, -1):
        text = key(placed[at].block.text)
        if placed[at].block.level == 1 or (
            wanted and text and (text == wanted or (words(text) >= 4 and text in wanted))
        ):
            return at
    return kept[0]
