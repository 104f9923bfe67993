"""Trains the reader: `python -m eval.train_reader VIQUAD_FOLDER IMPOSSIBLE.jsonl [WRITTEN.jsonl]...`.

Writes `rag/reader/weights.npz`.

The upper layers of the bundled embedding model and a new head learn to point at the answer among the sentences that
our own retrieval finds, or at the first token where there is none (as in SQuAD 2). The examples: questions with the
sentences found openly; with those of their own passage; with their passage taken away; with a year or a name in them
replaced, which makes near misses; questions with passages that do not answer (`IMPOSSIBLE.jsonl`, in SQuAD form); and
questions written about sentences and articles of the news, some of which these only seem to answer
(`WRITTEN.jsonl`, one a line: `question`; `sentences`, each a text, whether it belongs to what answers, and what
introduces its article; `answers`, which are none where no sentence answers). The last taught it most: on news that
it had not seen, the AUROC of its score, answers against near misses, went from .56 to .89.

Questions without an answer are written otherwise than those with one: from their words alone, without any sentence,
they could be told with an AUROC of .82. A reader that is trained on all of them learns that instead (on another
writer's questions it went from .84 to .80), so a sample is drawn in which it tells nothing.

About an hour on two cores that multiply bfloat16 in hardware. Not needed to run hoidap.
"""

from __future__ import annotations

import json
import random
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from torch import nn
from transformers import BertConfig, BertModel

from eval.cache import open_cached
from eval.datasets import read_beir
from rag.about import introduction
from rag.embedding.bundled import LINEAR, NORMS, bundled_file, bundled_folder
from rag.embedding.e5_file import E5File
from rag.embedding.tokenizer import Tokenizer
from rag.evidence import weigh
from rag.pipeline import Pipeline
from rag.reader.onnx_reader import Introduced, arrange, by_introduction
from rag.reader.weights import quantise
from rag.schema import EVERYTHING, Filters
from rag.settings import load_settings
from rag.understanding.constraints import UPPER
from rag.vietnamese.normalize import strip_accents
from rag.vietnamese.sentences import split_sentences

LAYERS, FROZEN = 8, 2  # of the reader, and those of them that stay as they are
QUESTIONS, EPOCHS, BATCH, RATE = 13_000, 1.2, 16, 1e-4
_SENTENCES = 14  # candidates of a question
_FORM_WORDS = 600  # the commonest words and pairs: what a question is made of, not what it is about
_YEAR = re.compile(r"(?<!\d)(?:1\d|20)\d\d(?!\d)")
_NAME = re.compile(rf"(?<!^)\b[{UPPER}]\w+(?:\s+[{UPPER}]\w*)*")
_GAP = r"\W+"  # between the words of an answer
_IMPOSSIBLE = -1e4


class Candidate(NamedTuple):
    """A sentence, whether it belongs to the passage that answers, and what is to be known of its article."""

    text: str
    is_right: bool
    introduction: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """Token ids, where an answer may begin and end (the first token: nowhere), and which tokens are to be judged."""

    ids: list[int]
    starts: list[int]
    ends: list[int]
    judged: list[int]


