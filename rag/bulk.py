"""Many articles at once, by many machines: parsed, chunked and embedded on a Ray cluster, written from here.

A task is a few articles. Ray gives the task of a worker or a machine that died to another; as an article is what its
file says, whoever reads it, and is written in the place of what had its id, nothing is there twice. A task that fails
for good is taken apart, so that one bad article costs no other.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from index.schema import Entry
from rag.chunking import chunk_article
from rag.corpus import Corpus, Progress, digest, make_entries
from rag.embedding import Embedder, load_embedder
from rag.errors import ArticleError, BulkError
from rag.schema import Article
from rag.settings import Settings

_ARTICLES = 8  # of a task: some seconds of work on one core
_TASKS_PER_CORE = 2  # that are handed out ahead, so that no core waits for the one that writes
_RETRIES = 3
_CONNECT_SECONDS = 5


Reads = Mapping[str, Callable[[], Article]]
"""Articles to be, by what they are called in a report: each is read where it is prepared, or raises an ArticleError."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a worker made of its articles: entries, the ids of those that are in the index as they are, and failures."""

    entries: Mapping[str, Entry]
    unchanged: Mapping[str, str]
    failures: Mapping[str, str]


@dataclass(slots=True)
class BulkReport:
    """What became of the articles: the numbers of those written and unchanged, and why each of the others failed."""

    written: int = 0
    unchanged: int = 0
    failures: dict[str, str] = field(default_factory=dict)


def bulk(corpus: Corpus, reads: Reads, settings: Settings, cluster: str | None, progress: Progress) -> BulkReport:
    """Put the articles that `reads` give into `corpus`, on the Ray cluster of that address or on all cores here.

    This machine is one of the cluster; hoidap is installed on each, and the files are there under the same names. What
    was written before an interruption stays.

    Raises:
        BulkError: Ray is not installed, or the cluster cannot be reached.
        IndexMismatchError: the index was built in another way.
        IndexStoreError: the index cannot be written.
    """
    corpus.check()
    ray = _connect(cluster)
    try:
        known = ray.put({document.id: document.digest for document in corpus.index.known()})
        # One core and one thread each; what is secret stays here.
        plain = settings.model_copy(update={"threads": 1, "index_token": None, "admin_password": None})
        prepare_there = ray.remote(num_cpus=1, max_retries=_RETRIES)(prepare)
        report, taken = BulkReport(), dict[str, str]()

        def write(prepared: Prepared) -> None:
            ids = {item: entry.document.id for item, entry in prepared.entries.items()} | dict(prepared.unchanged)
            twice = {item for item, name in ids.items() if taken.setdefault(name, item) != item}
            fresh = [entry for item, entry in prepared.entries.items() if item not in twice]
            if fresh:
                corpus.index.put(corpus.manifest, fresh)
            report.written += len(fresh)
            report.unchanged += len(prepared.unchanged.keys() - twice)
            report.failures |= prepared.failures
            for item in twice:
                report.failures[item] = (
                    f"{item} and {taken[ids[item]]} have one id, {ids[item]}: rename one of them, "
                    "or give it an id of its own in its front matter."
                )

        done = 0
        progress(done, len(reads))
        for group, outcome in _finished(ray, lambda group: prepare_there.remote(group, plain, known), reads):
            if isinstance(outcome, Prepared):
                write(outcome)
            else:
                report.failures |= {item: f"{item} cannot be prepared ({outcome})." for item in group}
            done += len(group)
            progress(done, len(reads))
        return report
    finally:
        ray.shutdown()


def prepare(reads: Reads, settings: Settings, known: Mapping[str, str]) -> Prepared:
    """Read, chunk and embed articles; not one whose digest is in `known` under its id. Runs anywhere."""
    articles, unchanged, failures = dict[str, Article](), dict[str, str](), dict[str, str]()
    for item, read in reads.items():
        try:
            article = read()
        except ArticleError as error:
            failures[item] = str(error)
            continue
        if known.get(article.id) == digest(article):
            unchanged[item] = article.id
        else:
            articles[item] = article
    if not articles:
        return Prepared({}, unchanged, failures)
    batch = [(article, chunk_article(article)) for article in articles.values()]
    return Prepared(dict(zip(articles, make_entries(batch, _embedder(settings)), strict=True)), unchanged, failures)


@lru_cache(maxsize=1)
def _embedder(settings: Settings) -> Embedder:
    """Loaded once in each worker."""
    return load_embedder(settings)


def _connect(cluster: str | None) -> Any:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # no request to anybody
    try:
        import ray
    except ImportError as error:
        raise BulkError("Bulk needs Ray: run `pip install 'hoidap[ray]'`.") from error
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}
    if not cluster:
        ray.init("local", _node_ip_address="127.0.0.1", include_dashboard=False, **quiet)
        return ray
    try:
        host, _, port = cluster.rpartition(":")
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()  # Ray itself tries for a minute
        ray.init(cluster, **quiet)
    except (OSError, RuntimeError, ValueError) as error:
        raise BulkError(
            f"The Ray cluster {cluster} cannot be reached ({error}): see that Ray {ray.__version__} runs there and "
            "here, and name it with --cluster HOST:PORT."
        ) from error
    return ray


def _finished(ray: Any, start: Callable[[Reads], Any], reads: Reads) -> Iterator[tuple[Reads, Prepared | str]]:
    """Groups of articles with what came of them, as they are finished."""
    items = list(reads.items())
    left = list[Reads](dict(items[at : at + _ARTICLES]) for at in range(0, len(items), _ARTICLES))[::-1]
    running: dict[Any, Reads] = {}
    while left or running:
        while left and len(running) < max(1, int(ray.cluster_resources().get("CPU", 1))) * _TASKS_PER_CORE:
            group = left.pop()
            running[start(group)] = group
        (task, *_), _ = ray.wait(list(running), num_returns=1)
        group = running.pop(task)
        try:
            outcome = ray.get(task)
        except ray.exceptions.RayError as error:
            if len(group) > 1:
                left += [{item: read} for item, read in group.items()]
            else:
                yield group, str(error).strip().splitlines()[-1]
        else:
            yield group, outcome
