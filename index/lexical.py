"""BM25 by tantivy over terms that the caller has made; nothing is tokenised here.

Derived from the store. Which operation was seen last stands in a document of its own, in the same commit
as the records, so that the two cannot disagree. What is missing, damaged or of another store is made anew.
"""

from __future__ import annotations

import json
import os
import shutil
import time
import zlib
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import accumulate, islice
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import Any

import tantivy

from index.errors import IndexBusyError
from index.schema import Filter, Query, Terms
from index.store import Moment, Operation, Store

_WRITER_BYTES = 64_000_000
_RID = "rid"
_MARK = "checkpoint"
_SEQUENCE, _TOKEN, _RECORDS = "sequence", "token", "records"
_DOCUMENT, _PUBLISHER, _PUBLISHED = "document", "publisher", "published"  # of a record's document; a day as its ordinal
_BATCH = 10_000  # operations that are read at once: few enough for the memory
_PATIENCE = 60.0  # seconds that one who has seen nothing yet waits for another process that is at it
# What a search reads at most, as a sum of the records that hold each of its terms, about 7 ns each: where there are
# more, the commonest terms are left out, which tell the least. In fewer than some 100,000 records nothing is.
_POSTINGS = 1_500_000
# Up to so many records are counted one by one, without those that were removed but not yet merged away.
_COUNTED = 1_000
_FORMAT = 3  # part of the folder's name: count it up when the fields change