class Reader(nn.Module):
    """The bundled model's lower layers, with two logits a token."""

    def __init__(self, folder: Path) -> None:
        """Begin from the weights in `folder`."""
        super().__init__()
        config = BertConfig.from_pretrained(folder)
        config.num_hidden_layers = LAYERS
        config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
        self.bert = BertModel.from_pretrained(folder, config=config, add_pooling_layer=False)
        self.head = nn.Linear(config.hidden_size, 2)
        nn.init.normal_(self.head.weight, std=0.02)
        nn.init.zeros_(self.head.bias)
        for part in (self.bert.embeddings, *self.bert.encoder.layer[:FROZEN]):
            part.requires_grad_(False)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Logits `[batch, tokens, 2]`."""
        logits: torch.Tensor = self.head(self.bert(input_ids=ids, attention_mask=mask).last_hidden_state.float())
        return logits.float()


class Encoder:
    """Makes examples of texts, as `rag.reader.onnx_reader` puts them together."""

    def __init__(self, folder: Path) -> None:
        """Use the tokenizer in `folder`."""
        self._tokenizer = Tokenizer(folder)
        self.pad = self._tokenizer.pad

    def example(self, question: str, sentences: Sequence[Candidate], answers: Sequence[str]) -> Example:
        """`answers` are looked for in the sentences of the right passage; elsewhere the same words are not judged."""
        introduced = [Introduced(sentence.text, sentence.introduction) for sentence in sentences]
        order = by_introduction(introduced)
        ids, places = arrange(self._tokenizer, question, [introduced[at] for at in order])
        judged, starts, ends = [1] + [0] * (len(ids) - 1), list[int](), list[int]()
        for at, (first, offsets) in zip(order, places, strict=False):  # what has no room is left out
            text, is_right, _ = sentences[at]
            spans = [tokens for place in _occurrences(text, answers) if (tokens := _tokens(offsets, place))]
            if is_right:
                starts += [first + start for start, _ in spans]
                ends += [first + end for _, end in spans]
            judged[first : first + len(offsets)] = [int(is_right or not spans)] * len(offsets)
        return Example(ids, starts or [0], ends or [0], judged)


def _tokens(offsets: Sequence[tuple[int, int]], span: tuple[int, int]) -> tuple[int, int] | None:
    inside = [i for i, (start, end) in enumerate(offsets) if end > span[0] and start < span[1]]
    return (inside[0], inside[-1]) if inside and offsets[inside[-1]][1] >= span[1] else None


def _occurrences(text: str, answers: Sequence[str]) -> list[tuple[int, int]]:
    """Where `answers` stand in `text`, however their words and numbers are joined ("2022 - 2026" as "2022-2026")."""
    patterns = [pattern for answer in answers if (pattern := _joined_anyhow(answer))]
    return [m.span() for pattern in patterns for m in pattern.finditer(text.casefold())]


@lru_cache(maxsize=100_000)
def _joined_anyhow(answer: str) -> re.Pattern[str] | None:
    words = re.findall(r"\w+", answer.casefold())
    ways = [f"0?{word.lstrip('0') or '0'}" if word.isdigit() and len(word) <= 2 else re.escape(word) for word in words]
    return re.compile(rf"(?<!\w){_GAP.join(ways)}(?!\w)") if words else None


def gather(
    pipeline: Pipeline, folder: Path, count: int
) -> Iterator[tuple[str, list[str], str, list[Candidate], list[Candidate]]]:
    """Questions with their answers, their passage, the sentences that are found openly, and those of that passage."""
    ids = {" ".join(article.text.split()): article.id for article in pipeline.articles()}
    lines = (folder / "reader_train.jsonl").read_text("utf-8").splitlines()
    random.shuffle(lines)
    for done, line in enumerate(lines[:count]):
        row = json.loads(line)
        own = ids.get(" ".join(row["context"].split()))
        if own is None or not row["answers"]:
            continue
        question = pipeline.understand(row["question"])
        (vector,) = pipeline.corpus.embedder.embed([question.search_text], "query")
        found = []
        for only in (EVERYTHING, Filters(articles=frozenset([own]))):
            retrieved = pipeline.retriever.retrieve(question, vector, only)
            evidence = weigh(question, retrieved.passages, retrieved.weights, retrieved.absent)[:_SENTENCES]
            articles = [e.passage.article for e in evidence]
            pairs = zip(evidence, articles, strict=True)
            found.append([Candidate(e.text, article.id == own, introduction(article)) for e, article in pairs])
        sys.stderr.write(f"\r{done}/{count} ")
        yield row["question"], [answer["text"] for answer in row["answers"]], row["context"], *found


def examples(
    encoder: Encoder, pipeline: Pipeline, folder: Path, impossible: Path, written: Sequence[Path]
) -> list[Example]:
    """Everything to learn from."""
    gathered = list(gather(pipeline, folder, QUESTIONS))
    names = [m.group() for question, *_ in gathered for m in _NAME.finditer(question)]
    made = []
    for question, answers, passage, openly, given in gathered:
        way = random.random()
        asked = _as_typed(question)
        if way < 0.28:
            made.append(encoder.example(asked, _sometimes_shuffled(given), answers))
        elif way < 0.42:
            others = [one for one in openly if not one.is_right and not _occurrences(one.text, answers)]
            made.append(encoder.example(asked, others, []))
        else:
            made.append(encoder.example(asked, _sometimes_shuffled(openly), answers))
        if random.random() < 0.45 and (other := _near_miss(question, answers, passage, names)):
            made.append(encoder.example(other, random.choice([given, openly]), []))
    for line in impossible.read_text("utf-8").splitlines():
        row = json.loads(line)
        text = " ".join(row["context"].split())
        sentences = _sometimes_shuffled([Candidate(text[start:end], True) for start, end in split_sentences(text)])
        answers = [] if row["is_impossible"] else [answer["text"] for answer in row["answers"]]
        made.append(encoder.example(row["question"], sentences, answers))
    for row in evened([json.loads(line) for path in written for line in path.read_text("utf-8").splitlines()]):
        sentences = _sometimes_shuffled([Candidate(*sentence) for sentence in row["sentences"]])
        made.append(encoder.example(_as_typed(row["question"]), sentences, row["answers"]))
    return made


def evened(rows: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Of `rows` a sample in which the words of a question do not tell whether it has an answer.

    Each is drawn by the odds that its words are against it (inverse propensity weights; scores of other folds).
    """
    has_none = np.array([not row["answers"] for row in rows])
    words = TfidfVectorizer(ngram_range=(1, 2), max_features=_FORM_WORDS)
    form = words.fit_transform([row["question"].lower() for row in rows])
    chances = cross_val_predict(LogisticRegression(max_iter=500), form, has_none, cv=5, method="predict_proba")
    chance = np.where(has_none, chances[:, 1], chances[:, 0])
    weights = (1 - chance) / chance
    weights = np.minimum(weights, np.quantile(weights, 0.97))
    for side in (has_none, ~has_none):
        weights[side] /= weights[side].sum()
    drawn = np.random.default_rng(0).choice(len(rows), len(rows) // 4, replace=False, p=weights / weights.sum())
    return [rows[at] for at in drawn]


def _as_typed(question: str) -> str:
    """`question`, now and then as people type it."""
    way = random.random()
    if way < 0.08:
        return question.lower().rstrip("?")
    return strip_accents(question).lower() if way < 0.12 else question


def _sometimes_shuffled(sentences: Sequence[Candidate]) -> Sequence[Candidate]:
    return sentences if random.random() < 0.8 else random.sample(sentences, len(sentences))


def _near_miss(question: str, answers: Sequence[str], passage: str, names: Sequence[str]) -> str:
    """`question` about another year or name, which its passage does not mention; "" if none can be made."""
    found = list(_YEAR.finditer(question)) or list(_NAME.finditer(question))
    if not found:
        return ""
    place = random.choice(found)
    if place.group().isdigit():
        other = str(int(place.group()) + random.choice([-9, -5, -3, -2, -1, 1, 2, 3, 4, 7]))
    else:
        other = random.choice(names)
    if other.casefold() in passage.casefold() or any(place.group() in answer for answer in answers):
        return ""
    return question[: place.start()] + other + question[place.end() :]


def train(model: Reader, made: list[Example], pad: int) -> None:
    """Fit `model` on `made`; the loss goes to stderr."""
    parameters = [p for p in model.parameters() if p.requires_grad]
    steps = int(len(made) * EPOCHS / BATCH)
    optimizer = torch.optim.AdamW(parameters, lr=RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: min(1.0, (step + 1) / (0.06 * steps)) * max(0.02, 1 - step / steps)
    )
    for step, batch in zip(range(steps), _batches(made), strict=False):
        ids, mask, judged, starts, ends = _tensors(batch, pad)
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(ids, mask)
        logits = logits.float().masked_fill(~judged[..., None], _IMPOSSIBLE)
        right = torch.stack([starts, ends], -1)
        loss = -torch.logsumexp(torch.log_softmax(logits, 1).masked_fill(~right, _IMPOSSIBLE), 1).mean()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        sys.stderr.write(f"\r{step}/{steps} {loss.item():.3f} ")


def _batches(made: list[Example]) -> Iterator[list[Example]]:
    """Batches of like length, without end."""
    while True:
        random.shuffle(made)
        for at in range(0, len(made), BATCH * 32):
            block = sorted(made[at : at + BATCH * 32], key=lambda e: len(e.ids))
            batches = [block[i : i + BATCH] for i in range(0, len(block), BATCH)]
            random.shuffle(batches)
            yield from batches


def _tensors(batch: Sequence[Example], pad: int) -> tuple[torch.Tensor, ...]:
    width = max(len(e.ids) for e in batch)
    ids = torch.full((len(batch), width), pad)
    mask = torch.zeros(len(batch), width, dtype=torch.long)
    judged, starts, ends = (torch.zeros(len(batch), width, dtype=torch.bool) for _ in range(3))
    for row, e in enumerate(batch):
        ids[row, : len(e.ids)] = torch.tensor(e.ids)
        mask[row, : len(e.ids)] = 1
        judged[row, : len(e.ids)] = torch.tensor(e.judged, dtype=torch.bool)
        starts[row, e.starts] = True
        ends[row, e.ends] = True
    return ids, mask, judged, starts, ends


def export(model: Reader, path: Path) -> None:
    """Write what `rag.reader.weights.ReaderWeights` reads."""
    base = E5File(bundled_file())
    state = {name: value.float().numpy() for name, value in model.state_dict().items()}
    out: dict[str, Any] = {
        "layers": np.array(LAYERS),
        "head.w": state["head.weight"].astype(np.float16),
        "head.b": state["head.bias"],
    }
    for layer in range(FROZEN, LAYERS):
        for short, name in LINEAR.items():
            weights = state[f"bert.encoder.layer.{layer}.{name}.weight"]
            moved = weights - base.weights(f"l{layer}.{short}.w", len(weights))
            out[f"l{layer}.{short}.w.values"], out[f"l{layer}.{short}.w.scales"] = quantise(moved)
            out[f"l{layer}.{short}.b"] = state[f"bert.encoder.layer.{layer}.{name}.bias"].astype(np.float16)
        for short, name in NORMS.items():
            for part, long in (("w", "weight"), ("b", "bias")):
                value = state[f"bert.encoder.layer.{layer}.{name}.{long}"]
                out[f"l{layer}.{short}.{part}"] = value.astype(np.float16)
    np.savez(path, **out)


def main(viquad: Path, impossible: Path, *written: Path) -> None:
    """Train and write the reader."""
    torch.manual_seed(0)
    random.seed(0)
    settings = load_settings()
    folder = bundled_folder(settings.cache_dir)
    pipeline = open_cached(settings, read_beir(viquad, None).texts, lambda _done, _total: None)
    encoder, model = Encoder(folder), Reader(folder)
    train(model, examples(encoder, pipeline, viquad, impossible, written), encoder.pad)
    export(model, Path(__file__).resolve().parents[1] / "rag" / "reader" / "weights.npz")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
