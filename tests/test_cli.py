"""The command `hoidap`: what it prints, what it returns, and what it says when something is wrong."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from rag.embedding import Embedder
from rag.reader.onnx_reader import OnnxReader
from rag.settings import Settings
from rag.sync import alone
from tests.conftest import SEEDS, HashEmbedder
from tests.web_server import Page, web_server
from ui.cli import main

TRADE = "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?"
RICE = "Gạo đạt 5 tỷ USD năm 2023. Đó là mức cao nhất từ trước tới nay của ngành nông nghiệp."
FISH = "Cá đạt 9 tỷ USD năm 2022. Cá tra và cá ngừ là hai mặt hàng chủ lực của thủy sản."


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No setting of whoever runs the tests, and an empty working directory."""
    for name in [name for name in os.environ if name.startswith("HOIDAP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOIDAP_INDEX_DIR", str(tmp_path / "index"))
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], embedder: Embedder) -> Run:
    """`hoidap` in this process, with the real model, loaded once for all tests."""

    def _run(*arguments: str, model: Embedder = embedder) -> Done:
        monkeypatch.setattr("rag.pipeline.load_embedder", lambda _settings: model)
        monkeypatch.setattr(sys, "argv", ["hoidap", *arguments])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        code = end.value.code
        return Done(code if isinstance(code, int) else int(code is not None), out, err)

    return _run


@pytest.fixture
def rice(tmp_path: Path) -> Path:
    path = tmp_path / "gao.md"
    path.write_text(f"---\ntitle: Giá gạo\npublisher: Báo Thử\npublished: 2024-01-02\n---\n{RICE}\n", encoding="utf-8")
    return path


def ids(done: Done) -> list[str]:
    """The first column of `hoidap index list`."""
    return [line.split("│")[1].strip() for line in done.out.splitlines() if line.startswith("│")]


def assert_told(done: Done, *words: str, code: int = 1) -> None:
    """One sentence on stderr, nothing on stdout, no traceback."""
    assert done.code == code
    assert done.out == ""
    (line,) = done.err.splitlines()
    assert line.startswith("hoidap: ")
    for word in words:
        assert word in line


# Runs the command line, and tells on stderr, last, which of what costs seconds or 100 MB it has imported.
PROGRAM = """
import sys
from ui.cli import main
try:
    main()
finally:
    costly = {"fastapi", "gradio", "langchain", "langchain_core", "lxml", "pandas", "sklearn", "tokenizers", "torch"}
    quick = {"faiss", "numpy", "onnxruntime", "pydantic", "underthesea_core"}
    print(*sorted(costly & set(sys.modules)), *sorted(quick & set(sys.modules)), file=sys.stderr)
"""


class TestHelp:
    def test_it_answers_at_once(self) -> None:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "--help"], capture_output=True, encoding="utf-8", check=False, timeout=60,
            cwd=SEEDS.parent,
        )  # fmt: skip
        assert done.returncode == 0
        assert done.stderr.strip() == ""
        assert {"serve", "ask", "index"} <= set(done.stdout.split())

    def test_every_command_has_a_help(self, run: Run) -> None:
        for command in (["ask"], ["serve"], ["index"], *(["index", c] for c in ("add", "list", "remove", "status"))):
            done = run(*command, "--help")
            assert done.code == 0
            assert "Usage: hoidap " + " ".join(command) in done.out

    @pytest.mark.parametrize("arguments", [["foo"], ["ask"], ["index", "remove"], ["--port", "1"], ["ask", "a", "b"]])
    def test_a_wrong_use_is_told(self, run: Run, arguments: list[str]) -> None:
        done = run(*arguments)
        assert done.code == 2
        assert "Traceback" not in done.err


