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
from dataclasses import dataclass, replace
from itertools import islice

from index.errors import IndexBusyError, IndexPathError, IndexStoreError
from rag.articles import Item, items
from rag.corpus import Corpus
from rag.errors import ArticleError, HoidapError, IndexMismatchError
from rag.schema import Article
from ui.preview import Failures, Preview, Tally, of_one
from ui.render import article_path, grouped
from ui.uploads import Upload

BATCH = 8
"""Articles that are added together: about as many as are embedded at once, so that progress is seen."""
MAX_ARTICLES = 100_000
"""What one file may hold; a list of all of them is kept while they are read."""

_UNREADABLE = "Không đọc được bài viết từ tệp này."

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """How many articles of a file have been read or added."""

    done: int
    total: int


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


class Intake:
    """What operators do with the articles of one corpus."""

    def __init__(self, corpus: Corpus) -> None:
        self._corpus = corpus
        self._writing = threading.Lock()

    def read(self, upload: Upload) -> Iterator[Progress | Preview | Problem]:
        """Read a file and remove it from disk; last comes what it holds, or why it cannot be read."""
        try:
            found, failures, tally = _items(upload), Failures(upload.path.parent), Tally()
            for number, item in enumerate(found):
                yield Progress(number, len(found))
                try:
                    article = item.read()
                except ArticleError as error:
                    failures.add(error)
                    continue
                before = self._corpus.article(article.id)
                if len(found) == 1:
                    yield of_one(article, before, upload.mark, failures)
                    return
                tally.add(article, before)
            yield tally.preview(failures, upload.mark) if tally.total else _unreadable(failures)
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
                found, failures, counts = _items(upload), Failures(upload.path.parent), Counter[str]()
                waiting = iter(found)
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
                yield _unreadable(failures)
            elif len(found) == 1:
                yield Added(f"Đã thêm “{article.title}”.", article_path(article.id))
            else:
                yield Added(_told(counts, failures.count), failures=tuple(failures.told))
        except (HoidapError, IndexStoreError) as error:
            problem = _problem_of(error)
            before = f" Trước đó đã thêm {grouped(done)} bài." if done else ""
            yield replace(problem, problem=problem.problem + before)
        finally:
            upload.close()

    def remove(self, article_ids: Sequence[str]) -> Problem | None:
        """Take articles out of the corpus, all or none."""
        try:
            with self._alone():
                self._corpus.remove(article_ids)
        except ArticleError as error:
            return Problem("Có bài không còn trong kho. Chưa gỡ bài nào; hãy tải lại trang rồi chọn lại.", str(error))
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


def _items(upload: Upload) -> list[Item]:
    """What a file holds.

    Raises:
        ArticleError: it is more than an operator may send at once.
    """
    found = list(islice(items(upload.path), MAX_ARTICLES + 1))
    if len(found) > MAX_ARTICLES:
        raise ArticleError(f"{upload.name} holds over {MAX_ARTICLES} articles; split it, or use `hoidap index add`.")
    return found


def _unreadable(failures: Failures) -> Problem:
    return Problem(_UNREADABLE, "\n".join(failures.told))


def _told(counts: Counter[str], failed: int) -> str:
    names = {"added": "thêm", "changed": "thay", "same": "giữ nguyên"}
    parts = [f"{name} {grouped(counts[key])} bài" for key, name in names.items() if counts[key]]
    return f"Xong: {', '.join(parts + [f'không đọc được {grouped(failed)} bài'] * bool(failed))}."


def _problem_of(error: HoidapError | IndexStoreError) -> Problem:
    """What went wrong in plain Vietnamese, and what our error says, for whoever runs the server."""
    if isinstance(error, ArticleError):
        return Problem(_UNREADABLE, str(error))
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
