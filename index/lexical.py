"""BM25 by tantivy over terms that the caller has made; nothing is tokenised here.

Derived from the store. Which operation was seen last stands in a document of its own, in the same commit
as the records, so that the two cannot disagree.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import tantivy

from index.schema import Query, Terms
from index.store import Store

_WRITER_BYTES = 64_000_000
_RID = "rid"
_MARK = "checkpoint"
_SEQUENCE = "sequence"
_FORMAT = 1  # part of the folder's name: count it up when the fields change


class Lexical:
    """The tantivy index of a store's terms. Not safe to share between threads without a lock."""

    def __init__(self, folder: Path, store: Store, fields: Sequence[str]) -> None:
        """Open the index in `folder`; one that is missing or damaged is made anew by the next refresh."""
        self._folder = folder / f"lexical-{_FORMAT}"
        self._store = store
        self._fields = tuple(fields)
        self._schema = _schema(self._fields)
        try:
            self._open()
        except ValueError:  # damaged, or of other fields
            shutil.rmtree(self._folder)
            self._open()
        if self._sequence > store.sequence:  # it belongs to another store
            self._reset()

    def _open(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        self._index = tantivy.Index(self._schema, path=str(self._folder))
        self._sequence = self._checkpoint()

    def _reset(self) -> None:
        writer = self._index.writer(heap_size=_WRITER_BYTES, num_threads=1)
        writer.delete_all_documents()
        writer.commit()
        writer.wait_merging_threads()
        self._index.reload()
        self._sequence = 0

    def _checkpoint(self) -> int:
        self._index.reload()
        searcher = self._index.searcher()
        hits = searcher.search(tantivy.Query.term_query(self._schema, _MARK, _MARK), 1).hits
        return int(searcher.doc(hits[0][1])[_SEQUENCE][0]) if hits else 0

    def refresh(self) -> None:
        """Replay what the store has acknowledged since, unless another process is doing so already."""
        latest = self._store.sequence
        if latest == self._sequence:
            return
        self._sequence = self._checkpoint()
        if latest == self._sequence:
            return
        try:
            writer = self._index.writer(heap_size=_WRITER_BYTES, num_threads=1)
        except ValueError as error:  # tantivy has no finer one
            if "LockBusy" not in str(error):
                raise OSError(str(error)) from error
            return  # the writing process is at it; its commit is seen by the next refresh
        try:
            operations = list(self._store.operations_since(self._sequence))
            # By query: `delete_documents_by_term` makes a signed term of a Python int, which matches no rid.
            touched = tantivy.Query.term_set_query(self._schema, _RID, [operation.rid for operation in operations])
            writer.delete_documents_by_query(touched)
            for operation in operations:
                if operation.terms is not None:
                    document = tantivy.Document()
                    document.add_unsigned(_RID, operation.rid)
                    for field in self._fields:
                        document.add_text(field, " ".join(operation.terms.get(field, ())))
                    writer.add_document(document)
            writer.delete_documents_by_term(_MARK, _MARK)
            mark = tantivy.Document()
            mark.add_text(_MARK, _MARK)
            mark.add_unsigned(_SEQUENCE, latest)
            writer.add_document(mark)
            writer.commit()
        finally:
            writer.wait_merging_threads()
        self._sequence = self._checkpoint()

    def search(self, query: Query, depth: int, rids: Sequence[int] | None) -> dict[int, float]:
        """Row numbers and BM25 sums of the `depth` best; among `rids` alone unless that is None."""
        clauses = [
            (
                tantivy.Occur.Should,
                tantivy.Query.boost_query(tantivy.Query.term_query(self._schema, field, term, "freq"), weight),
            )
            for field, terms in query.items()
            for term, weight in terms.items()
        ]
        if not clauses or depth < 1 or (rids is not None and not rids):
            return {}
        whole = tantivy.Query.boolean_query(clauses)
        if rids is not None:
            among = tantivy.Query.const_score_query(tantivy.Query.term_set_query(self._schema, _RID, list(rids)), 0.0)
            whole = tantivy.Query.boolean_query([(tantivy.Occur.Must, whole), (tantivy.Occur.Must, among)])
        searcher = self._index.searcher()
        hits = searcher.search(whole, depth, count=False).hits
        found = searcher.fast_field_values(_RID, [address for _, address in hits])
        return {int(rid): float(score) for rid, (score, _) in zip(found, hits, strict=True)}

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
        """How many records hold each of `terms` in `field`."""
        searcher = self._index.searcher()
        # Counted by a search: `doc_freq` still counts removed records until tantivy merges them away.
        queries = [tantivy.Query.term_query(self._schema, field, term, "basic") for term in terms]
        return [int(searcher.search(query, limit=1, count=True).count) for query in queries]


def _schema(fields: Sequence[str]) -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_unsigned_field(_RID, stored=False, indexed=True, fast=True)
    builder.add_text_field(_MARK, stored=False, tokenizer_name="raw", index_option="basic")
    builder.add_unsigned_field(_SEQUENCE, stored=True)
    for field in fields:
        builder.add_text_field(field, stored=False, tokenizer_name="whitespace", index_option="freq")
    return builder.build()
