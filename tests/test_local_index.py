"""The index as its users see it: both searches against brute force, and every process seeing the same."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import index.dense
from index.local import LocalIndex
from index.schema import Filter
from tests.conftest import DAMAGES, FIELD_NAMES, MANIFEST, damage, make_entries
from tests.test_dense import a_query
from tests.test_index_contract import EVERYTHING, QUERY, dated, found

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "index"


@pytest.fixture
def local(folder: Path) -> Iterator[LocalIndex]:
    local = LocalIndex(folder, FIELD_NAMES)
    yield local
    local.close()


@pytest.mark.parametrize("how", [*DAMAGES, "folder gone"])
def test_derived_files_are_healed_on_opening(local: LocalIndex, folder: Path, how: str) -> None:
    local.put(MANIFEST, dated(12))
    only = Filter(publishers=frozenset({"P1", "P2"}))
    sound = [local.search(a_query(), QUERY, 9, f) for f in (EVERYTHING, only)]
    local.close()
    derived = [*folder.glob("dense-*.faiss"), *(p for p in folder.glob("lexical-*/*") if p.stat().st_size)]
    assert len(derived) > 5
    if how == "folder gone":
        for path in folder.glob("lexical-*"):
            shutil.rmtree(path)
        for path in folder.glob("dense-*.faiss"):
            path.unlink()
    else:
        for path in derived:
            damage(path, how)
    healed = LocalIndex(folder, FIELD_NAMES)
    for expected, f in zip(sound, (EVERYTHING, only), strict=True):
        hits = healed.search(a_query(), QUERY, 9, f)
        assert [hit.key for hit in hits] == [hit.key for hit in expected]
        assert [hit.dense for hit in hits] == [hit.dense for hit in expected]
        assert [hit.lexical for hit in hits] == pytest.approx([hit.lexical for hit in expected], abs=1e-5)
    healed.close()


def test_another_reader_sees_writes_without_opening_again(
    local: LocalIndex, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index.dense, "_SNAPSHOT_EVERY", 4)  # snapshots come and go while the reader lives
    reader = LocalIndex(folder, FIELD_NAMES)
    for number in range(4):
        local.put(MANIFEST, make_entries(3, seed=number))
        local.put(MANIFEST, make_entries(2, prefix=f"n{number}"))
        local.delete([f"n{number}000"])
        seen = reader.search(a_query(), QUERY, 99, EVERYTHING)
        assert len(seen) == 9 + 3 * (number + 1)
        assert seen == local.search(a_query(), QUERY, 99, EVERYTHING)
        assert reader.frequencies("words", ["a"]) == local.frequencies("words", ["a"])
        assert reader.documents() == local.documents()
    reader.close()


def test_a_reader_makes_up_for_a_writer_that_died_after_its_commit(
    local: LocalIndex, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    local.put(MANIFEST, make_entries(3))
    with monkeypatch.context() as patch:
        patch.setattr(LocalIndex, "_refresh", lambda *_, **__: None)  # it dies before the derived engines are written
        local.put(MANIFEST, make_entries(2, prefix="n"))
        local.delete(["d000"])
    reader = LocalIndex(folder, FIELD_NAMES)
    entries = make_entries(3)[1:] + make_entries(2, prefix="n")
    assert found(reader, reader.search(a_query(), QUERY, 99, EVERYTHING)).keys() == {
        record.payload for entry in entries for record in entry.records
    }
    assert reader.frequencies("words", ["a"])[0] == 12
    reader.close()


_OTHER_PROCESS = """
import sys
from pathlib import Path
from index.local import LocalIndex
from index.schema import Filter
from tests.conftest import FIELD_NAMES, MANIFEST, make_entries
from tests.test_dense import a_query
from tests.test_index_contract import QUERY
local = LocalIndex(Path(sys.argv[1]), FIELD_NAMES)
for line in sys.stdin:
    if line.startswith("put"):
        local.put(MANIFEST, make_entries(2, seed=5, prefix="other"))
    elif line.startswith("delete"):
        local.delete(["d001"])
    hits = local.search(a_query(), QUERY, 99, Filter())
    print([(h.key, h.dense, h.lexical) for h in hits], flush=True)
"""


def test_two_processes_see_each_other(local: LocalIndex, folder: Path) -> None:
    local.put(MANIFEST, make_entries(3))
    with subprocess.Popen(
        [sys.executable, "-c", _OTHER_PROCESS, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    ) as other:
        assert other.stdin
        assert other.stdout

        def tell(word: str) -> str:
            assert other.stdin
            assert other.stdout
            other.stdin.write(word + "\n")
            other.stdin.flush()
            return other.stdout.readline().strip()

        def mine() -> str:
            return str([(h.key, h.dense, h.lexical) for h in local.search(a_query(), QUERY, 99, EVERYTHING)])

        assert tell("search") == mine()
        local.put(MANIFEST, make_entries(2, seed=4))
        local.delete(["d002"])
        assert tell("search") == mine()
        assert mine().count("(") == 6
        assert tell("put") == mine()
        assert mine().count("(") == 12
        assert tell("delete") == mine()
        assert mine().count("(") == 9
        other.stdin.close()
        assert other.wait(30) == 0


def test_status_counts_every_file(local: LocalIndex, folder: Path) -> None:
    local.put(MANIFEST, make_entries(4))
    status = local.status()
    assert (status.documents, status.records) == (4, 12)
    assert status.size_bytes == sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
