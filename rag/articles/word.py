"""Word files (.docx), by mammoth: headings, lists, tables and footnotes as HTML, without comments and what was deleted.

What the file says of itself is passed over: its author is whoever made the template, its date that of the last copy.
"""

from __future__ import annotations

import io
import zipfile

from rag.articles import encoding
from rag.articles.blocks import Draft, FrontMatter
from rag.articles.elements import blocks_of
from rag.errors import ArticleError

_MAX_UNPACKED = 200_000_000
"""Bytes of all parts together; what a part says of its size is what zipfile unpacks of it at most."""

_MAX_TEXT = 30_000_000
"""Bytes of the parts that are parsed."""

_MAX_RATIO = 200
"""Unpacked to packed bytes of a part over a megabyte. XML of Word packs to a tenth or a thirtieth."""

_NOTE_MARKS = (
    "//sup[a[starts-with(@href, '#footnote-') or starts-with(@href, '#endnote-')]]"
    "|//a[starts-with(@href, '#footnote-ref') or starts-with(@href, '#endnote-ref')]"
)
_STYLES = """
p[style-name='Title'] => h1:fresh
p[style-name='Subtitle'] => p:fresh
"""


def read_word(data: bytes, name: str) -> Draft:
    """The text of a Word file.

    Raises:
        ArticleError: it is broken, encrypted, or would unpack to more than any article is.
    """
    _check(data, name)
    from lxml import html
    from mammoth import convert_to_html, images

    def no_image(_image: object) -> dict[str, str]:
        return {}

    try:
        made = convert_to_html(io.BytesIO(data), style_map=_STYLES, convert_image=images.img_element(no_image)).value
        tree = html.fragment_fromstring(made, create_parent="div")
    except Exception as error:  # mammoth lets through whatever its parser and its reading of the parts come upon
        raise ArticleError(
            f"{name} is a broken Word file ({type(error).__name__}); open it in Word, save it anew, and add that."
        ) from error
    for mark in tree.xpath(_NOTE_MARKS):
        mark.drop_tree()
    blocks = encoding.mend_blocks([one.block for one in blocks_of(tree)], name)
    return Draft(FrontMatter(), blocks, guess_headings=not any(block.level > 1 for block in blocks))


def _check(data: bytes, name: str) -> None:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            for part in parts:
                if part.file_size > 1_000_000 and part.file_size > _MAX_RATIO * max(part.compress_size, 1):
                    raise ArticleError(f"{name} is packed like a ZIP bomb ({part.filename}); leave it out.")
            text = [part for part in parts if part.filename.endswith((".xml", ".rels"))]
            if sum(part.file_size for part in parts) > _MAX_UNPACKED or sum(p.file_size for p in text) > _MAX_TEXT:
                raise ArticleError(f"{name} unpacks to more than an article may have; split it.")
            if any(b"<!DOCTYPE" in _head(archive, part) for part in text):
                raise ArticleError(f"{name} declares entities, which Word never does; save it anew in Word.")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError, ValueError) as error:
        raise ArticleError(f"{name} is a broken or encrypted Word file; open it in Word and save it anew.") from error


def _head(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    with archive.open(part) as file:
        return file.read(2000).replace(b"\0", b"")  # UTF-16 too
