"""The small reader: its weights, and what it makes of sentences."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from platformdirs import user_cache_path

from rag.embedding.bundled import bundled_file, bundled_folder
from rag.embedding.e5_file import BLOCK, E5File
from rag.embedding.tokenizer import open_tokenizer
from rag.errors import EmbedderError
from rag.reader import onnx_reader
from rag.reader.onnx_reader import (
    MAX_TOKENS,
    QUESTION_TOKENS,
    SENTENCE_TOKENS,
    Introduced,
    OnnxReader,
    _best_span,
    arrange,
    by_introduction,
    graph_file,
)
from rag.reader.weights import ReaderWeights, dequantise, quantise, version

ANSWER = "Tổng kim ngạch xuất nhập khẩu của Việt Nam năm 2023 đạt 683 tỷ USD."
OTHER = "Hôm qua trời mưa rất to ở vùng núi."
QUESTION = "Tổng kim ngạch xuất nhập khẩu năm 2023 đạt bao nhiêu?"


class TestQuantise:
    @pytest.mark.parametrize("size", [1e-3, 0.05, 1.0, 50.0])
    def test_what_comes_back_is_off_by_less_than_a_scale(self, size: float) -> None:
        weights = (np.random.default_rng(0).standard_normal((6, 4 * BLOCK)) * size).astype(np.float32)
        values, scales = quantise(weights)
        assert values.shape == (6, 2 * BLOCK)
        assert values.dtype == np.uint8
        assert scales.shape == (6, 4)
        assert scales.dtype == np.float16
        error = np.abs(dequantise(values, scales) - weights).reshape(6, 4, BLOCK)
        # Half a step inside the range; at its end the extreme may be cut by what a smaller scale gains elsewhere.
        assert (error.max(-1) <= 2.6 * np.abs(scales.astype(np.float32))).all()
        assert error.mean() < 0.5 * np.abs(scales.astype(np.float32)).mean()

    def test_what_four_bits_can_hold_comes_back_exactly(self) -> None:
        steps = np.tile(np.arange(-8, 8, dtype=np.float32), 2 * BLOCK // 16) * 0.25
        assert np.array_equal(dequantise(*quantise(steps[None, :])), steps[None, :])

    def test_zeros_are_zeros(self) -> None:
        zeros = np.zeros((2, BLOCK), np.float32)
        assert np.array_equal(dequantise(*quantise(zeros)), zeros)

    def test_rows_and_blocks_do_not_mix(self) -> None:
        weights = np.random.default_rng(1).standard_normal((3, 2 * BLOCK)).astype(np.float32)
        values, scales = quantise(weights)
        for row in range(3):
            alone = quantise(weights[row : row + 1, BLOCK:])
            assert np.array_equal(values[row, BLOCK // 2 :], alone[0][0])
            assert scales[row, 1] == alone[1][0, 0]


@pytest.fixture(scope="module")
def base() -> E5File:
    return E5File(bundled_file())


class TestWeights:
    @pytest.fixture
    def weights(self, base: E5File) -> ReaderWeights:
        return ReaderWeights(base)

    def test_a_trained_matrix_is_the_bundled_models_moved_by_what_the_file_holds(
        self, base: E5File, weights: ReaderWeights
    ) -> None:
        trained = [name.removesuffix(".values") for name in weights._own if name.endswith(".values")]
        assert trained
        name = trained[0]
        values, scales = weights._own[f"{name}.values"], weights._own[f"{name}.scales"]
        trained_one = weights.weights(name, len(values))
        moved = trained_one - base.weights(name, len(values))
        assert moved == pytest.approx(dequantise(values, scales), abs=1e-6)
        assert 0 < np.abs(moved).mean() < np.abs(trained_one).mean()  # moved, and not by much

    def test_what_was_not_trained_is_the_bundled_models(self, base: E5File, weights: ReaderWeights) -> None:
        kept = [name for name in base._tensors if not {name, f"{name}.values"} & set(weights._own)]
        vector = next(name for name in kept if base._tensors[name][0] == 0)
        matrix = next(name for name in kept if base._tensors[name][0] == 1)
        assert np.array_equal(weights.floats(vector), base.floats(vector))
        rows = base._tensors[matrix][1] // base.shape.hidden
        assert np.array_equal(weights.weights(matrix, rows), base.weights(matrix, rows))
        (values, scales), (bundled_values, bundled_scales) = (w.quantised(matrix, rows) for w in (weights, base))
        assert np.array_equal(values, bundled_values)
        assert np.array_equal(scales, bundled_scales)

    def test_it_is_smaller_than_the_whole_model(self, base: E5File) -> None:
        assert 0 < ReaderWeights(base).shape.layers <= base.shape.layers
        assert len(version()) == 12


class TestBestSpan:
    def best(self, starts: list[float], ends: list[float], nothing: float = 0.0) -> tuple[float, int, int]:
        offsets = [(2 * at, 2 * at + 2) for at in range(len(starts) - 1)]
        found = _best_span(np.array(starts, np.float32), np.array(ends, np.float32), 1, offsets, nothing)
        return found.score, found.start, found.end

    def test_it_begins_and_ends_where_the_logits_are_best(self) -> None:
        assert self.best([9, 0, 5, 0, 0], [9, 0, 0, 4, 0]) == (9.0, 2, 6)

    def test_it_never_ends_before_it_begins(self) -> None:
        assert self.best([0, 0, 0, 5, 1], [0, 5, 0, 0, 0]) in [(5.0, 0, 2), (5.0, 4, 6), (5.0, 4, 8)]

    def test_its_score_is_over_no_answer(self) -> None:
        assert self.best([0, 5], [0, 4], nothing=7.0)[0] == 2.0

    def test_it_is_not_longer_than_an_answer_can_be(self) -> None:
        length = 60
        score, start, end = self.best([0, 5, *[0] * (length - 1)], [0, *[0] * (length - 1), 5])
        assert score == 5.0
        assert 0 < (end - start) / 2 <= onnx_reader._LONGEST_SPAN


class TestReading:
    def test_spans_lie_in_their_sentences(self, reader: OnnxReader) -> None:
        sentences = [ANSWER, OTHER, "Có."]
        readings = reader.read(QUESTION, sentences)
        assert len(readings) == 3
        for sentence, reading in zip(sentences, readings, strict=True):
            assert 0 <= reading.start < reading.end <= len(sentence)
            assert np.isfinite(reading.score)

    def test_a_span_begins_and_ends_with_a_word(self, reader: OnnxReader) -> None:
        for reading in reader.read(QUESTION, [ANSWER, ANSWER, ANSWER]):
            short = ANSWER[reading.start : reading.end]
            assert short == short.strip()

    def test_the_sentence_that_answers_scores_above_one_that_does_not(self, reader: OnnxReader) -> None:
        one, other = reader.read(QUESTION, [ANSWER, OTHER])
        assert one.score > other.score  # depends on the weights, by a wide margin

    def test_and_above_the_same_sentence_for_another_question(self, reader: OnnxReader) -> None:
        (right,) = reader.read(QUESTION, [ANSWER])
        (wrong,) = reader.read("Ai là tác giả Truyện Kiều?", [ANSWER])
        assert right.score > wrong.score  # depends on the weights

    def test_reading_again_gives_the_same(self, reader: OnnxReader) -> None:
        assert reader.read(QUESTION, [ANSWER, OTHER]) == reader.read(QUESTION, [ANSWER, OTHER])

    @pytest.mark.parametrize(("question", "sentences"), [(QUESTION, []), ("", [ANSWER]), ("🙂", ["🙂", "a"])])
    def test_there_is_a_reading_for_each_sentence(
        self, reader: OnnxReader, question: str, sentences: list[str]
    ) -> None:
        assert len(reader.read(question, sentences)) == len(sentences)

    @settings(deadline=None, max_examples=15)
    @given(question=st.text(max_size=40), sentences=st.lists(st.text(min_size=1, max_size=30), max_size=3))
    def test_any_text_can_be_read(self, reader: OnnxReader, question: str, sentences: list[str]) -> None:
        for sentence, reading in zip(sentences, reader.read(question, sentences), strict=False):
            assert 0 <= reading.start <= reading.end <= len(sentence)


ONE, TWO = "Hội nghị về gạo. Sáng 2/4, hội nghị họp tại Huế", "Hội nghị về lúa. Tối 9/3, hội nghị họp tại Vinh"


class TestIntroductions:
    def test_the_sentences_of_one_article_are_read_together_behind_what_introduces_it(self, reader: OnnxReader) -> None:
        tokenizer = open_tokenizer(bundled_folder(user_cache_path("hoidap")))
        sentences = [Introduced("Một.", ONE), Introduced("Hai.", TWO), Introduced("Ba.", ONE), Introduced("Tư.", "")]
        order = by_introduction(sentences)
        assert order == [0, 2, 1, 3]
        ids, places = arrange(tokenizer, QUESTION, [sentences[at] for at in order])
        runs = [[int(token) for token in run] for run in _between(ids, tokenizer.end)]
        assert runs == tokenizer.ids([f"query: {QUESTION}", ONE, "Một.", "Ba.", TWO, "Hai.", "", "Tư."])
        assert [ids[at] for at, _ in places] == [tokenizer.ids([sentences[at].text])[0][0] for at in order]

    def test_the_readings_come_in_the_order_of_the_sentences(self, reader: OnnxReader) -> None:
        mixed = reader.read(QUESTION, [OTHER, ANSWER, OTHER], [ONE, TWO, ONE])
        assert mixed[1] == max(mixed, key=lambda reading: reading.score)

    def test_it_tells_which_of_two_meetings_a_sentence_is_of(self, reader: OnnxReader) -> None:
        sentence = "Hội nghị có 94 cơ quan đại diện tham dự."
        for day, right in (("2/4", 0), ("9/3", 1)):
            readings = reader.read(f"Hội nghị ngày {day} có bao nhiêu cơ quan tham dự?", [sentence] * 2, [ONE, TWO])
            assert readings[right].score > readings[1 - right].score  # depends on the weights


def _between(ids: Sequence[int], end: int) -> Iterator[list[int]]:
    """The runs of `ids` that end with `end`, without the first token."""
    run: list[int] = []
    for token in ids[1:]:
        if token == end:
            yield run
            run = []
        else:
            run.append(token)


class Counting:
    """Counts the runs of a session and the most tokens that it is given, and finds nothing."""

    def __init__(self) -> None:
        self.tokens = self.runs = 0

    def run(self, _outputs: None, inputs: dict[str, NDArray[np.int64]]) -> list[NDArray[np.float32]]:
        tokens = inputs["input_ids"].shape[1]
        self.tokens, self.runs = max(self.tokens, tokens), self.runs + 1
        return [np.zeros((1, tokens, 2), np.float32)]


class TestLimits:
    @pytest.fixture
    def counting(self, monkeypatch: pytest.MonkeyPatch) -> Counting:
        session = Counting()
        monkeypatch.setattr(onnx_reader, "open_session", lambda *_: session)
        return session

    @pytest.fixture
    def limited(self, counting: Counting) -> OnnxReader:
        return OnnxReader(user_cache_path("hoidap"))

    def test_what_does_not_fit_is_read_by_itself(self, limited: OnnxReader, counting: Counting) -> None:
        assert len(limited.read(QUESTION, [ANSWER] * 50)) == 50
        assert 1 < counting.runs < 50
        assert counting.tokens <= MAX_TOKENS

    def test_a_long_sentence_leaves_room_for_another(self, limited: OnnxReader, counting: Counting) -> None:
        readings = limited.read("Gạo?", ["gạo " * 500, ANSWER])
        assert len(readings) == 2
        assert readings[0].end <= 4 * SENTENCE_TOKENS
        assert counting.tokens <= MAX_TOKENS

    def test_a_long_introduction_leaves_room_for_a_sentence(self, limited: OnnxReader, counting: Counting) -> None:
        assert len(limited.read("gạo " * 500, [ANSWER] * 4, [f"{name} " * 500 for name in "abcd"])) == 4
        assert 1 < counting.runs <= 4
        assert counting.tokens <= MAX_TOKENS

    def test_a_long_question_leaves_room_for_a_sentence(self, limited: OnnxReader, counting: Counting) -> None:
        assert len(limited.read("gạo " * 500, [ANSWER])) == 1
        assert QUESTION_TOKENS < counting.tokens <= MAX_TOKENS


class TestCache:
    def test_a_damaged_graph_names_the_remedy(self, tmp_path: Path) -> None:
        for name in user_cache_path("hoidap").glob("multilingual-*"):
            (tmp_path / name.name).symlink_to(name)
        (tmp_path / graph_file()).write_bytes(b"damaged")
        with pytest.raises(EmbedderError, match=r"damaged: delete that file"):
            OnnxReader(tmp_path).read(QUESTION, [ANSWER])

    def test_it_is_loaded_once_before_it_reads(self, monkeypatch: pytest.MonkeyPatch) -> None:
        opened: list[Path] = []

        def opening(path: Path) -> Counting:
            opened.append(path)
            time.sleep(0.05)  # the others come meanwhile
            return Counting()

        monkeypatch.setattr(onnx_reader, "open_session", opening)
        reader = OnnxReader(user_cache_path("hoidap"))
        with ThreadPoolExecutor() as pool:
            for loading in [pool.submit(reader.load) for _ in range(4)]:
                loading.result()
        reader.read(QUESTION, [ANSWER])
        assert len(opened) == 1

    def test_nothing_is_loaded_before_it_reads(self, tmp_path: Path) -> None:
        OnnxReader(tmp_path / "cache")
        assert list(tmp_path.iterdir()) == []
