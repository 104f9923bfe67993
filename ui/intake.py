"""What operators do with the articles: see what a file holds before it goes in, put it in, take articles out.

Every method blocks. Reading changes nothing; one at a time changes the corpus. Articles are added in small batches,
each acknowledged: what was added before something went wrong stays, and adding the file again costs nothing for it.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from typing import Literal

from index.errors import IndexBusyError, IndexPathError, IndexStoreError
from rag.articles import Item, items
from rag.corpus import Corpus
from rag.errors import ArticleError, HoidapError, IndexMismatchError
from rag.schema import Article
from ui.render import article_path, day
from ui.uploads import Upload
from ui.viewer import Kind, blocks

BATCH = 32
"""Articles that are added together."""

_CHARACTERS = 20_000  # of an article's text that are shown
_LISTED = 20  # titles, and failures, of a file of many articles that are shown
_SHORT = 50  # words; what has fewer is worth a look

_LOG = logging.getLogger(__name__)

Standing = Literal["new", "changed", "unchanged"]
"""How an article stands to the one of its id in the corpus."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How many articles of a file have been read or added."""

    done: int
    total: int


@dataclass(frozen=True, slots=True)
class Preview:
    """What a file holds. `mark` tells it from any other; `ids` are of the articles that adding it would change.

    `facts` are pairs of a name and a value; `notes` say what is odd. `lines` are what can be unfolded under `label`:
    the text of one article, or the titles of many. `failures` tell of what could not be read.
    """

    title: str
    mark: str
    ids: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    label: str
    lines: tuple[tuple[Kind, str], ...]
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Added:
    """What adding a file did. `href` leads from the chat page to its article, if it has only one."""

    message: str
    href: str = ""
    failures: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why something could not be done, in Vietnamese; `detail` is what our error says, in English."""

    problem: str
    detail: str = ""


@dataclass(slots=True)
class _Failures:
    """How many articles of a file could not be read, and why, of the first of them."""

    upload: Upload
    count: int = 0
    told: list[str] = field(default_factory=list)

    def add(self, error: ArticleError) -> None:
        self.count += 1
        if self.count <= _LISTED:
            # The file as its sender calls it: where it lies here is nobody's business.
            self.told.append(str(error).replace(f"{self.upload.path.parent}/", ""))

    def as_problem(self) -> Problem:
        """For a file of which nothing could be read."""
        return Problem("Không đọc được bài viết từ tệp này.", "\n".join(self.told))


@dataclass(slots=True)
class _Seen:
    """What is kept of the articles of a file while it is read; not their text, but for the first."""

    failures: _Failures
    first: Article | None = None
    titles: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    standings: Counter[Standing] = field(default_factory=Counter)
    undated: int = 0


class Intake:
    """What operators do with the articles of one corpus."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._writing = threading.Lock()

    def read(self, upload: Upload) -> Iterator[Progress | Preview | Problem]:
        """Read a file and remove it from disk; last comes what it holds, or why it cannot be read."""
        try:
            found = list(items(upload.path))
            seen = _Seen(_Failures(upload))
            for number, item in enumerate(found):
                yield Progress(number, len(found))
                self._look(item, seen)
            if seen.first is None:
                yield seen.failures.as_problem()
            else:
                yield _many(seen, upload.mark) if len(found) > 1 else self._one(seen.first, seen, upload.mark)
        except (HoidapError, IndexStoreError) as error:
            yield _problem_of(error)
        finally:
            upload.close()

    def add(self, upload: Upload, mark: str) -> Iterator[Progress | Added | Problem]:
        """Put a file's articles into the corpus and remove it from disk; last comes what that did, or why it did not.

        `mark` is that of the preview: nothing goes in that was not seen.
        """
        done = 0
        try:
            if upload.mark != mark:
                yield Problem("Tệp đã thay đổi từ lúc xem trước nên chưa được thêm. Hãy bỏ tệp này rồi chọn lại.")
                return
            with self._alone():
                found = list(items(upload.path))
                waiting, failures, counts = iter(found), _Failures(upload), Counter[str]()
                article: Article | None = None
                yield Progress(0, len(found))
                while batch := list(islice(waiting, BATCH)):
                    articles = []
                    for item in batch:
                        try:
                            articles.append(article := item.read())
                        except ArticleError as error:
                            failures.add(error)
                    report = self._corpus.add(articles)
                    counts += Counter(added=len(report.added), changed=len(report.replaced), same=len(report.unchanged))
                    done += len(articles)
                    yield Progress(done + failures.count, len(found))
            if article is None:
                yield failures.as_problem()
            elif len(found) == 1:
                yield Added(f"Đã thêm “{article.title}”.", article_path(article.id))
            else:
                yield Added(_told(counts, failures.count), failures=tuple(failures.told))
        except (HoidapError, IndexStoreError) as error:
            problem = _problem_of(error)
            before = f" Trước đó đã thêm {_number(done)} bài." if done else ""
            yield replace(problem, problem=problem.problem + before)
        finally:
            upload.close()

    def remove(self, article_ids: Sequence[str]) -> Problem | None:
        """Take articles out of the corpus, all or none."""
        gone = [name for name in article_ids if self._corpus.article(name) is None]
        if gone:
            return Problem(f"Không còn trong kho: {', '.join(gone)}. Chưa gỡ bài nào; hãy tải lại trang rồi chọn lại.")
        try:
            with self._alone():
                self._corpus.remove(article_ids)
        except (HoidapError, IndexStoreError) as error:
            return _problem_of(error)
        return None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other operators from writing.

        Raises:
            IndexBusyError: one of them is.
        """
        if not self._writing.acquire(blocking=False):
            raise IndexBusyError("Another operator is changing the articles: try again when that is done.")
        try:
            yield
        finally:
            self._writing.release()

    def _look(self, item: Item, seen: _Seen) -> None:
        """Read one article and keep what the preview tells of it."""
        try:
            article = item.read()
        except ArticleError as error:
            seen.failures.add(error)
            return
        standing = self._standing(article)
        seen.standings[standing] += 1
        seen.undated += article.published is None
        seen.first = seen.first or article
        if standing != "unchanged":
            seen.ids.append(article.id)
        if len(seen.titles) < _LISTED:
            seen.titles.append(article.title)

    def _standing(self, article: Article) -> Standing:
        existing = self._corpus.article(article.id)
        if existing is None:
            return "new"
        return "unchanged" if existing == article else "changed"

    def _one(self, article: Article, seen: _Seen, mark: str) -> Preview:
        facts = {
            "Nơi đăng": article.publisher,
            "Tác giả": article.author,
            "Ngày đăng": day(article.published),
            "Theo": article.source,
            "Địa chỉ": article.url,
            "Mã bài": article.id,
            "Số từ": _number(len(article.text.split())),
        }
        notes = []
        if seen.standings["changed"]:
            existing = self._corpus.article(article.id)
            title = existing.title if existing else article.id
            notes.append(f"Sẽ thay bài đang có cùng mã trong kho: “{title}”.")
        elif seen.standings["unchanged"]:
            notes.append("Bài này đã có trong kho, không có gì thay đổi.")
        if article.published is None:
            notes.append("Không có ngày đăng: khi người hỏi giới hạn theo ngày, bài này sẽ không được tìm.")
        elif article.published > date.today():
            notes.append("Ngày đăng ở tương lai: hãy xem lại.")
        if len(article.text.split()) < _SHORT:
            notes.append("Bài rất ngắn: hãy xem nội dung được trích ra có đủ không.")
        return Preview(
            title=article.title,
            mark=mark,
            ids=tuple(seen.ids),
            facts=tuple((name, value) for name, value in facts.items() if value),
            notes=tuple(notes),
            label="Nội dung được trích ra",
            lines=tuple(_lines(article)),
        )


def _many(seen: _Seen, mark: str) -> Preview:
    total = seen.standings.total()
    facts = {
        "Bài mới": seen.standings["new"],
        "Thay bài đang có": seen.standings["changed"],
        "Đã có, không đổi": seen.standings["unchanged"],
        "Không đọc được": seen.failures.count,
    }
    undated = f"{_number(seen.undated)} bài không có ngày đăng: khi người hỏi giới hạn theo ngày, sẽ không được tìm."
    titles: list[tuple[Kind, str]] = [("item", title) for title in seen.titles]
    if total > _LISTED:
        titles.append(("paragraph", f"… và {_number(total - _LISTED)} bài nữa."))
    return Preview(
        title=f"{_number(total)} bài viết",
        mark=mark,
        ids=tuple(seen.ids),
        facts=tuple((name, _number(count)) for name, count in facts.items() if count),
        notes=(undated,) if seen.undated else (),
        label="Những bài đầu tiên" if total > _LISTED else "Các bài",
        lines=tuple(titles),
        failures=tuple(seen.failures.told),
    )


def _lines(article: Article) -> Iterator[tuple[Kind, str]]:
    """The text as it would be searched and quoted, line by line, as far as it is shown."""
    for block in blocks(replace(article, text=article.text[:_CHARACTERS])):
        label = f"{block.label} " if block.label else ""
        yield block.kind, label + article.text[block.start : block.end]
    if len(article.text) > _CHARACTERS:
        yield "paragraph", f"… còn {_number(len(article.text) - _CHARACTERS)} ký tự nữa, không hiện ở đây."


def _told(counts: Counter[str], failed: int) -> str:
    names = {"added": "thêm", "changed": "thay", "same": "giữ nguyên"}
    parts = [f"{name} {_number(counts[key])} bài" for key, name in names.items() if counts[key]]
    return f"Xong: {', '.join(parts + [f'không đọc được {_number(failed)} bài'] * bool(failed))}."


def _problem_of(error: HoidapError | IndexStoreError) -> Problem:
    """What went wrong in plain Vietnamese, and what our error says, for whoever runs the server."""
    if isinstance(error, IndexBusyError):
        return Problem("Kho đang được người khác hoặc một lệnh hoidap sửa. Hãy chờ một lát rồi thử lại.", str(error))
    _LOG.error("The articles could not be changed", exc_info=error)
    if isinstance(error, IndexPathError):
        message = "Máy chủ không ghi được vào kho: ổ đĩa đầy hoặc không có quyền ghi."
    elif isinstance(error, IndexMismatchError):
        message = "Kho này được lập bằng mô hình khác nên chưa thêm được bài."
    else:
        message = "Kho tài liệu đang gặp sự cố."
    return Problem(f"{message} Hãy báo người quản trị máy chủ.", str(error))


def _number(count: int) -> str:
    """A number with the points of Vietnamese."""
    return f"{count:,}".replace(",", ".")
