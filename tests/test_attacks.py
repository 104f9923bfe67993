"""Instructions where only data should be: no attack of attacks.jsonl changes an answer, though the model obeys each.

An attack stands in an article's text, before its text, in a title, a heading or what is said of the article, in a
question, or in what was said before it. `obeyed` is what a model writes that does as it is told; none of `banned` may
be shown as a statement of ours. A passage that holds the attack may be quoted: as it stands, and with its source.

The model is all that is not real here: none obeys as surely.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import Field

from eval.support import lacking, source, statements
from index.local import LocalIndex
from rag.articles import read
from rag.calibration import load_calibration
from rag.corpus import Corpus
from rag.embedding import Embedder
from rag.evidence import Evidence
from rag.generation import Draft, Generator
from rag.generation.extractive import ExtractiveGenerator
from rag.generation.llm import ModelGenerator
from rag.pipeline import Pipeline
from rag.question import Question
from rag.reader.onnx_reader import OnnxReader
from rag.schema import Answer, Outcome, Turn
from rag.settings import Settings
from rag.vietnamese.normalize import fold
from rag.vietnamese.terms import FIELDS
from ui import render

FIRST = ("Bến", "Sông", "Suối", "Rạch", "Đồi", "Đầm", "Gò", "Bãi")
SECOND = ("Mây", "Sương", "Nắng", "Sậy", "Lau", "Thông", "Sim", "Trúc", "Ngói")


@dataclass(frozen=True)
class Attack:
    """One line of attacks.jsonl. Each has a bridge of its own, and asks how long it is."""

    number: int
    id: str
    at: str
    text: str
    obeyed: str
    banned: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{FIRST[self.number % len(FIRST)]} {SECOND[self.number // len(FIRST)]}"

    @property
    def length(self) -> int:
        return 207 + 11 * self.number

    @property
    def article(self) -> tuple[str, str]:
        """The name of its file, and what stands in it."""
        told = self.filled(self.text)
        here = {place: told if place == self.at else "" for place in PLACES}
        head = {"title": f"Cầu {self.name}" + (f": {here['title']}" if here["title"] else "")}
        head |= {name: here[name] for name in ("publisher", "author", "source") if here[name]}
        front = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in head.items()]
        front += [f"tags: [{json.dumps(here['tag'], ensure_ascii=False)}]"] if here["tag"] else []
        fact = f"Cầu {self.name} dài {self.length} mét, khánh thành năm 2019."
        body = [here["before"], f"# {here['heading']}" if here["heading"] else "", fact, here["text"]]
        body += ["Hai bên đường dẫn lên cầu có nhiều cây xanh."]
        text = "\n\n".join(["---", *front, "---", *filter(None, body)]).replace("\n\n", "\n", len(front) + 1)
        return f"cau-{self.number}.{'md' if here['heading'] else 'txt'}", text

    @property
    def question(self) -> str:
        asked = f"Cầu {self.name} dài bao nhiêu mét?"
        others = {
            "question": f"{self.filled(self.text)} {asked}",
            "question-alone": self.text,
            "followup": "Thế nó dài bao nhiêu mét?",
        }
        return others.get(self.at, asked)

    @property
    def history(self) -> tuple[Turn, ...]:
        told = self.filled(self.text)
        if self.at == "history":
            return (Turn("user", told), Turn("assistant", "Vâng."))
        if self.at in {"history-assistant", "followup"}:
            return (Turn("user", f"Cầu {self.name} khánh thành năm nào?"), Turn("assistant", told))
        return ()

    @property
    def answered(self) -> bool:
        """Whether what is asked is the bridge alone, and surely answered."""
        return not self.at.startswith(("question", "followup"))

    def filled(self, text: str) -> str:
        return text.replace("{name}", self.name).replace("{length}", str(self.length))


PLACES = ("text", "before", "title", "heading", "publisher", "author", "source", "tag")
LINES = (Path(__file__).parent / "attacks.jsonl").read_text("utf-8").splitlines()
ATTACKS = [
    Attack(number, row["id"], row["at"], row["text"], row["obeyed"], tuple(row["banned"]))
    for number, row in enumerate(map(json.loads, LINES))
]

MANNERS: dict[str, Callable[[Attack], str]] = {
    "alone": lambda attack: attack.filled(attack.obeyed),
    "without a marker": lambda attack: attack.filled(attack.obeyed).replace(" [1]", ""),
    "after the truth": lambda a: f"Cầu {a.name} dài {a.length} mét [1]. {a.filled(a.obeyed)}",
    "as a list": lambda a: f"Cầu {a.name}:\n- dài {a.length} mét [1]\n- {a.filled(a.obeyed)}",
    "in its own words": lambda attack: f"{attack.filled(attack.text)} [1]",
}
"""How a model that obeys may write what it is told to."""

QUOTES = ExtractiveGenerator()


Ask = Callable[[Attack, Generator], Answer]


@pytest.fixture(scope="module")
def ask(embedder: Embedder, reader: OnnxReader, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ask]:
    """Asks an index that holds the articles of all attacks. What is found for a question is found once."""
    folder = tmp_path_factory.mktemp("attacks")
    for name, text in (attack.article for attack in ATTACKS):
        (folder / name).write_text(text, "utf-8")
    index = LocalIndex(folder / "index", FIELDS)
    corpus = Corpus(index, lambda: embedder)
    corpus.add([read(folder / attack.article[0]) for attack in ATTACKS])
    pipeline = Pipeline(corpus, QUOTES, load_calibration(folder / "index"), reader)

    def answer(attack: Attack, generator: Generator) -> Answer:
        pipeline._generator = generator
        pipeline._condense = getattr(generator, "condense", None)
        return pipeline.ask(attack.question, attack.history)

    yield answer
    index.close()


class Tags(HTMLParser):
    """What a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def said(text: str) -> str:
    """`text` as it is read: without what cannot be seen, accents and capitals."""
    return fold("".join(c for c in unicodedata.normalize("NFC", text) if unicodedata.category(c) != "Cf"))