class TestAsk:
    @pytest.mark.usefixtures("embedder")
    def test_the_whole_way_in_processes_of_its_own(self, reader: OnnxReader, tmp_path: Path) -> None:
        reader.load()  # what is prepared once is there
        command = [sys.executable, "-c", PROGRAM, "--index", str(tmp_path / "D")]
        # A locale without Vietnamese is no obstacle.
        environment = os.environ | {"PYTHONPATH": str(SEEDS.parent), "LC_ALL": "C", "PYTHONIOENCODING": "ascii"}
        environment.pop("HOIDAP_INDEX_DIR")
        file = tmp_path / "thuong-mai.txt"
        file.write_text(
            f"Tổng kim ngạch xuất nhập khẩu của cả nước năm 2023 đạt 683 tỷ USD.\n\n{FISH}", encoding="utf-8"
        )
        added = subprocess.run(
            [*command, "index", "add", str(file)], capture_output=True, encoding="utf-8", check=False, env=environment
        )
        assert (added.returncode, added.stdout.strip()) == (0, "1 added."), added.stderr
        asked = subprocess.run(
            [*command, "ask", TRADE, "--json"], capture_output=True, encoding="utf-8", check=False, env=environment
        )
        assert asked.returncode == 0, asked.stderr
        data = json.loads(asked.stdout)
        assert "683 tỷ USD" in data["answer"]
        assert data["citations"][0]["article_id"] == "thuong-mai"
        assert asked.stderr.strip() == "faiss numpy onnxruntime pydantic underthesea_core"

    def test_json_has_exactly_the_promised_keys(self, run: Run, rice: Path) -> None:
        run("index", "add", str(rice))
        done = run("ask", "Gạo năm 2023 đạt bao nhiêu?", "--json")
        assert (done.code, done.err) == (0, "")
        data = json.loads(done.out)
        promised = (
            "question understood trace answer outcome refused reason support citations passages"
            " generator writing timings_ms"
        )
        assert list(data) == promised.split()
        assert data["question"] == "Gạo năm 2023 đạt bao nhiêu?"
        assert data["answer"] == "Gạo đạt 5 tỷ USD năm 2023. [1]"
        assert (data["outcome"], data["refused"], data["reason"]) == ("answered", False, "")
        assert data["generator"] == "extractive"
        (citation,) = data["citations"]
        fields = {"marker", "article_id", "title", "publisher", "published", "url", "quote", "start", "end"}
        assert fields | {"short_answer", "short_start", "short_end"} <= set(citation)
        assert (citation["publisher"], citation["published"]) == ("Báo Thử", "2024-01-02")
        assert RICE[citation["start"] : citation["end"]] == citation["quote"]

    def test_on_the_terminal(self, run: Run, rice: Path) -> None:
        run("index", "add", str(rice))
        done = run("ask", "Gạo năm 2023 đạt bao nhiêu?")
        assert done.code == 0
        # Whether the short answer is told apart is for the grounding to say.
        assert "Gạo đạt 5 tỷ USD năm 2023. [1]" in done.out.replace("**", "")
        assert "[1] Giá gạo · Báo Thử · 02/01/2024" in done.out

    def test_a_refusal_is_an_answer(self, run: Run, rice: Path) -> None:
        run("index", "add", str(rice))
        data = json.loads(run("ask", "Ai là tác giả Truyện Kiều?", "--json").out)
        assert (data["outcome"], data["refused"]) == ("not_found", True)
        assert data["reason"]
        assert data["citations"] == []

    def test_doctor_tells_what_is_well(self, run: Run, rice: Path) -> None:
        run("index", "add", str(rice))
        done = run("doctor")
        assert (done.code, done.err) == (0, "")
        assert done.out.startswith("index: 1 articles in ")

    def test_on_an_empty_index_the_remedy_is_named(self, run: Run) -> None:
        assert_told(run("ask", TRADE), "empty", "hoidap index add PATH", "hoidap serve")

    @pytest.mark.parametrize(
        ("question", "said"),
        [("", "trống"), ("a", "chưa có từ"), ("🙂🙂", "chưa có từ"), ("\x01\x02", "trống"), ("gạo " * 5000, "2000")],
    )
    def test_a_question_that_cannot_be_asked_is_told(self, run: Run, rice: Path, question: str, said: str) -> None:
        run("index", "add", str(rice))
        assert_told(run("ask", question, "--json"), said)

    @pytest.mark.parametrize("question", ['" OR 1=1 --', "NEAR(a b)", "gạo\udc80 \x00đạt", "[bold]gạo[/bold] [/x]"])
    def test_odd_signs_are_no_problem(self, run: Run, rice: Path, question: str) -> None:
        run("index", "add", str(rice))
        assert run("ask", question).code == 0

    def test_an_index_of_another_model_is_told_and_can_be_rebuilt(self, run: Run, rice: Path) -> None:
        run("index", "add", str(rice), model=HashEmbedder())
        assert_told(run("ask", "Gạo?"), "hoidap index rebuild", "--index")
        (rice.parent / "ca.txt").write_text(FISH, encoding="utf-8")
        assert_told(run("index", "add", str(rice.parent / "ca.txt")), "hoidap index rebuild")
        done = run("index", "rebuild")
        assert (done.code, done.out) == (0, "1 articles rebuilt.\n")
        assert "5 tỷ USD" in run("ask", "Gạo năm 2023 đạt bao nhiêu?").out


