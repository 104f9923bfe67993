"""Other people's sets: reading them, the cache of their indexes, and retrieval scores."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

import rag.corpus
from eval.beir import run_beir
from eval.cache import open_cached
from eval.datasets import make_text, read_beir, read_squad
from eval.errors import EvalError
from eval.report import to_html
from eval.run import run_cases
from index.schema import Vectors
from rag.embedding import Kind
from rag.settings import Settings
from tests.conftest import HashEmbedder, calibration_of

BRIDGE = "Cầu Rồng bắc qua sông Hàn ở Đà Nẵng. Cầu dài 666 mét và có sáu làn xe."
TOWER = "Tháp Rùa nằm giữa hồ Gươm ở Hà Nội. Tháp được xây vào cuối thế kỷ 19."
MARKET = "Chợ Bến Thành nằm ở trung tâm Thành phố Hồ Chí Minh. Chợ mở cửa năm 1914."
TEXTS = [("Cầu Rồng", BRIDGE), ("Tháp Rùa", TOWER), ("Chợ Bến Thành", MARKET)]


@pytest.fixture
def embedder(monkeypatch: pytest.MonkeyPatch) -> HashEmbedder:
    embedder = HashEmbedder(dimension=64)
    monkeypatch.setattr("rag.embedding.load_embedder", lambda _: embedder)
    monkeypatch.setattr("rag.pipeline.load_embedder", lambda _: embedder)
    monkeypatch.setattr("rag.pipeline.load_calibration", lambda _folder: calibration_of(embedder.name))
    return embedder


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache", index_dir=tmp_path / "index")


def lines(path: Path, rows: Sequence[object]) -> Path:
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    return path


def row(number: int, title: str, context: str, question: str, *answers: str) -> dict[str, object]:
    return {
        "id": f"r{number}",
        "title": title,
        "context": context,
        "question": question,
        "answers": [{"text": answer, "answer_start": context.find(answer)} for answer in answers],
        "is_impossible": not answers,
    }


ROWS = [
    row(1, "Cầu Rồng", BRIDGE, "Cầu Rồng dài bao nhiêu mét?", "666 mét"),
    row(2, "Tháp Rùa", TOWER, "Tháp Rùa nằm giữa hồ nào?", "hồ Gươm"),
    row(3, "Tháp Rùa", TOWER, "Cầu Rồng dài bao nhiêu mét?"),
    row(4, "Chợ Bến Thành", MARKET, "Ai là người thiết kế tàu vũ trụ Apollo?"),
]


def write_beir(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    lines(folder / "corpus.jsonl", [{"_id": f"p{i}", "title": t, "text": x} for i, (t, x) in enumerate(TEXTS)])
    lines(
        folder / "queries.jsonl",
        [
            {"_id": "q0", "text": "Cầu Rồng dài bao nhiêu mét?"},
            {"_id": "q1", "text": "Tháp Rùa nằm giữa hồ nào?"},
            {"_id": "q9", "text": "Không ai xét câu này?"},
        ],
    )
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq0\tp0\t1\nq1\tp1\t1\nq1\tp2\t0\n", "utf-8")
    return folder


def quiet(_done: int, _total: int) -> None:
    """No bar."""


def test_rows_of_one_question_share_their_answers_openly(tmp_path: Path) -> None:
    squad = read_squad(lines(tmp_path / "s.jsonl", ROWS))
    kinds = {case.id: case.type for case in squad.cases}
    assert kinds == {"r1": "answerable", "r2": "answerable", "r3": "answerable", "r4": "impossible"}
    r3 = squad.cases[2]
    assert r3.answers == ("666 mét",)
    assert r3.articles == (make_text("Cầu Rồng", BRIDGE).id,)
    assert (r3.given, r3.given_answers) == (make_text("Tháp Rùa", TOWER).id, ())
    assert len(squad.texts) == 3
    assert len(read_squad(tmp_path / "s.jsonl", limit=1).texts) == 3  # all contexts, whatever the limit


def test_a_title_that_is_the_question_is_left_out(tmp_path: Path) -> None:
    leaky = row(1, "cầu rồng dài bao nhiêu mét", BRIDGE, "Cầu Rồng dài bao nhiêu mét ?", "666 mét")
    assert read_squad(lines(tmp_path / "s.jsonl", [leaky])).texts[0].title == ""


def test_squad_of_both_versions_is_the_same_set(tmp_path: Path) -> None:
    data = {
        "version": "v2.0",
        "data": [
            {
                "title": r["title"],
                "paragraphs": [
                    {"context": r["context"], "qas": [{k: r[k] for k in r if k not in ("title", "context")}]}
                ],
            }
            for r in ROWS
        ],
    }
    path = tmp_path / "squad.json"
    path.write_text(json.dumps(data), "utf-8")
    from_lines = read_squad(lines(tmp_path / "s.jsonl", ROWS))
    assert read_squad(path).cases == from_lines.cases
    assert read_squad(path).texts == from_lines.texts


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "holds no question"),
        ('{"data": [{"paragraphs": 3}]}', "not a SQuAD file"),
        ('{"question": "Gì?"}\n', "line 1: 'question', 'context' and 'title' must be texts"),
        ('{"question": "Gì?", "context": "x", "answers": [3]}\n', "line 1: 'answers' must be a list"),
        ('{"question": "Gì?", "context": "x", "answers": []}\n', "line 1: there is no answer"),
        ("oops\n", "line 1 is not JSON"),
    ],
)
def test_a_broken_squad_file(tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "s.json"
    path.write_text(content, "utf-8")
    with pytest.raises(EvalError, match=words):
        read_squad(path)


def test_beir_reads_judged_questions_only(tmp_path: Path) -> None:
    beir = read_beir(write_beir(tmp_path / "b"))
    assert list(beir.queries) == ["q0", "q1"]
    assert beir.names[make_text("Cầu Rồng", BRIDGE).id] == ("p0",)
    assert list(read_beir(tmp_path / "b", limit=1).queries) == ["q0"]


def test_a_broken_beir_folder(tmp_path: Path) -> None:
    folder = write_beir(tmp_path / "b")
    (folder / "qrels.tsv").write_text("query-id\tcorpus-id\tscore\nq0\tp0\tyes\n", "utf-8")
    with pytest.raises(EvalError, match=r"qrels\.tsv, line 2"):
        read_beir(folder)
    (folder / "qrels.tsv").write_text("q0\tother\t1\n", "utf-8")
    with pytest.raises(EvalError, match="names no passage"):
        read_beir(folder)
    (folder / "qrels.tsv").unlink()
    with pytest.raises(EvalError, match=r"no qrels\.tsv"):
        read_beir(folder)
    (folder / "corpus.jsonl").unlink()
    with pytest.raises(EvalError, match=r"no corpus\.jsonl"):
        read_beir(folder)


def test_beir_scores(tmp_path: Path, embedder: HashEmbedder, settings: Settings) -> None:
    beir = read_beir(write_beir(tmp_path / "b"))
    pipeline = open_cached(settings, beir.texts, quiet)
    result = run_beir(pipeline, beir, {"corpus": "tiny"})
    pipeline.corpus.index.close()
    assert result.metrics["lexical.recall@1"] == result.metrics["lexical.ndcg@10"] == 1
    assert result.metrics["dense.recall@5"] == 1  # of three passages
    assert "answer_accuracy" not in result.metrics
    assert result.questions[0]["refused"] is None
    wrong = read_beir(tmp_path / "b")
    swapped = type(wrong)(wrong.queries, {"q0": {"p1": 1}, "q1": {"p0": 1}}, wrong.texts, wrong.names)
    pipeline = open_cached(settings, beir.texts, quiet)
    lost = run_beir(pipeline, swapped, {"set": "s", "corpus": "c"})
    pipeline.corpus.index.close()
    assert lost.metrics["lexical.recall@1"] == 0
    assert "chỉ tìm kiếm" in to_html(lost)


def test_squad_scores(tmp_path: Path, embedder: HashEmbedder, settings: Settings) -> None:
    squad = read_squad(lines(tmp_path / "s.jsonl", ROWS))
    pipeline = open_cached(settings, squad.texts, quiet)
    result = run_cases(
        pipeline, squad.cases, {"set": "s", "corpus": "c"}, passages=False, name=lambda i: squad.names.get(i, i)
    )
    pipeline.corpus.index.close()
    assert result.metrics["lexical.recall@1"] == 1
    assert result.metrics["answer_in_citations@3"] == 1
    assert 0 <= result.metrics["given_context.refusal_auroc"] <= 1
    by_id = {q["id"]: q for q in result.questions}
    assert by_id["r3"]["answerable"]
    assert not by_id["r3"]["given_context"]["answerable"]
    # Alone with the context about the tower, the length of the bridge is not to be found.
    assert by_id["r3"]["given_context"]["support"] < by_id["r1"]["given_context"]["support"]
    assert "given_context.answer_accuracy" not in by_id["r3"]["scores"]
    assert not any("article." in name for name in result.metrics)
    assert "chỉ với ngữ cảnh" in to_html(result)


def test_a_second_run_embeds_nothing(embedder: HashEmbedder, settings: Settings) -> None:
    texts = [make_text(*pair) for pair in TEXTS]
    open_cached(settings, texts, quiet).corpus.index.close()
    assert any(BRIDGE in text for text in embedder.embedded)
    embedder.embedded.clear()
    calls: list[tuple[int, int]] = []
    again = open_cached(settings, list(reversed(texts)), lambda done, total: calls.append((done, total)))
    assert [a.title for a in again.articles()] == [t.title for t in sorted(texts, key=lambda t: t.id)]
    again.corpus.index.close()
    assert not embedder.embedded
    assert not calls
    # Part of the set is another index, made of vectors that are known.
    part = open_cached(settings, texts[:1], quiet)
    assert len(part.articles()) == 1
    assert part.retrieve("Cầu Rồng dài bao nhiêu mét?")[0].article.title == "Cầu Rồng"
    part.corpus.index.close()
    assert not any(BRIDGE in text for text in embedder.embedded)


def test_another_model_has_another_index(embedder: HashEmbedder, settings: Settings) -> None:
    texts = [make_text(*pair) for pair in TEXTS]
    open_cached(settings, texts, quiet).corpus.index.close()
    embedder.embedded.clear()
    embedder.name = "other"
    open_cached(settings, texts, quiet).corpus.index.close()
    assert any(BRIDGE in text for text in embedder.embedded)


def test_an_interrupted_build_goes_on(
    embedder: HashEmbedder, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [make_text(f"Bài {i}", f"Đây là bài số {i} nói về cây cầu thứ {i}.") for i in range(10)]
    monkeypatch.setattr(rag.corpus, "_BATCH_CHUNKS", 2)
    whole = embedder.embed
    count = 0

    def breaking(batch: Sequence[str], kind: Kind) -> Vectors:
        nonlocal count
        count += 1
        if count > 2:
            raise KeyboardInterrupt
        return whole(batch, kind)

    monkeypatch.setattr(embedder, "embed", breaking)
    with pytest.raises(KeyboardInterrupt):
        open_cached(settings, texts, quiet)
    monkeypatch.setattr(embedder, "embed", whole)
    totals: list[int] = []
    pipeline = open_cached(settings, texts, lambda _done, total: totals.append(total))
    assert len(pipeline.articles()) == 10
    pipeline.corpus.index.close()
    assert totals[0] == 6  # the four that were acknowledged are not done again


def test_one_id_for_several_questions_is_told_apart(tmp_path: Path) -> None:
    rows = [
        {
            "id": "q",
            "title": "t",
            "context": "Gạo giá 5 đồng.",
            "question": f"Câu {n}?",
            "answers": [],
            "is_impossible": True,
        }
        for n in range(3)
    ]
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), "utf-8")
    assert [case.id for case in read_squad(path).cases] == ["q", "q~2", "q~3"]
