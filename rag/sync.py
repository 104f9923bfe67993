"""Making the index equal to the sources that articles come from.

What came from a source carries its name (`Origin`), and only that is touched: what was added by hand, or comes from
elsewhere, is not. An item whose bytes are as they were is not even read; an article that says what it said is not
embedded. Each batch is acknowledged, so that a sync that was stopped goes on where it was.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from index.errors import IndexStoreError
from index.schema import Known, Origin
from rag.articles import Item
from rag.articles.sources import Listing, list_source
from rag.articles.web import Web
from rag.corpus import Corpus, Progress, digest
from rag.errors import ArticleError, SyncError
from rag.schema import Article

_BATCH = 32  # items that are read and added together


@dataclass(slots=True)
class SyncReport:
    """What a sync did, or would do, by article id; what failed, by name, each with its remedy; and what is in doubt of
    the articles that were read, see `Article.doubts`.

    `stopped` says why it did not come to its end, "" if it did; `is_interrupted` that a person did it.
    """

    added: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    unchanged: int = 0
    failures: list[str] = field(default_factory=list)
    doubts: list[str] = field(default_factory=list)
    stopped: str = ""
    is_interrupted: bool = False


def sync(
    corpus: Corpus,
    sources: Sequence[str],
    web: Web,
    progress: Progress,
    *,
    dry_run: bool = False,
    allow_empty: bool = False,
) -> SyncReport:
    """Make what came from `sources` equal to what they hold now; with `dry_run` only tell what that would do.

    A source that holds nothing removes nothing, unless `allow_empty`: a share that is not mounted looks like that.

    Raises:
        IndexMismatchError: the index was built in another way.
    """
    report = SyncReport()
    try:
        _Sync(corpus, report, progress, dry_run=dry_run).run(_listings(corpus, sources, web, report, allow_empty))
    except IndexStoreError as error:  # a full disk, another process that writes: what is done is done
        report.stopped = str(error)
    except KeyboardInterrupt:
        report.stopped = "It was interrupted; run the command again, and it goes on where it was."
        report.is_interrupted = True
    return report


@contextmanager
def alone(path: Path, what: str) -> Iterator[None]:
    """Keep every other sync of the same index away; `path` tells them who is at work, on `what`.

    Raises:
        SyncError: another one is.
    """
    lock = FileLock(path.with_name(f"{path.name}.lock"))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
        path.write_text(f"{what} (process {os.getpid()}, since {datetime.now():%H:%M:%S})", encoding="utf-8")
    except Timeout as error:
        who = path.read_text(encoding="utf-8") if path.exists() else "another process"
        raise SyncError(f"The index is being synced already with {who}: wait until it is done, or stop it.") from error
    except OSError as error:
        lock.release()
        raise SyncError(f"{path} cannot be written ({error.strerror}): free some space, or see your rights.") from error
    try:
        yield
    finally:
        lock.release()


def _listings(corpus: Corpus, sources: Sequence[str], web: Web, report: SyncReport, allow_empty: bool) -> list[Listing]:
    """What each source holds now, but for those of which that cannot be told, and those that must not be empty."""
    held: dict[str, int] = {}
    for known in corpus.index.known():
        held[known.origin.source] = held.get(known.origin.source, 0) + 1
    listings: dict[str, Listing] = {}
    for source in sources:
        try:
            listing = list_source(source, web)
        except ArticleError as error:
            report.failures.append(str(error))
            continue
        count = held.get(listing.name, 0)
        if listing.problem and not count:
            report.failures.append(f"{listing.problem}.")
        elif listing.problem and not allow_empty:
            report.failures.append(
                f"{listing.problem}, and {count} articles came from it: nothing is removed. If it is to be empty, "
                "say --allow-empty; if not, see whether it is mounted."
            )
        else:
            listings[listing.name] = listing
    return list(listings.values())


class _Sync:
    """One run. `_taken` are the ids of this run's articles by the name of the item that has them."""

    def __init__(self, corpus: Corpus, report: SyncReport, progress: Progress, *, dry_run: bool) -> None:
        self._corpus = corpus
        self._report = report
        self._progress = progress
        self._dry_run = dry_run
        self._taken: dict[str, str] = {}

    def run(self, listings: Sequence[Listing]) -> None:
        known = self._corpus.index.known()
        work: list[tuple[Listing, list[Item]]] = []
        for listing in listings:
            mine = {one.origin.item: one for one in known if one.origin.source == listing.name}
            new = []
            for item in listing.items:
                one = mine.get(item.name)
                if one and item.mark and one.origin.mark == item.mark:
                    self._taken[one.id] = item.name
                    self._report.unchanged += 1
                else:
                    new.append(item)
            work.append((listing, new))
        total = sum(len(new) for _, new in work)
        done = 0
        self._progress(done, total)
        for listing, new in work:
            unread: list[Item] = []
            for start in range(0, len(new), _BATCH):
                batch = new[start : start + _BATCH]
                unread += self._take(listing, batch, done, total)
                done += len(batch)
                self._progress(done, total)
            if listing.is_whole:
                self._remove(listing, unread)

    def _take(self, listing: Listing, batch: Sequence[Item], done: int, total: int) -> list[Item]:
        """Read items and add what they are now; returns those that could not be."""
        known = {one.id: one for one in self._corpus.index.known()}
        articles: list[Article] = []
        origins: dict[str, Origin] = {}
        unread = []
        for item in batch:
            try:
                article = item.read()
                self._claim(listing, item, article, known.get(article.id))
            except ArticleError as error:
                self._report.failures.append(str(error))
                unread.append(item)
                continue
            articles.append(article)
            self._report.doubts += article.doubts
            origins[article.id] = Origin(listing.name, item.name, item.mark)
        new = [article.id for article in articles if article.id not in known]
        same = [a.id for a in articles if a.id in known and known[a.id].digest == digest(a)]
        if not self._dry_run:
            self._corpus.add(articles, lambda added, _: self._progress(done + added, total), origins)
        self._report.added += new
        self._report.changed += [article.id for article in articles if article.id not in {*new, *same}]
        self._report.unchanged += len(same)
        return unread

    def _claim(self, listing: Listing, item: Item, article: Article, held: Known | None) -> None:
        """Take the id of an article for an item; `held` is what the index has under it."""
        if other := self._taken.get(article.id):
            raise ArticleError(
                f"{item.name} and {other} have one id, {article.id}: rename one of them, or give it an id of its own."
            )
        if held and held.origin.source != listing.name:
            by = held.origin.source or "hand (`hoidap index add`)"
            raise ArticleError(
                f"{item.name} has the id {article.id} of an article that was added by {by}: give it an id of its own, "
                f"or remove the other with `hoidap index remove {article.id}`."
            )
        self._taken[article.id] = item.name

    def _remove(self, listing: Listing, unread: Sequence[Item]) -> None:
        """Remove what the source does not hold any longer. An item that could not be read keeps its last article."""
        names = {item.name for item in unread}
        mine = [one for one in self._corpus.index.known() if one.origin.source == listing.name]
        # Which article a broken line was cannot be told, nor what stands behind where a file breaks: all of it stays.
        files = tuple(f"{name.partition('#line ')[0]}#" for name in names if "#" not in name or "#line " in name)
        gone = [
            one.id
            for one in mine
            if one.id not in self._taken and one.origin.item not in names and not one.origin.item.startswith(files)
        ]
        if not self._dry_run:
            self._corpus.index.delete(gone)
        self._report.removed += gone
