"""What an article is about besides its words: whose it is, of which day, and of which years what it says is."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from rag.question import Question
from rag.schema import Article
from rag.understanding.constraints import holds
from rag.understanding.dates import PERIOD, names_day, years
from rag.understanding.kinds import Kind
from rag.vietnamese.normalize import strip_accents
from rag.vietnamese.sentences import split_sentences

FIGURES = frozenset({Kind.QUANTITY, Kind.RANK})
"""Kinds that ask for a figure."""
_OF_ONE_YEAR = FIGURES | {Kind.OPEN}  # keywords with a year ("FDI 2024") want what is of that year too
_OF_SOURCES = frozenset("của trên về đăng trang báo bài cua tren ve dang bao bai".split())  # noqa: SIM905
_TOLD = 0.6  # of the words for a source, that an article must have to be meant
_OPENING, _LONGEST = 400, 80  # characters: where an article says when it happened, and of what is told of it
_MONTHS_OF_A_PART = 4  # "giữa năm": May to August
_SINCE = re.compile(
    r"\b(?:từ|kể từ)\s+(?:đầu\s+|cuối\s+|giữa\s+)?(?:năm\s+)?((?:19|20)\d\d)\s+(?:đến|tới) nay\b", re.IGNORECASE
)
_OTHER_ENDS = re.compile(
    r"\b(?:so với|hơn|bằng|từ|kể từ|trước|sau|đến|tới|hết)\s+(?:cùng kỳ\s+|đầu\s+|cuối\s+)?(?:năm\s+)?(?:19|20)\d\d\b",
    re.IGNORECASE,
)


def meant_by_source(question: Question, articles: Iterable[Article]) -> set[str]:
    """The ids of the articles that the question may be about by what it calls its source: all if it calls none so."""
    called = [word for word in question.form(question.source) if word not in _OF_SOURCES]
    joined = strip_accents("".join(called))  # as in the name of a site

    def told(article: Article) -> float:
        card = f"{date_of(article)}\n{article.title}\n{article.publisher}\n{article.author}\n{article.source}"
        words = question.form(card)
        return max(len({*called} & {*words}) / max(len({*called}), 1), float(joined in strip_accents("".join(words))))

    shares = {article.id: told(article) for article in articles}
    best = max(shares.values(), default=0.0)
    return {name for name, share in shares.items() if not called or best < _TOLD or share == best}


def is_of_another_year(question: Question, sentence: str, before: Sequence[str], article: Article) -> bool:
    """Whether a year is asked about that neither `sentence` nor what it follows names, and it names another; unless
    `article` names it elsewhere or is of it, and no figure is asked for.

    What figures are compared with, or counted from or to, is not the year that they are of; but what is counted from
    a year until now is not of one before it.
    """
    wanted = question.constraints.years
    if not wanted or PERIOD.search(sentence):
        return False
    if question.kind in _OF_ONE_YEAR and any(max(wanted) < since for since in _SINCE.findall(sentence)):
        return True
    of_article = f"{article.text} {article.published}"
    if question.kind not in _OF_ONE_YEAR and any(year in of_article for year in wanted):
        return False
    named = years(_OTHER_ENDS.sub(" ", sentence))
    return bool(named) and not wanted & {*named, *before}


def of_year(year: str, context: str, article: Article) -> float:
    """How far a sentence in its context, and the article around it, is about `year`."""
    if holds(context, (year,)):
        return 1.0
    # An article without a date seldom names its own year, but those next to it.
    near = () if article.published else (str(int(year) - 1), str(int(year) + 1))
    return 0.5 * any(one in article.text for one in (year, *near))


def date_of(article: Article) -> str:
    """The day of `article` in the ways in which a question may name it; "" if it has none."""
    day = article.published
    if not day:
        return ""
    part = ("đầu", "giữa", "cuối")[(day.month - 1) // _MONTHS_OF_A_PART]
    return f"ngày {day.day}/{day.month}/{day.year} tháng {day.month} {part} năm {day.year}"


def introduction(article: Article) -> str:
    """What a reader of one sentence of `article` needs to know of the whole: its day, its title, and the sentence of
    its opening that names a day, or else the first.
    """
    day = article.published
    published = f"{day.day}/{day.month}/{day.year}" if day else ""
    is_opening = "\n" in article.text  # of a single paragraph nothing is the beginning
    spans = split_sentences(article.text[:_OPENING]) if is_opening else []
    opening = [said for span in spans if (said := article.text[slice(*span)][:_LONGEST]) not in article.title]
    dated = [said for said in opening if names_day(said)]
    return ". ".join(filter(None, (published, article.title[:_LONGEST], *(dated or opening)[:1])))
