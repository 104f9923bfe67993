"""`hoidap eval` as it is typed: what it writes, and how it ends."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from tests.conftest import HashEmbedder, calibration_of
from ui.cli_eval import eval_app

GOLD: list[dict[str, object]] = [
    {
        "id": "q1",
        "type": "fact",
        "question": "Cầu Rồng dài bao nhiêu mét?",
        "answers": ["666 mét"],
        "articles": ["cau"],
    },
    {"id": "q2", "type": "typo", "question": "Thap Rùa giữa hồ nào?", "answers": ["hồ Gươm"], "articles": ["thap-rua"]},
    {"id": "q3", "type": "unanswerable", "question": "Ai bay lên Sao Hỏa?", "answers": [], "articles": []},
]


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with articles and gold, a model of a few lines, and no trace outside."""
    embedder = HashEmbedder(dimension=64)
    monkeypatch.setattr("rag.embedding.load_embedder", lambda _: embedder)
    monkeypatch.setattr("rag.pipeline.load_embedder", lambda _: embedder)
    monkeypatch.setattr("rag.pipeline.load_calibration", lambda _folder: calibration_of(embedder.name))
    monkeypatch.setenv("HOIDAP_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("HOIDAP_INDEX_DIR", str(tmp_path / "index"))
    monkeypatch.chdir(tmp_path)
    corpus = Path("corpus")
    corpus.mkdir()
    # Its id is not the name of its file: gold may use either.
    (corpus / "cau.md").write_text(
        "---\nid: cau-rong\ntitle: Cầu Rồng\n---\nCầu Rồng ở Đà Nẵng dài 666 mét.\n", "utf-8"
    )
    (corpus / "thap-rua.md").write_text("---\ntitle: Tháp Rùa\n---\nTháp Rùa nằm giữa hồ Gươm, Hà Nội.\n", "utf-8")
    write(Path("gold.jsonl"), GOLD)


def write(path: Path, rows: list[dict[str, object]]) -> None:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(eval_app, list(arguments))


def listing() -> set[str]:
    return {path.name for path in Path().iterdir()}


def test_a_gold_file_gives_a_table_json_and_a_report() -> None:
    found = call("gold.jsonl", "--corpus", "corpus", "--json", "out.json", "--html", "out.html")
    assert found.exit_code == 0, found.output
    assert "answer_accuracy" in found.stdout
    result = json.loads(Path("out.json").read_text("utf-8"))
    assert set(result) >= {"run", "metrics", "by_type", "questions"}
    assert [q["id"] for q in result["questions"]] == ["q1", "q2", "q3"]
    assert result["run"]["questions"] == 3
    # The stem of the file was understood as the id of its article.
    assert result["questions"][0]["expected"]["articles"] == ["cau-rong"]
    assert result["metrics"]["lexical.article.recall@1"] == 1
    assert "warning" not in found.stderr
    assert Path("out.html").read_text("utf-8").startswith("<!doctype html>")


def test_options_choose_questions() -> None:
    def ids(*arguments: str) -> list[str]:
        found = call("gold.jsonl", "--corpus", "corpus", "--json", "out.json", *arguments)
        assert found.exit_code == 0, found.output
        return [q["question"] for q in json.loads(Path("out.json").read_text("utf-8"))["questions"]]

    assert ids("--only", "typo", "--only", "unanswerable") == ["Thap Rùa giữa hồ nào?", "Ai bay lên Sao Hỏa?"]
    assert ids("--limit", "1", "--unaccented") == ["Cau Rong dai bao nhieu met?"]


def test_an_unknown_article_is_named_and_does_not_end_the_run() -> None:
    write(Path("gold.jsonl"), [{**GOLD[0], "articles": ["moon"]}])
    found = call("gold.jsonl", "--corpus", "corpus")
    assert found.exit_code == 0
    assert "q1: moon is not in the corpus" in found.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["gold.jsonl", "--corpus", "corpus/cau.md", "corpus/thap-rua.md"],
        ["--corpus", "corpus/cau.md", "corpus/thap-rua.md", "gold.jsonl"],
        ["gold.jsonl", "--corpus", "corpus/cau.md", "corpus/thap-rua.md", "--limit", "3"],
        ["gold.jsonl", "--corpus", "corpus/cau.md", "--corpus", "corpus/thap-rua.md"],
    ],
)
def test_a_corpus_may_be_several_paths(arguments: list[str]) -> None:
    assert call(*arguments, "--json", "out.json").exit_code == 0
    assert "2 articles" in json.loads(Path("out.json").read_text("utf-8"))["run"]["corpus"]


