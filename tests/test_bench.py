"""The bench: what it computes of the times, and that everybody in it does what it is measured at."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import sys
import threading
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from platformdirs import user_cache_path
from rich.console import Console
from tokenizers import Tokenizer

from eval.bench.__main__ import main
from eval.bench.askers import rush
from eval.bench.contender import K
from eval.bench.floor import Floor, floor, operations
from eval.bench.measuring import Result, _recipes
from eval.bench.peer import Peer
from eval.bench.plot import ratios
from eval.bench.quality import CITED, quality
from eval.bench.speed import TOKENS, asking, indexing, passages
from eval.bench.stages import stages
from eval.bench.table import print_result
from eval.bench.timing import OURS, Figure, Unit, alternate, late, medians
from eval.errors import EvalError
from eval.gold import load_gold, shipped
from rag.embedding import Embedder
from rag.embedding.bundled import bundled_folder
from rag.pipeline import Pipeline
from rag.vietnamese.normalize import strip_accents
from tests.conftest import HashEmbedder, make_article

if TYPE_CHECKING:
    from eval.bench.recipe import Recipe

PEER_PYTHON = os.environ.get("HOIDAP_TEST_TXTAI_PYTHON", "")
ABOUT = {
    "cầu": "Cây cầu mới bắc qua sông Lam dài 86 mét, rộng 7 mét, hoàn thành trong tháng 5.",
    "vàng": "Giá vàng miếng hôm nay tăng mạnh, mỗi lượng bán ra 92 triệu đồng ở Hà Nội.",
    "bão": "Cơn bão số 3 đổ bộ vào Quảng Ninh, gió giật cấp 14, hàng nghìn người phải sơ tán.",
}


@pytest.fixture(scope="module")
def folder() -> Path:
    return bundled_folder(user_cache_path("hoidap"))


class Everything:
    """A contender that gives all it has for any question."""

    def __init__(self, name: str = "everything") -> None:
        self.name = name
        self.asked: list[str] = []
        self.texts: list[str] = []

    def index(self, texts: Sequence[str]) -> None:
        self.texts = list(texts)

    def retrieve(self, question: str) -> list[str]:
        self.asked.append(question)
        return self.texts


class TestTimes:
    def test_a_ratio_says_how_many_times_as_fast_ours_is(self) -> None:
        slower = Figure("a question", Unit.MILLISECONDS, {OURS: 20.0, "other": 50.0})
        assert slower.times("other") == 2.5
        fewer = Figure("articles", Unit.PER_SECOND, {OURS: 2.0, "other": 8.0})
        assert fewer.times("other") == 0.25

    @pytest.mark.parametrize("other", [OURS, "nobody"])
    def test_there_is_no_ratio_to_oneself_or_to_who_was_not_measured(self, other: str) -> None:
        assert Figure("a question", Unit.MILLISECONDS, {OURS: 20.0}).times(other) is None

    def test_there_is_no_ratio_of_what_is_no_speed(self) -> None:
        assert Figure("found", Unit.SHARE, {OURS: 0.9, "other": 0.3}).times("other") is None

    def test_tasks_take_turns_block_by_block_and_change_who_begins(self) -> None:
        done: list[tuple[str, int]] = []
        tasks = {"a": lambda item: done.append(("a", item)), "b": lambda item: done.append(("b", item))}
        taken = alternate(tasks, [1, 2, 3], rounds=1, block=2)
        # The first of a block of several is done once more, before the clock runs.
        assert done == [
            *[("b", i) for i in (1, 1, 2)],
            *[("a", i) for i in (1, 1, 2)],
            ("a", 3),
            ("a", 3),
            *[("b", 3)] * 2,
        ]
        assert {name: len(times) for name, times in taken.items()} == {"a": 3, "b": 3}

    def test_single_items_are_done_once_a_round(self) -> None:
        done: list[int] = []
        assert len(alternate({"a": done.append}, [1, 2], rounds=3)["a"]) == len(done) == 6

    def test_medians_and_what_is_late(self) -> None:
        taken = {OURS: [1.0, 2.0, 30.0], "other": [4.0, 4.0, 4.0]}
        assert medians("x", taken).values == {OURS: 2.0, "other": 4.0}
        assert late("x", taken).values == {OURS: pytest.approx(27.2), "other": 4.0}


class TestManyAskers:
    def test_each_question_is_asked_once_and_what_fails_is_counted(self) -> None:
        asked: list[str] = []

        def ask(question: str) -> None:
            asked.append(question)
            if question == "3":
                raise ValueError

        seen = rush(ask, [str(i) for i in range(20)], askers=4)
        assert sorted(asked, key=int) == [str(i) for i in range(20)]
        assert (seen.askers, seen.errors) == (4, 1)
        assert 0 <= seen.p50_ms <= seen.p95_ms

    def test_so_many_ask_at_the_same_time(self) -> None:
        together = threading.Barrier(3, timeout=20)
        assert rush(lambda _: together.wait(), ["a", "b", "c"], askers=3).errors == 0

    def test_nothing_but_errors_has_no_times(self) -> None:
        def ask(_: str) -> None:
            raise RuntimeError

        assert rush(ask, ["a", "b"], askers=2).answers_per_s == 0


class TestFloor:
    def test_the_operations_of_a_model_by_hand(self, tmp_path: Path) -> None:
        shape = {"hidden_size": 4, "intermediate_size": 16, "num_hidden_layers": 2}
        (tmp_path / "config.json").write_text(json.dumps(shape), "utf-8")
        # A layer: 3 tokens x (4 x 16 + 2 x 64) products, and 2 x 3 x 3 x 4 of tokens with tokens; two layers, x 2.
        assert operations(tmp_path, 3) == 2 * 2 * (3 * 192 + 72)

    def test_the_bundled_model_and_this_machine(self, folder: Path) -> None:
        found = floor(folder, TOKENS, threads=1)
        assert found.gflop == pytest.approx(9.2, abs=0.1)
        assert found.fp32_ms == pytest.approx(1000 * found.gflop / found.fp32_peak)
        assert found.int8_peak > 0


def test_passages_are_of_the_length_they_are_said_to_be(folder: Path) -> None:
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    found = passages([" ".join(ABOUT.values()) * 10], tokenizer)
    assert len(found) == 32
    for text in set(found):
        assert abs(len(tokenizer.encode(text, add_special_tokens=False)) - TOKENS) <= 3


@pytest.fixture(scope="module")
def recipes(folder: Path) -> list[Recipe]:
    pytest.importorskip("langchain_text_splitters", reason="needs pip install 'hoidap[bench]'")
    return _recipes(folder, 2, print)


class TestRecipe:
    def test_it_finds_what_it_should_in_chunks_of_its_size(self, recipes: list[Recipe]) -> None:
        for recipe in recipes:
            recipe.index([*ABOUT.values(), ABOUT["cầu"] * 15])
            found = recipe.retrieve("Cây cầu qua sông Lam dài bao nhiêu mét?")
            assert len(found) == K
            assert "sông Lam" in found[0]
            assert all(0 < len(text) <= 1000 for text in found)
            recipe.index([ABOUT["vàng"]])
            assert recipe.retrieve("Giá vàng?") == [ABOUT["vàng"]]

    def test_with_prefixes_it_has_our_vectors(self, recipes: list[Recipe], embedder: Embedder) -> None:
        (_, prefixed) = recipes
        texts = list(ABOUT.values())
        theirs = np.array(prefixed.embeddings.embed_documents(texts))
        assert (embedder.embed(texts, "passage") * theirs).sum(1).min() > 0.99
        asked = np.array(prefixed.embeddings.embed_query("Giá vàng?"))
        assert float(embedder.embed(["Giá vàng?"], "query")[0] @ asked) > 0.99

    def test_without_the_extra_it_is_left_out_and_told(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "langchain_text_splitters", None)
        monkeypatch.delitem(sys.modules, "eval.bench.recipe", raising=False)
        told: list[str] = []
        assert _recipes(folder, 2, told.append) == []
        assert "pip install 'hoidap[bench]'" in told[0]


class TestPeer:
    def test_an_interpreter_that_is_not_there_is_named(self, folder: Path, tmp_path: Path) -> None:
        with pytest.raises(EvalError, match="no-python cannot be started"):
            Peer(tmp_path / "no-python", folder, 2, list)

    @pytest.mark.skipif(bool(importlib.util.find_spec("txtai")), reason="this Python has txtai")
    def test_one_without_txtai_is_told_what_it_lacks(self, folder: Path) -> None:
        with pytest.raises(EvalError, match="pip install txtai"):
            Peer(Path(sys.executable), folder, 2, list)

    @pytest.mark.skipif(not PEER_PYTHON, reason="needs txtai: name a Python that has it in HOIDAP_TEST_TXTAI_PYTHON")
    def test_txtai_finds_what_it_should(self, folder: Path) -> None:
        peer = Peer(Path(PEER_PYTHON), folder, 2, list)
        try:
            peer.index(list(ABOUT.values()))
            assert peer.name.startswith("txtai ")
            assert peer.retrieve("Cơn bão số mấy đổ bộ?")[0] == ABOUT["bão"]
        finally:
            peer.close()


class TestOurs:
    def test_quality_asks_all_the_same_and_counts_by_the_same_rule(self, pipeline: Pipeline) -> None:
        gold = [one for one in load_gold(shipped("dev")) if one.type in ("fact", "followup", "nearmiss")]
        gold = [*gold[:4], *gold[-30:]]
        all_texts, none = Everything(), Everything("nothing")
        all_texts.index([article.text for article in pipeline.articles()])
        held, words, bare, _ = quality(pipeline, [all_texts, none], gold)
        asked = [one.question for one in gold if one.answerable and not one.history]
        assert all_texts.asked == none.asked == [*asked, *map(strip_accents, asked)]
        assert (held.values["everything"], held.values["nothing"]) == (1.0, 0.0)
        assert held.values[OURS] >= 0.75
        assert held.values[CITED] >= 0.5
        assert 0 < words.values[CITED] < words.values[OURS] < words.values["everything"]
        assert bare.values.keys() == held.values.keys()

    def test_indexing_gives_everybody_the_same_articles(self) -> None:
        articles = [make_article(name, text) for name, text in ABOUT.items()]
        other = Everything()
        (figure,) = indexing(HashEmbedder(), articles, [other], rounds=1)
        assert other.texts == [f"{a.title}\n\n{a.text}" for a in articles]
        assert figure.values[OURS] > 0
        assert figure.values["everything"] > figure.values[OURS]

    def test_a_warm_question_is_one_that_was_not_asked_before(self, pipeline: Pipeline) -> None:
        questions = ["Ai chủ trì hội nghị?", "Kim ngạch đạt bao nhiêu?"]
        p50, p95 = asking({"a question": pipeline}, [Everything()], questions, rounds=2)
        assert (p50.name, p95.name) == ("a question, p50", "a question, p95")
        assert p50.values[OURS] > 1 > p50.values["everything"]  # ms: what is remembered takes a tenth of one

    def test_the_stages_make_up_a_question_and_the_clocks_are_taken_away(self, pipeline: Pipeline) -> None:
        ask = Pipeline.ask
        found = stages(pipeline, ["Ai chủ trì hội nghị năm 2024?"], rounds=2)
        assert Pipeline.ask is ask
        assert sum(stage.share for stage in found) == pytest.approx(1)
        ran = {stage.name for stage in found if stage.p50_ms > 0}
        assert ran == {stage.name for stage in found}


def a_result() -> Result:
    figures = [
        Figure("a <b>", Unit.MILLISECONDS, {OURS: 10.0, "LangChain": 25.0, "txtai": 5.0}),
        Figure("found", Unit.SHARE, {OURS: 0.9}),
    ]
    return Result(figures, Floor(9.2, 92.0, 460.0), 50.0, [], {}, {"ask_s": 3.0})


def test_the_plot_is_a_picture_of_its_own() -> None:
    svg = ET.fromstring(ratios(a_result().figures))  # noqa: S314 # ours
    texts = [node.text for node in svg.iter("{http://www.w3.org/2000/svg}text")]
    assert "a <b>" in texts
    assert {"2.5", "0.5", "times as fast as LangChain"} <= set(texts)
    assert "found" not in texts


def test_the_table_shows_ratios_and_the_floor() -> None:
    console = Console(width=120, record=True, file=io.StringIO())
    print_result(console, a_result())
    shown = " ".join(console.export_text().split())
    assert "10 25 (2.5×) 5 (0.5×)" in shown
    assert "ask_s 3" in shown
    assert "it takes 100 ms, of int8 (460) 20 ms; ours takes 50 ms, 0.5 and 2.5 times that" in shown


@pytest.mark.slow
def test_the_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "figures"
    monkeypatch.setattr(sys, "argv", f"bench --rounds 1 --questions 4 --cold 1 --out {out}".split())
    main()
    written = json.loads(out.with_suffix(".json").read_text("utf-8"))
    assert {"figures", "floor", "stages", "rushes", "cold"} <= written.keys()
    assert {figure["name"] for figure in written["figures"] if figure["times"]}
    ET.parse(out.with_suffix(".svg"))  # noqa: S314 # ours
    assert "stage of a question" in capsys.readouterr().out
