"""Whether several questions in one are better answered apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from rag.evidence import weigh
from rag.finding import Finding, apart
from rag.grounding import Verdict
from rag.question import Question, Way, understand
from rag.schema import Outcome
from tests.test_evidence import make_passage

WHOLE = "Giá gạo tám thơm và sản lượng cá basa"
RICE, FISH = "Giá gạo tám thơm", "sản lượng cá basa"


def found(question: str, text: str, outcome: Outcome = Outcome.ANSWERED) -> Finding:
    """What is found for `question` in an article of one sentence."""
    understood = understand(question)
    passage = make_passage(text, article_id=text)
    evidence = weigh(understood, [passage], dict.fromkeys(understood.content, 1.0))
    return Finding(understood, (passage,), evidence, Verdict(outcome, 0.5))


def taken(whole: Finding, *ways: list[Finding], is_sure: bool = False) -> list[Finding]:
    """What is taken of `whole` and the findings of its parts, if they are to be taken for it in these ways."""
    question = replace(
        whole.question, ways=tuple(Way(tuple(part.question for part in parts), is_sure) for parts in ways)
    )
    findings = {id(question): replace(whole, question=question)}
    findings |= {id(part.question): part for parts in ways for part in parts}
    return list(apart(question, lambda one: findings[id(one)]))


def looked_for(*findings: Finding) -> tuple[list[Finding], list[str]]:
    """What is taken of the first of `findings` and the others, its parts; and the questions that were looked for."""
    asked = list[str]()

    def find(question: Question) -> Finding:
        asked.append(question.text)
        return next(one for one in findings if one.question is question)

    return list(apart(findings[0].question, find)), asked


def is_apart(whole: Finding, parts: list[Finding]) -> bool:
    """Whether `parts` are taken in place of `whole`."""
    found = taken(whole, parts)
    assert found == parts or [one.evidence for one in found] == [whole.evidence]
    return found == parts


def test_of_several_ways_the_surest_is_taken() -> None:
    whole = found(WHOLE, "Giá gạo tám thơm là 5 đồng.", Outcome.NOT_FOUND)
    sure = [found(RICE, "Giá gạo tám thơm là 5 đồng."), found(FISH, "Sản lượng cá basa là 9 tấn.")]
    unsure = [
        replace(part, question=replace(part.question), verdict=replace(part.verdict, support=0.4)) for part in sure
    ]
    assert taken(whole, unsure, sure) == taken(whole, sure, unsure) == sure
    assert [one.evidence for one in taken(whole)] == [whole.evidence]


def test_parts_that_the_sentence_of_the_whole_holds_are_not_looked_for() -> None:
    both = "Giá gạo tám thơm và sản lượng cá basa đều tăng."
    whole = found(WHOLE, both)
    ways = (Way((understand(RICE), understand(FISH)), is_sure=False),)
    whole = replace(whole, question=replace(whole.question, ways=ways))
    assert looked_for(whole) == ([whole], [WHOLE])


class TestBetterApart:
    of_rice = "Giá gạo tám thơm là 5 đồng."
    of_fish = "Sản lượng cá basa là 9 tấn."

    def parts(self, outcome: Outcome = Outcome.ANSWERED) -> list[Finding]:
        return [found(RICE, self.of_rice), found(FISH, self.of_fish, outcome)]

    def test_each_part_has_its_own_sentence(self) -> None:
        assert is_apart(found(WHOLE, self.of_rice), self.parts())
        assert is_apart(found(WHOLE, self.of_fish), self.parts(Outcome.UNSURE))

    def test_one_sentence_answers_the_whole(self) -> None:
        both = "Giá gạo tám thơm và sản lượng cá basa đều tăng."
        assert not is_apart(found(WHOLE, both), self.parts())
        assert not is_apart(found(WHOLE, self.of_rice), [found(RICE, both), found(FISH, both)])

    def test_a_part_without_an_answer_is_none(self) -> None:
        assert not is_apart(found(WHOLE, self.of_rice), self.parts(Outcome.NOT_FOUND))

    @pytest.mark.parametrize("outcome", list(Outcome))
    def test_a_part_whose_sentence_holds_little_of_it_is_not_answered(self, outcome: Outcome) -> None:
        parts = [found(RICE, self.of_rice), found(FISH, "Trời mưa to, cá lặn.")]
        assert not is_apart(found(WHOLE, self.of_rice, outcome), parts)

    def test_what_is_not_found_whole_may_be_found_in_parts(self) -> None:
        both = "Giá gạo tám thơm và sản lượng cá basa đều tăng."
        assert is_apart(found(WHOLE, both, Outcome.NOT_FOUND), self.parts())


class TestSurelySeveral:
    both = "Giá gạo tám thơm và sản lượng cá basa đều tăng."

    def test_each_is_answered_apart_though_one_sentence_holds_the_words_of_both(self) -> None:
        whole = found(WHOLE, self.both)
        parts = [found(RICE, "Giá gạo tám thơm là 5 đồng."), found(FISH, "Cá lặn.", Outcome.UNSURE)]
        (one,) = taken(whole, parts)
        assert one.evidence == whole.evidence
        assert taken(whole, parts, is_sure=True) == parts

    def test_it_is_not_looked_for_whole_nor_further_than_the_first_part_without_an_answer(self) -> None:
        parts = [found(RICE, "Giá gạo tám thơm là 5 đồng."), found(FISH, "Cá lặn.", Outcome.UNSURE)]
        way = Way(tuple(part.question for part in parts), is_sure=True)
        whole = found(WHOLE, self.both)
        whole = replace(whole, question=replace(whole.question, ways=(way,)))
        assert looked_for(whole, *parts) == (parts, [RICE, FISH])
        parts[0] = replace(parts[0], verdict=Verdict(Outcome.NOT_FOUND, 0.1))
        assert looked_for(whole, *parts) == ([whole], [RICE, WHOLE])

    def test_what_is_not_found_in_parts_may_be_answered_whole(self) -> None:
        parts = [found(RICE, self.both), found(FISH, "Cá lặn.", Outcome.NOT_FOUND)]
        (one,) = taken(found(WHOLE, self.both), parts, is_sure=True)
        assert one.question.text == WHOLE


def test_what_one_sentence_answers_is_not_taken_apart() -> None:
    both = "Giá gạo tám thơm là 5 đồng, sản lượng cá basa là 9 tấn."
    whole = found(WHOLE, both)
    parts = [found(RICE, both), found(FISH, both)]
    assert [one.evidence for one in taken(whole, parts, is_sure=True)] == [whole.evidence]
    assert taken(replace(whole, verdict=Verdict(Outcome.NOT_FOUND, 0.1)), parts, is_sure=True) == parts
