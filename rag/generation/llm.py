"""Answers in the words of a language model, each sentence verified before it is shown; quotes where that fails.

Whatever goes wrong, what has been verified stays, and the quotes that say what it does not follow it, with a note.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from rag.errors import ModelError, ModelSlowError
from rag.evidence import Evidence
from rag.generation import Draft
from rag.generation.chat_model import open_model
from rag.generation.cutting import Cutter, Sentence
from rag.generation.extractive import SHORT_KINDS, ExtractiveGenerator
from rag.generation.prompt import answer_messages, condense_messages, fitted
from rag.generation.speech import Breaker, Deadlines, Piece, speech
from rag.generation.verify import content, faithful, verify
from rag.question import Question
from rag.schema import Article, Passage, Span, Turn, Writing
from rag.settings import Settings
from rag.understanding.constraints import form, holds

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

_MOST = 6  # sentences; of a list more
_MOST_ITEMS = 12
_SHORT_WORDS = 6  # more of them are told in other words
_IN_VAIN = 4  # sentences in a row that may not be shown: it has lost itself
_CONDENSING = Deadlines(first=6, between=3, total=8)

_GREETING = "Thủ đô của Việt Nam là gì? Chỉ viết tên."

_QUOTED = "đây là câu trả lời trích nguyên văn."
_REST_QUOTED = "phần còn lại được trích nguyên văn."
SLOW = "Mô hình không trả lời kịp"
FAILED = "Mô hình gặp sự cố"
RESTING = "Mô hình đang tạm nghỉ vì gặp sự cố nhiều lần"
UNFOUNDED = "Câu trả lời của mô hình không khớp với tài liệu"
PARTLY_UNFOUNDED = "Một phần câu trả lời của mô hình không khớp với tài liệu"
INCOMPLETE = "Mô hình không nhắc đến đoạn gần với câu hỏi nhất"
SILENT = "Mô hình không viết câu trả lời"


class ModelGenerator:
    """Lets a chat model write, and shows what its passages carry."""

    def __init__(self, model: BaseChatModel, settings: Settings) -> None:
        """Ask `model`, which the setting `generator` names, within the deadlines and the context of `settings`."""
        self.name = settings.generator
        self._model = model
        self._deadlines = Deadlines.of(settings)
        self._context = settings.model_context
        self._breaker = Breaker()
        self._quotes = ExtractiveGenerator()

    def generate(self, question: Question, evidence: Sequence[Evidence], said: int = 0) -> Iterator[Draft | Writing]:
        """See `Generator.generate`."""
        written = _Written(self.name)
        failure = ""
        if self._breaker.is_resting:
            failure = RESTING
        else:
            try:
                yield from self._verified(question, evidence, written)
                self._breaker.succeeded()
            except ModelError as error:
                self._breaker.failed(error)
                failure = SLOW if isinstance(error, ModelSlowError) else FAILED
        if why := failure or written.wanting(evidence[0]):
            quotes = [draft for draft in self._quotes.generate(question, evidence, said) if not written.holds(draft)]
            if quotes:
                note = f"{why}; {_REST_QUOTED if written.drafts else _QUOTED}"
            else:
                note = f"{failure}." if failure else ""
            written.told = replace(written.told, note=note)
            yield from quotes
        yield written.told

    def condense(self, question: str, history: Sequence[Turn]) -> Generator[str]:
        """`question` written out with what it leaves to `history`: "" while it is waited for, and if that fails."""
        if self._breaker.is_resting:
            return
        text = ""
        try:
            with closing(speech(self._model, condense_messages(question, history), _CONDENSING)) as pieces:
                for piece in pieces:
                    text += piece.text
                    yield ""
        except ModelError:  # in so short a time it proves nothing, and our own rules stand in
            return
        if alone := faithful(text, question, [turn.text for turn in history]):
            yield alone

    def _verified(
        self, question: Question, evidence: Sequence[Evidence], written: _Written
    ) -> Iterator[Draft | Writing]:
        """The drafts that the model's sentences make, as they come. Raises ModelError."""
        asked = question.search_text
        passages, texts = fitted(asked, evidence, self._context)
        if not passages:
            return
        cutter = Cutter()

        def shown(sentences: Iterator[Sentence]) -> Iterator[Draft]:
            for sentence in sentences:
                found = verify(sentence, question, passages, evidence, [draft.text for draft in written.drafts])
                if draft := written.take(sentence, found, passages, question, evidence[0]):
                    yield draft
                if written.is_enough:
                    return

        with closing(speech(self._model, answer_messages(asked, passages, texts), self._deadlines)) as pieces:
            for piece in pieces:
                written.count(piece)
                yield from shown(cutter.feed(piece.text))
                if written.is_enough:
                    return
                yield written.told
        yield from shown(cutter.rest())


