"""What operators see of a file before its articles go in, in Vietnamese."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

from rag.errors import ArticleError
from rag.schema import Article
from ui.render import day, grouped
from ui.viewer import Kind, blocks

_CHARACTERS = 20_000  # of an article's text that are shown
_LISTED = 20  # titles, and failures, of a file of many articles that are shown
_SHORT = 50  # words; what has fewer is worth a look

Lines = tuple[tuple[Kind, str], ...]


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file holds. `mark` tells it from any other; `ids` are of the articles that adding it would change.

    `facts` are pairs of a name and a value; `notes` say what is odd. `lines` are what can be unfolded under `label`:
    the text of one article, or the titles of many. `failures` tell of what could not be read, or is in doubt.
    """

    title: str
    mark: str
    ids: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    label: str
    lines: Lines
    failures: tuple[str, ...] = ()


@dataclass(slots=True)
class Failures:
    """What could not be read of a file in `folder`, or is in doubt: how much, and the first of it in words."""

    folder: Path
    count: int = 0
    told: list[str] = field(default_factory=list)

    def add(self, error: ArticleError | str) -> None:
        """One more."""
        self.count += 1
        if self.count <= _LISTED:
            # The file as its sender calls it: where it lies here is nobody's business.
            self.told.append(str(error).replace(f"{self.folder}/", ""))


def of_one(article: Article, before: Article | None, mark: str, failures: Failures) -> Preview:
    """What is shown of a file of one article, which would take the place of `before`."""
    for doubt in article.doubts:
        failures.add(doubt)
    words = len(article.text.split())
    facts = {
        "Nơi đăng": article.publisher,
        "Tác giả": article.author,
        "Ngày đăng": day(article.published),
        "Theo": article.source,
        "Địa chỉ": article.url,
        "Mã bài": article.id,
        "Số từ": grouped(words),
    }
    notes = []
    is_same = before == replace(article, doubts=())
    if is_same:
        notes.append("Bài này đã có trong kho, không có gì thay đổi.")
    elif before:
        notes.append(f"Sẽ thay bài đang có cùng mã trong kho: “{before.title}”.")
    if article.published is None:
        notes.append("Không có ngày đăng: ai hỏi giới hạn theo ngày sẽ không tìm thấy bài này.")
    elif article.published > date.today():
        notes.append("Ngày đăng ở tương lai: hãy xem lại.")
    if words < _SHORT:
        notes.append("Bài rất ngắn: hãy xem nội dung được trích ra có đủ không.")
    return Preview(
        title=article.title,
        mark=mark,
        ids=() if is_same else (article.id,),
        facts=tuple((name, value) for name, value in facts.items() if value),
        notes=tuple(notes),
        label="Nội dung được trích ra",
        lines=tuple(_lines(article)),
        failures=tuple(failures.told),
    )


def _lines(article: Article) -> Iterator[tuple[Kind, str]]:
    """The text as it would be searched and quoted, line by line, as far as it is shown."""
    for block in blocks(replace(article, text=article.text[:_CHARACTERS])):
        label = f"{block.label} " if block.label else ""
        yield block.kind, label + article.text[block.start : block.end]
    if len(article.text) > _CHARACTERS:
        yield "paragraph", f"… còn {grouped(len(article.text) - _CHARACTERS)} ký tự nữa, không hiện ở đây."


class Tally:
    """What is kept of the articles of a file of many while it is read: none of their texts."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._ids: list[str] = []
        self._titles: list[str] = []
        self._undated = 0

    def add(self, article: Article, before: Article | None) -> None:
        """One more, which would take the place of `before`."""
        is_same = before == replace(article, doubts=())
        self._counts["Đã có, không đổi" if is_same else "Thay bài đang có" if before else "Bài mới"] += 1
        self._undated += article.published is None
        if not is_same:
            self._ids.append(article.id)
        if len(self._titles) < _LISTED:
            self._titles.append(article.title)

    @property
    def total(self) -> int:
        """How many articles there are."""
        return self._counts.total()

    def preview(self, failures: Failures, mark: str) -> Preview:
        """What is shown of the file."""
        lines: Lines = tuple(("item", title) for title in self._titles)
        if self.total > _LISTED:
            lines += (("paragraph", f"… và {grouped(self.total - _LISTED)} bài nữa."),)
        undated = f"{grouped(self._undated)} bài không có ngày đăng: ai hỏi giới hạn theo ngày sẽ không tìm thấy."
        counts = {**self._counts, "Không đọc được": failures.count}
        return Preview(
            title=f"{grouped(self.total)} bài viết",
            mark=mark,
            ids=tuple(self._ids),
            facts=tuple((name, grouped(count)) for name, count in counts.items() if count),
            notes=(undated,) if self._undated else (),
            label="Những bài đầu tiên" if self.total > _LISTED else "Các bài",
            lines=lines,
            failures=tuple(failures.told),
        )