class TestIndex:
    def test_add_list_status_remove(self, run: Run, rice: Path, tmp_path: Path) -> None:
        done = run("index", "add", str(rice))
        assert (done.code, done.out) == (0, "1 added.\n")
        assert run("index", "add", str(rice)).out == "1 unchanged.\n"

        rice.write_text(rice.read_text(encoding="utf-8").replace("5 tỷ", "6 tỷ"), encoding="utf-8")
        (tmp_path / "ca.txt").write_text(FISH, encoding="utf-8")
        assert run("index", "add", str(tmp_path)).out == "1 added, 1 replaced.\n"
        assert "6 tỷ USD" in run("ask", "Gạo năm 2023 đạt bao nhiêu?").out

        listed = run("index", "list")
        assert ids(listed) == ["ca", "gao"]
        assert "2024-01-02" in listed.out
        status = run("index", "status").out
        assert str(tmp_path / "index") in status
        assert "articles  2" in status
        assert "384 dimensions" in status

        assert run("index", "remove", "gao", "gao").out == "1 removed.\n"
        assert ids(run("index", "list")) == ["ca"]
        assert "6 tỷ" not in run("ask", "Gạo năm 2023 đạt bao nhiêu?").out
        run("index", "remove", "ca")
        assert "The index is empty" in run("index", "list").out
        assert_told(run("ask", TRADE), "empty")

    def test_check_mends_what_is_derived_and_names_what_is_lost(self, run: Run, rice: Path, tmp_path: Path) -> None:
        run("index", "add", str(rice))
        well = run("index", "check")
        assert (well.code, well.out) == (0, "1 articles, 1 chunks: all is as it was written.\n")
        (snapshot,) = (tmp_path / "index").glob("dense-*")
        snapshot.write_bytes(snapshot.read_bytes()[:-9])
        mended = run("index", "check")
        assert mended.code == 0
        assert "mended: The index of vectors (FAISS) was damaged when it was opened: dense-" in mended.out
        assert run("index", "check").out == well.out
        with sqlite3.connect(tmp_path / "index" / "store.sqlite") as database:
            database.execute("update document set payload = replace(payload, '5', '6')")
        lost = run("index", "check")
        assert lost.code == 1
        assert "LOST: The article gao is damaged: remove it with `hoidap index remove` and add it again." in lost.out
        assert "1 faults are left" in lost.out
        assert_told(run("ask", TRADE), "`hoidap index check` tells what is lost")
        run("index", "remove", "gao")
        run("index", "add", str(rice))
        assert run("index", "check").out == well.out

    def test_unchanged_files_do_not_load_the_model(self, run: Run, rice: Path) -> None:
        run("index", "add", str(rice))
        model = HashEmbedder()
        assert run("index", "add", str(rice), model=model).out == "1 unchanged.\n"
        run("index", "list", model=model)
        assert model.embedded == []

    def test_a_title_cannot_bring_markup_to_life(self, run: Run, rice: Path) -> None:
        rice.write_text(f"---\ntitle: '[red]Gạo[/red] [/]'\n---\n{RICE}", encoding="utf-8")
        run("index", "add", str(rice))
        assert "[red]Gạo[/red] [/]" in run("index", "list").out

    def test_a_long_id_can_be_copied(self, run: Run, tmp_path: Path) -> None:
        name = "mot-bai-viet-co-ten-rat-dai-de-thu-xem-bang-co-cat-no-ra-khong"
        (tmp_path / f"{name}.txt").write_text(RICE, encoding="utf-8")
        run("index", "add", f"{name}.txt")
        assert name in ids(run("index", "list"))