class Lexical:
    """The tantivy index of a store's terms. Not safe to share between threads without a lock."""

    def __init__(self, folder: Path, store: Store, fields: Sequence[str]) -> None:
        """Open the index in `folder`; one that is missing or damaged is made anew by the next refresh."""
        self._folder = folder / f"lexical-{_FORMAT}"
        self.sequence = 0  # the last operation that has been seen
        self.records = 0
        self._store = store
        self._fields = tuple(fields)
        self._schema = _schema(self._fields)
        self.damaged: list[str] = []
        self._open_or_heal()
        for other in folder.glob("lexical-*"):
            if other != self._folder:  # of an older format
                shutil.rmtree(other, ignore_errors=True)

    def _open(self) -> None:
        """Raises ValueError if the files are damaged, of other fields, or of another store."""
        self._folder.mkdir(parents=True, exist_ok=True)
        _verify(self._folder)
        self._index = tantivy.Index(self._schema, path=str(self._folder))
        self._see_commit()

    def _open_or_heal(self) -> None:
        try:
            self._open()
        except ValueError as error:
            self.damaged.append(str(error))
            with self._store.transaction():  # one process at a time
                try:
                    self._open()  # another one may have made it anew meanwhile
                except ValueError:
                    self._empty()

    def _empty(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        try:
            self._open()
        except ValueError as error:  # tantivy has no finer one
            raise OSError(str(error)) from error

    def make_anew(self) -> None:
        """Forget everything, and read it from the store again."""
        with self._store.transaction():
            self._empty()
        self.refresh()

    def _see_commit(self) -> None:
        """See the last commit. Raises ValueError if it is not of this store, or is not whole."""
        self._index.reload()
        searcher = self._index.searcher()
        moment, marks = Moment(), searcher.search(tantivy.Query.term_query(self._schema, _MARK, _MARK), 1).hits
        if marks:
            mark = searcher.doc(marks[0][1])
            moment = Moment(*(int(mark[name][0]) for name in (_SEQUENCE, _TOKEN, _RECORDS)))
        if not self._store.has_seen(moment) or searcher.num_docs != moment.records + len(marks):
            raise ValueError(f"{self._folder} holds something else than this index")
        self.sequence, self.records = moment.sequence, moment.records

    def refresh(self) -> None:
        """Replay what the store has acknowledged since, unless another process is doing so already.

        Raises:
            IndexBusyError: nothing has been seen yet, and another process that is at it does not come to its end.
        """
        if self._store.sequence == self.sequence:
            return
        self._see_or_heal()
        deadline = time.monotonic() + _PATIENCE
        while self._store.sequence != self.sequence and not self._replay() and not self.sequence:
            if time.monotonic() > deadline:
                raise IndexBusyError(f"Another process has been writing to {self._folder} for long: try again.")
            time.sleep(0.05)
            self._see_or_heal()

    def _see_or_heal(self) -> None:
        try:
            self._see_commit()
        except ValueError:  # another process makes it anew, or it was damaged just now
            self._open_or_heal()

    def _replay(self) -> bool:
        """Commit what is new; False if another process is committing: the next refresh sees that."""
        try:
            writer = self._index.writer(heap_size=_WRITER_BYTES, num_threads=1)
        except ValueError as error:  # tantivy has no finer one
            if "LockBusy" not in str(error):
                raise OSError(str(error)) from error
            return False
        try:
            self._clear_unfinished()
            with self._store.moment() as now:
                operations = self._store.operations_since(self.sequence)
                while batch := list(islice(operations, _BATCH)):
                    self._write(writer, batch)
            writer.delete_documents_by_term(_MARK, _MARK)
            mark = tantivy.Document()
            mark.add_text(_MARK, _MARK)
            for name, value in ((_SEQUENCE, now.sequence), (_TOKEN, now.token), (_RECORDS, now.records)):
                mark.add_unsigned(name, value)
            writer.add_document(mark)
            writer.commit()
        except ValueError as error:
            raise OSError(str(error)) from error
        finally:
            writer.wait_merging_threads()
        self._see_or_heal()
        return True

    def _clear_unfinished(self) -> None:
        """Delete what a process that was killed while it committed has left, with the lock of the writer.

        Lists of deletes are named by the number of their commit; the next one has that number again, and tantivy would
        not write over the file.
        """
        last = json.loads((self._folder / "meta.json").read_bytes())["opstamp"]
        for path in self._folder.glob("*.del"):
            if int(path.name.split(".")[1]) > last:
                path.unlink()

    def _write(self, writer: tantivy.IndexWriter, operations: Sequence[Operation]) -> None:
        # By query: `delete_documents_by_term` makes a signed term of a Python int, which matches no rid.
        touched = tantivy.Query.term_set_query(self._schema, _RID, [operation.rid for operation in operations])
        writer.delete_documents_by_query(touched)
        for operation in operations:
            if (terms := operation.terms) is not None:  # they are unpacked each time they are asked for
                document = tantivy.Document()
                document.add_unsigned(_RID, operation.rid)
                document.add_text(_DOCUMENT, operation.document)
                document.add_text(_PUBLISHER, operation.publisher)
                if operation.published:
                    document.add_unsigned(_PUBLISHED, operation.published.toordinal())
                for field in self._fields:
                    document.add_text(field, " ".join(terms.get(field, ())))
                writer.add_document(document)

    def rids(self) -> set[int]:
        """The row numbers of all records."""
        searcher = self._index.searcher()
        hits = searcher.search(tantivy.Query.all_query(), max(searcher.num_docs, 1), count=False).hits
        found = searcher.fast_field_values(_RID, [address for _, address in hits])
        return {int(rid) for rid in found if rid is not None}

    def search(self, query: Query, depth: int, among: Filter | Sequence[int] | None) -> dict[int, float]:
        """Row numbers and BM25 sums of the `depth` best; of those that `among` lets through or names, if it does."""
        searcher = self._index.searcher()
        clauses = [
            (
                tantivy.Occur.Should,
                tantivy.Query.boost_query(tantivy.Query.term_query(self._schema, field, term, "freq"), weight),
            )
            for field, term, weight in _telling(searcher, query)
        ]
        if not clauses or depth < 1 or (among is not None and not isinstance(among, Filter) and not among):
            return {}
        whole = tantivy.Query.boolean_query(clauses)
        if among:
            unscored = [tantivy.Query.const_score_query(one, 0.0) for one in self._allowing(among)]
            whole = tantivy.Query.boolean_query([(tantivy.Occur.Must, one) for one in (whole, *unscored)])
        hits = searcher.search(whole, depth, count=False).hits
        found = searcher.fast_field_values(_RID, [address for _, address in hits])
        return {int(rid): float(score) for rid, (score, _) in zip(found, hits, strict=True)}

    def _allowing(self, among: Filter | Sequence[int]) -> list[tantivy.Query]:
        """What has to hold of a record."""
        if not isinstance(among, Filter):
            # Each of a few looked up by itself: a set of terms is compared with every row number there is.
            each = [tantivy.Query.term_query(self._schema, _RID, rid, "basic") for rid in among]
            return [tantivy.Query.boolean_query([(tantivy.Occur.Should, one) for one in each])]
        asked = [
            tantivy.Query.term_set_query(self._schema, field, sorted(names))
            for field, names in ((_DOCUMENT, among.documents), (_PUBLISHER, among.publishers))
            if names
        ]
        if among.since or among.until:
            days = (among.since or date.min).toordinal(), (among.until or date.max).toordinal()
            asked.append(tantivy.Query.range_query(self._schema, _PUBLISHED, tantivy.FieldType.Unsigned, *days))
        return asked

    def holding(self, wanted: Terms) -> list[int]:
        """Row numbers of all records that hold every term of `wanted`, each in its field; none for no term."""
        each = [(field, term) for field, terms in wanted.items() for term in terms]
        whole = tantivy.Query.boolean_query(
            [(tantivy.Occur.Must, tantivy.Query.term_query(self._schema, *pair, "basic")) for pair in each]
        )
        searcher = self._index.searcher()
        hits = searcher.search(whole, max(searcher.num_docs, 1), count=False).hits
        return [int(rid) for rid in searcher.fast_field_values(_RID, [address for _, address in hits])]

    def vocabulary(self, field: str) -> list[tuple[str, int]]:
        """The terms of `field`, each with the number of records that hold it."""
        return list(self._index.searcher().terms_with_prefix(field, ""))

    def frequencies(self, field: str, terms: Sequence[str]) -> list[int]:
        """How many records hold each of `terms` in `field`.

        A number over `_COUNTED` may include records that were removed, until tantivy merges them away.
        """
        searcher = self._index.searcher()

        def holding(term: str) -> int:
            count = int(searcher.doc_freq(field, term))
            if not 0 < count <= _COUNTED:
                return count
            query = tantivy.Query.term_query(self._schema, field, term, "basic")
            return int(searcher.search(query, limit=1, count=True).count)

        return [holding(term) for term in terms]


def _telling(searcher: tantivy.Searcher, query: Query) -> list[tuple[str, str, float]]:
    """Fields, terms and weights of `query` that are worth reading: the rarest, as many as `_POSTINGS` allows."""
    found = [
        (searcher.doc_freq(field, term), field, term, weight)
        for field, terms in query.items()
        for term, weight in terms.items()
    ]
    found.sort(key=lambda one: one[0])
    read = accumulate(count for count, *_ in found)
    return [
        (field, term, weight)
        for so_far, (count, field, term, weight) in zip(read, found, strict=True)
        if count and (so_far <= _POSTINGS or so_far == count)
    ]


def _verify(folder: Path) -> None:
    """Raise ValueError if a file of the last commit is not what tantivy wrote.

    Each file of a segment ends with `{"crc": ...}` of all before it, the length of that, and a number (4 bytes each,
    little-endian). tantivy itself looks for files that are missing, and reads no checksum when it opens them.
    """
    meta = folder / "meta.json"
    while meta.exists():
        known = meta.read_bytes()
        try:
            for path in _files(folder, json.loads(known)):
                if not _is_whole(path):
                    raise ValueError(f"{path} is damaged")
        except (KeyError, TypeError, AttributeError) as error:
            raise ValueError(f"{meta} is damaged") from error
        except FileNotFoundError:
            if meta.read_bytes() != known:  # another process has merged segments meanwhile
                continue
            raise ValueError(f"{folder} lacks a file") from None
        return


def _files(folder: Path, meta: dict[str, Any]) -> Iterator[Path]:
    """The files of all segments."""
    for segment in meta["segments"]:
        name = segment["segment_id"].replace("-", "")
        yield from (path for path in folder.glob(f"{name}.*") if path.suffix != ".del")
        if deletes := segment["deletes"]:
            yield folder / f"{name}.{deletes['opstamp']}.del"


def _is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return False
        with mmap(file.fileno(), 0, access=ACCESS_READ) as data:  # a file may be as large as the memory
            size = int.from_bytes(data[-8:-4], "little")
            try:
                crc = json.loads(data[-8 - size : -8])["crc"]
            except (ValueError, KeyError, TypeError):
                return False
            with memoryview(data) as whole, whole[: -8 - size] as content:
                return bool(crc == zlib.crc32(content))


def _schema(fields: Sequence[str]) -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field(_RID, stored=False, indexed=True, fast=True)
    for name in (_DOCUMENT, _PUBLISHER):
        builder.add_text_field(name, stored=False, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field(_PUBLISHED, stored=False, indexed=True, fast=True)
    builder.add_text_field(_MARK, stored=False, tokenizer_name="raw", index_option="basic")
    for name in (_SEQUENCE, _TOKEN, _RECORDS):
        builder.add_unsigned_field(name, stored=True)
    for field in fields:
        builder.add_text_field(field, stored=False, tokenizer_name="whitespace", index_option="freq")
    return builder.build()