def test_minimum() -> None:
    assert call("gold.jsonl", "--corpus", "corpus", "--min", "fused.mrr=0").exit_code == 0
    found = call("gold.jsonl", "--corpus", "corpus", "--min", "answer_accuracy=1.1", "--json", "out.json")
    assert found.exit_code == 1
    assert "answer_accuracy is" in found.stderr
    assert "below 1.1" in found.stderr
    assert Path("out.json").exists()  # the result is what one needs then


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["missing.jsonl"], "missing.jsonl cannot be read"),
        (["gold.jsonl", "--corpus", "nowhere"], "nowhere does not exist"),
        (["gold.jsonl"], "is empty: name the articles with --corpus"),
        (["gold.jsonl", "--corpus", "corpus", "--min", "speed=1"], "no metric 'speed'"),
        (["gold.jsonl", "--corpus", "corpus", "--min", "em=0.1"], "this run has no em"),
        (["gold.jsonl", "--corpus", "corpus", "--min", "em"], "write metric=value"),
        (["gold.jsonl", "--corpus", "corpus", "--only", "riddle"], "'riddle' is not a type"),
        (["gold.jsonl", "--corpus", "corpus", "--generator", "oracle"], "provider:model"),
        (["gold.jsonl", "--split", "dev"], "--split is for the shipped gold set"),
        (["--split", "train"], "no split 'train'"),
        (["gold.jsonl", "--squad", "x.json"], "exclude each other"),
        (["--squad", "x.json", "--corpus", "corpus"], "--corpus is for gold questions"),
        (["--squad", "x.json"], "x.json cannot be read"),
        (["--beir", "corpus"], "has no corpus.jsonl"),
        (["gold.jsonl", "--corpus", "corpus", "--limit", "0"], "--limit must be at least 1"),
        (["gold.jsonl", "--corpus", "corpus", "--html", "no/out.html"], "does not exist: make that folder"),
        (["compare", "gold.jsonl", "gold.jsonl"], "is not a result of"),
        (["candidates"], "index.feedback.sqlite yet: ask in the chat"),
    ],
)
def test_bad_input_is_one_sentence_and_exit_2(arguments: list[str], words: str) -> None:
    before = listing()
    found = call(*arguments, *(["--json", "out.json"] if arguments[0] not in ("compare", "candidates") else []))
    assert found.exit_code == 2, found.output
    assert words in found.stderr
    assert "Traceback" not in found.output
    assert found.stderr.count("\n") == 1
    assert listing() - before <= {"index", "cache"}


def test_a_broken_line_is_told_before_anything_is_indexed() -> None:
    Path("gold.jsonl").write_text(json.dumps(GOLD[0]) + "\n{oops\n", "utf-8")
    found = call("gold.jsonl", "--corpus", "corpus", "--json", "out.json")
    assert found.exit_code == 2
    assert "gold.jsonl, line 2 is not JSON" in found.stderr
    assert not Path("out.json").exists()


def test_compare_and_candidates() -> None:
    call("gold.jsonl", "--corpus", "corpus", "--json", "a.json")
    found = call("compare", "a.json", "a.json")
    assert found.exit_code == 0
    assert "3 shared questions" in found.stdout
    write(Path("f.jsonl"), [{"question": "Cầu nào dài?", "answer": "Cầu Rồng", "rating": "down"}])
    assert json.loads(call("candidates", "f.jsonl").stdout)["question"] == "Cầu nào dài?"
    assert call("candidates", "f.jsonl", "--out", "c.jsonl").exit_code == 0
    assert Path("c.jsonl").exists()


def test_squad_and_beir_of_the_same_passages_share_an_index() -> None:
    text = "Cầu Rồng ở Đà Nẵng dài 666 mét."
    beir = Path("beir")
    beir.mkdir()
    write(beir / "corpus.jsonl", [{"_id": "p7", "title": "Cầu Rồng", "text": text}])
    write(beir / "queries.jsonl", [{"_id": "a", "text": "Cầu Rồng dài bao nhiêu mét?"}])
    (beir / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\na\tp7\t1\n", "utf-8")
    row: dict[str, object] = {"id": "a", "pid": "p7", "title": "Cầu Rồng", "context": text}
    row |= {"question": "Cầu Rồng dài bao nhiêu mét?", "answers": [{"text": "666 mét"}], "is_impossible": False}
    write(Path("squad.jsonl"), [row])
    assert call("--beir", "beir", "--json", "b.json").exit_code == 0
    found = call("--squad", "squad.jsonl", "--json", "s.json")
    assert found.exit_code == 0, found.output
    assert len([path for path in Path("cache/eval").iterdir() if path.is_dir()]) == 1
    assert json.loads(Path("b.json").read_text("utf-8"))["metrics"]["fused.ndcg@10"] == 1
    squad = json.loads(Path("s.json").read_text("utf-8"))
    assert squad["metrics"]["answer_in_citations@1"] == 1
    assert squad["questions"][0]["expected"]["articles"] == ["p7"]
    assert "refusal_auroc" not in squad["metrics"]  # nothing here is impossible


def test_help_names_the_commands() -> None:
    found = call("--help")
    assert found.exit_code == 0
    assert "--squad" in found.stdout
    assert "compare" in found.stdout