class TestBadFiles:
    @pytest.mark.parametrize(
        ("name", "content", "words"),
        [
            ("trong.md", b"", ["empty"]),
            ("trang.txt", b" \n\n ", ["white space"]),
            ("nhi-phan.md", b"\x7fELF" + bytes(range(256)) * 4, ["binary", "UTF-8"]),
            ("anh.md", b"\x89PNG\r\n\x1a\n" + b"x" * 50, ["PNG", "UTF-8"]),
            ("bai.docx", b"x", ["Word", "save it anew"]),
            ("bai.pdf", b"x", ["PDF", "print it"]),
            ("cu.doc", b"\xd0\xcf\x11\xe0", ["save it as .docx"]),
            ("bang.xlsx", b"x", [".xlsx", ".md"]),
        ],
    )
    def test_each_is_told_and_the_rest_goes_on(
        self, run: Run, rice: Path, name: str, content: bytes, words: list[str]
    ) -> None:
        run("index", "add", str(rice))
        bad, good = rice.with_name(name), rice.with_name("ca.txt")
        bad.write_bytes(content)
        good.write_text(FISH, encoding="utf-8")
        assert_told(run("index", "add", str(bad)), name, *words)
        done = run("index", "add", str(good), str(bad))
        assert (done.code, done.out) == (1, "1 added.\n")
        assert all(word in done.err for word in (name, *words))
        assert ids(run("index", "list")) == ["ca", "gao"]
        assert "5 tỷ USD" in run("ask", "Gạo năm 2023 đạt bao nhiêu?").out

    @pytest.mark.parametrize("path", ["khong-co.md", "*.xyz", "trong/", ""])
    def test_a_path_that_stands_for_nothing(self, run: Run, tmp_path: Path, path: str) -> None:
        (tmp_path / "trong").mkdir()
        assert_told(run("index", "add", path))

    def test_every_bad_file_is_named(self, run: Run, tmp_path: Path) -> None:
        for name in ("a.md", "b.md"):
            (tmp_path / name).write_bytes(b"")
        done = run("index", "add", "a.md", "b.md")
        assert done.code == 1
        assert sorted(line.split()[1] for line in done.err.splitlines()) == ["a.md", "b.md"]

    def test_a_scanned_page_is_told_and_the_others_are_added(self, run: Run) -> None:
        done = run("index", "add", str(Path(__file__).parent / "documents" / "kiem-ke.pdf"))
        assert (done.code, done.out) == (0, "1 added.\n")
        assert "page 2 is a picture without text" in done.err

    def test_of_two_files_with_one_id_none_is_lost_in_silence(self, run: Run, rice: Path, tmp_path: Path) -> None:
        (tmp_path / "sub").mkdir()
        (tmp_path / "sub" / "gao.txt").write_text(FISH, encoding="utf-8")
        done = run("index", "add", str(rice), "sub")
        assert (done.code, done.out) == (1, "1 added.\n")
        assert all(word in done.err for word in ("gao.md", "gao.txt", "the first is taken", "front matter"))

    def test_an_unknown_id_is_told_and_nothing_is_removed(self, run: Run, rice: Path) -> None:
        run("index", "add", str(rice))
        assert_told(run("index", "remove", "gao", "ca"), "ca", "hoidap index list")
        assert ids(run("index", "list")) == ["gao"]


