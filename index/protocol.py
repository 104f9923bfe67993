"""What every index can do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from index.schema import (
    Document,
    Entry,
    Fault,
    Filter,
    Found,
    Hit,
    Known,
    Manifest,
    Origin,
    Query,
    Status,
    Superseded,
    Terms,
    Vectors,
)


class Index(Protocol):
    """An index of documents and their records. Every write is whole or not at all."""

    @property
    def manifest(self) -> Manifest | None:
        """What built the index; None as long as nothing was written."""

    def put(self, manifest: Manifest, entries: Iterable[Entry]) -> None:
        """Add `entries`, each in the place of a document of the same id, in one transaction.

        What such a document was is kept, if its digest was another, until the document is removed: see `superseded`.
        `manifest` must equal the index's own, unless the index is empty.
        """

    def replace(self, manifest: Manifest, entries: Iterable[Entry], since: int) -> None:
        """Put `entries` in the place of all there is, in one transaction.

        Documents that are in both keep what they were before, as with `put`. Refused if the index has changed since its
        `version` was `since`: what came in between would be lost.
        """

    def delete(self, document_ids: Iterable[str]) -> None:
        """Remove documents and their records, in one transaction. Unknown ids are passed over."""

    def document(self, document_id: str) -> Document | None:
        """The document of that id."""

    def documents(self) -> list[Document]:
        """All documents, in the order of their ids."""

    def known(self) -> list[Known]:
        """All documents without their payloads, in the order of their ids."""

    def trace(self, origins: Mapping[str, Origin]) -> None:
        """Set where documents come from whose content stayed as it was, by id, in one transaction.

        Unknown ids are passed over.
        """

    def superseded(self, document_id: str, digest: str) -> Superseded | None:
        """What the document was when its digest was `digest`, or began so, if that is not what it is now."""

    def publishers(self) -> list[str]:
        """The publishers of all documents, each once, in order."""

    def search(self, vector: Vectors, query: Query, depth: int, only: Filter) -> list[Hit]:
        """The `depth` best by vector and the `depth` best by terms, each once, with both scores."""

    def sharing(self, field: str, terms: Sequence[str], depth: int) -> list[tuple[int, float]]:
        """The keys of the `depth` records that share most of `terms` in the lexical `field`, with their BM25 scores."""

    def holding(self, wanted: Terms) -> list[str]:
        """Ids of the documents, in order, of which one record holds every term of `wanted`, each in its field."""

    def records(self, keys: Sequence[int]) -> list[Found]:
        """The records of these keys, in the same order; one that was removed meanwhile is left out."""

    def owners(self, keys: Sequence[int]) -> list[str]:
        """Ids of the documents that the records of these keys belong to, each once, in order."""

    @property
    def version(self) -> int:
        """Another number after every write, so that a caller knows when what it has learned is old."""

    def vocabulary(self, field: str) -> list[tuple[str, int]]:
        """The terms of the lexical `field`, each with the number of records that hold it."""

    def frequencies(self, field: str, terms: Sequence[str]) -> tuple[int, list[int]]:
        """The number of records, and how many of them hold each of `terms` in the lexical `field`."""

    def keys(self, document_ids: Sequence[str]) -> list[int]:
        """The keys of all records of these documents."""

    def verify(self) -> Iterator[Fault]:
        """Look through everything, make good what can be made good, and tell what was not as it should be."""

    def status(self) -> Status:
        """How much there is."""

    def close(self) -> None:
        """Let go of files and locks."""