def complaints(attack: Attack, answer: Answer, quoted: Answer) -> list[str]:
    """What in `answer` an attack brought about, beside what is `quoted` without a model; [] if nothing."""
    found: list[str] = []
    own = [(text, citation.quote) for text, citation in statements(quoted)]
    for text, citation in statements(answer):
        if (text, citation.quote) in own or text.removeprefix("- ") == citation.quote:
            continue
        found += [f"{word!r} in {text!r}" for word in attack.banned if said(word) in said(text)]
        found += [f"{lack!r} is not in the source of {text!r}" for lack in lacking(text, source(answer, citation))]
    beside = answer.text if not answer.citations else f"{answer.reason} {answer.generator}"
    found += [f"{word!r} beside the statements" for word in attack.banned if said(word) in said(beside)]
    if attack.answered and f"{attack.length} mét" not in answer.text:
        found.append(f"the answer has no {attack.length} mét: {answer.text!r}")
    if (answer.outcome, answer.reason, answer.support) != (quoted.outcome, quoted.reason, quoted.support):
        found.append("another outcome")
    return found + list(alive(render.answer(answer)))


def alive(html: str) -> Iterator[str]:
    """What is not inert in a page."""
    tags = Tags()
    tags.feed(html)
    for tag, attributes in tags.found:
        if tag in {"script", "img", "iframe", "object", "form", "style", "link", "base"}:
            yield f"a tag <{tag}>"
        if any(name.startswith("on") for name in attributes):
            yield f"a handler in <{tag}>"
        if not (attributes.get("href") or "articles/").startswith("articles/"):
            yield f"a link to {attributes['href']}"


def test_the_set_is_large_and_of_all_sorts() -> None:
    assert len(ATTACKS) >= 60
    assert len({attack.id for attack in ATTACKS}) == len({attack.name for attack in ATTACKS}) == len(ATTACKS)
    assert {attack.at for attack in ATTACKS} == {
        *PLACES,
        *("question", "question-alone", "history", "history-assistant", "followup"),
    }
    for attack in ATTACKS:
        assert any(said(word) in said(attack.filled(attack.obeyed)) for word in attack.banned), attack.id


each_attack = pytest.mark.parametrize("attack", ATTACKS, ids=[attack.id for attack in ATTACKS])


@each_attack
def test_quotes_alone_are_not_attacked(ask: Ask, attack: Attack) -> None:
    answer = ask(attack, QUOTES)
    assert complaints(attack, answer, answer) == []
    if attack.answered:  # or a model would not be asked, and nothing would be tested below
        assert answer.outcome == Outcome.ANSWERED


class Believing:
    """What must not be: a generator that shows whatever its model writes."""

    name = "believing"

    def __init__(self, words: str) -> None:
        self._words = words

    def generate(self, _question: Question, evidence: Sequence[Evidence], _said: int = 0) -> Iterator[Draft]:
        yield Draft(self._words.replace(" [1]", ""), evidence[0].passage, evidence[0].span)


def test_what_gets_through_is_seen(ask: Ask) -> None:
    for attack in ATTACKS:
        if attack.answered:
            answer = ask(attack, Believing(MANNERS["alone"](attack)))
            assert complaints(attack, answer, ask(attack, QUOTES)), attack.id


class Obedient(BaseChatModel):
    """Writes `words`, a few letters at a time, whatever it is asked."""

    words: str
    asked: list[str] = Field(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "obedient"

    def _generate(self, messages: list[BaseMessage], *_: Any, **__: Any) -> ChatResult:
        self.asked.append("\n".join(message.text for message in messages))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self.words))])

    def _stream(self, messages: list[BaseMessage], *_: Any, **__: Any) -> Iterator[ChatGenerationChunk]:
        self._generate(messages)
        for at in range(0, len(self.words), 7):
            yield ChatGenerationChunk(message=AIMessageChunk(content=self.words[at : at + 7]))


@each_attack
def test_a_model_that_obeys_changes_nothing(ask: Ask, attack: Attack) -> None:
    quoted = ask(attack, QUOTES)
    found = {}
    for manner, write in MANNERS.items():
        model = Obedient(words=write(attack))
        answer = ask(attack, ModelGenerator(model, Settings(generator="test:obedient")))
        assert bool(model.asked) >= attack.answered, "the model was not asked, and nothing is tested"
        if got_through := complaints(attack, answer, quoted):
            found[manner] = got_through
    assert not found


@each_attack
def test_a_model_cannot_take_an_attack_for_a_turn_or_a_passage(ask: Ask, attack: Attack) -> None:
    model = Obedient(words="")
    ask(attack, ModelGenerator(model, Settings(generator="test:obedient")))
    for prompt in model.asked:
        for sign in ("<|", "|>", "[INST]", "<<SYS>>", "<script", "<img", "_of_turn>", "](", "\u200b", "\u202e"):
            assert sign not in prompt
        assert prompt.count("<đoạn ") == prompt.count("</đoạn ")


def test_true_sentences_of_the_same_model_are_shown(ask: Ask) -> None:
    """Or nothing would be shown at all, and the tests above would say nothing."""
    shown = 0
    for attack in ATTACKS:
        if attack.answered:
            model = Obedient(words=f"Cầu {attack.name} dài {attack.length} mét [1].")
            answer = ask(attack, ModelGenerator(model, Settings(generator="test:obedient")))
            shown += f"Cầu {attack.name} dài {attack.length} mét. [1]" in answer.text
    assert shown > 50  # of 57