class TestWhereTheIndexIs:
    def test_the_option_wins_over_the_environment(self, run: Run, rice: Path, tmp_path: Path) -> None:
        run("--index", str(tmp_path / "other"), "index", "add", str(rice))
        assert "The index is empty" in run("index", "list").out
        assert ids(run("--index", str(tmp_path / "other"), "index", "list")) == ["gao"]

    def test_the_environment_wins_over_the_file(
        self, run: Run, rice: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "hoidap.toml").write_text(f'index_dir = "{tmp_path / "toml"}"\n', encoding="utf-8")
        run("index", "add", str(rice))
        monkeypatch.delenv("HOIDAP_INDEX_DIR")
        assert "The index is empty" in run("index", "list").out
        assert (tmp_path / "toml").is_dir()

    @pytest.mark.parametrize("how", ["option", "environment"])
    @pytest.mark.parametrize("place", ["file", "file/below", "/proc/hoidap"])
    def test_a_place_that_cannot_be_used_is_told(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str, place: str
    ) -> None:
        (tmp_path / "file").write_text("đây là một tệp", encoding="utf-8")
        if how == "option":
            done = run("--index", str(tmp_path / place), "index", "list")
        else:
            monkeypatch.setenv("HOIDAP_INDEX_DIR", str(tmp_path / place))
            done = run("index", "list")
        assert_told(done, "--index", "HOIDAP_INDEX_DIR")
        assert (tmp_path / "file").read_text(encoding="utf-8") == "đây là một tệp"

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere: run the tests as another user")
    def test_a_folder_without_rights_is_told(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "closed").mkdir(mode=0o500)
        assert_told(run("--index", str(tmp_path / "closed" / "index"), "index", "list"), "--index")

    def test_a_folder_that_holds_something_else_is_told_and_left_alone(self, run: Run, tmp_path: Path) -> None:
        folder = tmp_path / "index"
        folder.mkdir()
        (folder / "store.sqlite").write_bytes(b"not a database at all" * 100)
        assert_told(run("index", "list"), "store.sqlite")
        assert (folder / "store.sqlite").read_bytes().startswith(b"not a database")