def greet(settings: Settings) -> str:
    """Asks the model that the settings name one tiny question, and tells how long its answer took.

    Raises:
        SettingsError: it cannot be set up.
        ModelError: its package is missing, or it does not answer in time.
    """
    begun = time.perf_counter()
    said = "".join(piece.text for piece in speech(open_model(settings), [("human", _GREETING)], Deadlines.of(settings)))
    if not said.strip():
        raise ModelError(f"{settings.generator} says nothing: try another model.")
    return f"{settings.generator} answers in {time.perf_counter() - begun:.1f} s"


@dataclass
class _Written:
    """What has become of a model's words so far."""

    model: str
    drafts: list[Draft] = field(default_factory=list)
    in_vain: int = 0
    told: Writing = field(init=False)

    def __post_init__(self) -> None:
        self.told = Writing(self.model)

    def take(
        self, sentence: Sentence, found: Draft | str, passages: Sequence[Passage], question: Question, best: Evidence
    ) -> Draft | None:
        """The draft that is shown for `sentence`, which is verified as `found`; None if it is dropped."""
        if isinstance(found, str):
            self.in_vain += 1
            self.told = replace(self.told, dropped=(*self.told.dropped, (sentence.text, found)))
            return None
        self.in_vain = 0
        number = next(n for n, passage in enumerate(passages, 1) if passage is found.passage)
        is_moved = bool(sentence.markers) and number not in sentence.markers
        self.told = replace(self.told, kept=self.told.kept + 1, moved=self.told.moved + is_moved)
        if question.kind in SHORT_KINDS and not any(draft.short for draft in self.drafts):
            found = replace(found, short=_short(found, best))
        self.drafts.append(found)
        return found

    def count(self, piece: Piece) -> None:
        """Add the tokens that the server tells of."""
        self.told = replace(
            self.told,
            tokens_in=self.told.tokens_in + piece.tokens_in,
            tokens_out=self.told.tokens_out + piece.tokens_out,
        )

    @property
    def is_enough(self) -> bool:
        """Whether there is nothing good to be expected any more."""
        most = _MOST_ITEMS if self.drafts and self.drafts[-1].text.startswith("- ") else _MOST
        return len(self.drafts) >= most or self.in_vain >= _IN_VAIN

    def wanting(self, best: Evidence) -> str:
        """Why quotes have to follow, "" if they need not: the best evidence is always told, in whoever's words."""
        if not self.drafts:
            return UNFOUNDED if self.told.dropped else SILENT
        if any(_tells(draft, best) for draft in self.drafts):
            return ""
        return PARTLY_UNFOUNDED if self.told.dropped else INCOMPLETE

    def holds(self, quote: Draft) -> bool:
        """Whether the sentences that are shown say the short answer of `quote`, or most of it where it has none."""
        telling = [draft for draft in self.drafts if draft.rests_on(quote.passage, quote.span)]
        if quote.short is not None:
            return any(_says(draft, quote.passage.article, quote.short) for draft in telling)
        wanted = content(quote.text)
        return 2 * len(wanted & content(" ".join(draft.text for draft in telling))) > len(wanted)


def _says(draft: Draft, article: Article, span: Span) -> bool:
    """Whether these words of `article` stand in those of `draft`."""
    said = " ".join(form(draft.text, accented=True))
    return holds(f" {said} ", form(article.text[slice(*span)], accented=True))


def _tells(draft: Draft, best: Evidence) -> bool:
    """Whether `draft` rests on the best evidence, and says in its words what was read there as the short answer."""
    if not draft.rests_on(best.passage, best.span):
        return False
    short = best.passage.article.text[slice(*best.short)] if best.short else ""
    return bool(_short(draft, best)) or len(short.split()) > _SHORT_WORDS or not short


def _short(draft: Draft, best: Evidence) -> Span | None:
    """The short answer that was read in the best sentence, where `draft` rests on that and says it in those words."""
    if best.short is None or not draft.rests_on(best.passage, best.short):
        return None
    is_inside = draft.span[0] <= best.short[0] and best.short[1] <= draft.span[1]
    return best.short if is_inside and _says(draft, best.passage.article, best.short) else None