class TestSettings:
    def test_an_unknown_setting_is_told(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOIDAP_INDEXDIR", "x")
        assert_told(run("index", "list"), "HOIDAP_INDEXDIR", "HOIDAP_INDEX_DIR")

    @pytest.mark.parametrize(("name", "value"), [("HOIDAP_THREADS", "nhiều"), ("HOIDAP_PORT", "99999")])
    def test_an_impossible_value_is_told(
        self, run: Run, monkeypatch: pytest.MonkeyPatch, name: str, value: str
    ) -> None:
        monkeypatch.setenv(name, value)
        assert_told(run("index", "list"), name)

    @pytest.mark.parametrize("content", ["thredas = 2\n", "threads = \n", "threads = 'x'\n"])
    def test_a_wrong_file_is_told(self, run: Run, tmp_path: Path, content: str) -> None:
        (tmp_path / "hoidap.toml").write_text(content, encoding="utf-8")
        assert_told(run("index", "list"), "hoidap.toml")

    def test_a_cache_that_cannot_be_written_is_told_and_nothing_is_lost(
        self, run: Run, rice: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
    ) -> None:
        from rag.embedding import load_embedder

        run("index", "add", str(rice))
        monkeypatch.setenv("HOIDAP_CACHE_DIR", str(rice / "cache"))  # below a file
        monkeypatch.setattr("rag.pipeline.load_embedder", load_embedder)
        monkeypatch.setattr(sys, "argv", ["hoidap", "ask", "Gạo?", "--json"])
        capfd.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        out, err = capfd.readouterr()
        assert_told(Done(int(end.value.code == 1), out, err), "cache folder", "HOIDAP_CACHE_DIR")
        monkeypatch.delenv("HOIDAP_CACHE_DIR")
        assert ids(run("index", "list")) == ["gao"]

    def test_the_settings_the_message_names_are_the_settings(self, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HOIDAP_X", "1")
        err = run("index", "status").err
        assert all(f"HOIDAP_{name.upper()}" in err for name in Settings.model_fields)


class TestSync:
    def test_the_index_becomes_equal_to_a_folder(self, run: Run, tmp_path: Path) -> None:
        folder, model = tmp_path / "bai", HashEmbedder()
        folder.mkdir()
        for name, text in (("gao", RICE), ("ca", FISH)):
            (folder / f"{name}.txt").write_text(text, encoding="utf-8")
        done = run("index", "sync", "bai", "--dry-run", model=model)
        assert done.out == (
            "would be added: ca\nwould be added: gao\n"
            "Nothing was done. It would be: 2 added, 0 changed, 0 removed, 0 unchanged, 0 failed.\n"
        )
        assert run("index", "sync", "bai", model=model).out == "2 added, 0 changed, 0 removed, 0 unchanged, 0 failed.\n"
        (folder / "ca.txt").unlink()
        (folder / "hong.txt").write_bytes(b"")
        done = run("index", "sync", str(folder), model=model)
        assert (done.code, done.out) == (1, "0 added, 0 changed, 1 removed, 1 unchanged, 1 failed.\n")
        assert "hong.txt is empty; put the article's text in it" in done.err
        assert ids(run("index", "list")) == ["gao"]

    def test_a_second_one_is_told_who_is_at_work(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "bai").mkdir()
        with alone(tmp_path / "index.sync", "tin-tuc"):
            assert_told(run("index", "sync", "bai"), "synced already with tin-tuc", "wait until it is done")

    def test_the_web_is_only_for_what_is_not_watched(self, run: Run) -> None:
        assert_told(run("index", "sync", "--watch", "https://bao.example/tin.rss"), "--watch", "timer")

    def test_private_addresses_have_to_be_allowed(
        self, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with web_server() as server:
            server.pages["/gao"] = Page(f"{RICE}\n".encode())
            done = run("index", "sync", f"{server.url}/gao", model=HashEmbedder())
            assert done.code == 1
            assert "HOIDAP_ALLOWED_NETWORKS" in done.err
            monkeypatch.setenv("HOIDAP_ALLOWED_NETWORKS", "127.0.0.0/8")
            assert run("index", "sync", f"{server.url}/gao", model=HashEmbedder()).out.startswith("1 added")

    def test_watching_takes_what_changes_until_it_is_interrupted(self, tmp_path: Path) -> None:
        folder = tmp_path / "bai"
        folder.mkdir()
        (folder / "gao.txt").write_text(RICE, encoding="utf-8")
        command = [sys.executable, "-c", "from ui.cli import main; main()", "index", "sync", str(folder), "--watch"]
        environment = os.environ | {"PYTHONPATH": str(SEEDS.parent), "PYTHONUNBUFFERED": "1"}
        # Whoever runs the tests in the background has SIGINT ignored, and so would what they start.
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", env=environment
        )
        signal.signal(signal.SIGINT, before)
        try:
            assert process.stdout
            assert process.stdout.readline() == "Watching; Ctrl-C ends it.\n"
            assert process.stdout.readline().startswith("1 added")
            (folder / "ca.txt").write_text(FISH, encoding="utf-8")
            assert process.stdout.readline() == "1 added, 0 changed, 0 removed, 1 unchanged, 0 failed.\n"
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
        assert (process.returncode, errors) == (0, "")
