"""The limit of questions, and how long a widget's conversation is kept. Time is what the tests say."""

from __future__ import annotations

import pytest

from ui import memory
from ui.chat import Conversation
from ui.limits import RateLimit
from ui.memory import LIFETIME, Memory

TOKEN = "0123456789abcdef" * 2


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_minutes_questions_may_come_at_once_and_then_one_by_one(clock: Clock) -> None:
    limit = RateLimit(6, clock)
    assert [limit.wait("a") for _ in range(8)] == [0] * 6 + [10, 10]
    clock.now += 9
    assert limit.wait("a") == 1
    clock.now += 1
    assert [limit.wait("a"), limit.wait("a")] == [0, 10]
    clock.now += 3600
    assert [limit.wait("a") for _ in range(7)] == [0] * 6 + [10]


def test_clients_do_not_share_a_limit_and_the_quiet_are_forgotten(clock: Clock) -> None:
    limit = RateLimit(1, clock)
    assert [limit.wait("a"), limit.wait("b"), limit.wait("a")] == [0, 0, 60]
    clock.now += 61
    assert limit.wait("c") == 0
    assert list(limit._buckets) == ["c"]


def test_no_limit(clock: Clock) -> None:
    limit = RateLimit(0, clock)
    assert {limit.wait("a") for _ in range(1000)} == {0}


def say(words: str) -> Conversation:
    return Conversation(unasked=words)


def test_a_conversation_is_kept_for_its_token_until_it_is_forgotten(clock: Clock) -> None:
    kept = Memory(clock)
    kept.keep(TOKEN, say("một"))
    kept.keep(TOKEN, say("hai"))
    kept.keep("f" * 32, say("khác"))
    assert kept.recall(TOKEN) == say("hai")
    kept.forget(TOKEN)
    assert kept.recall(TOKEN) is None
    assert kept.recall("f" * 32) == say("khác")


@pytest.mark.parametrize("token", [None, "", "a", "A" * 32, "0" * 33, "0" * 31 + "\n"])
def test_what_is_no_token_keeps_nothing(token: str | None) -> None:
    kept = Memory()
    kept.keep(token, say("một"))
    assert kept.recall(token) is None
    kept.forget(token)


def test_what_is_kept_has_limits(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "CONVERSATIONS", 2)
    kept = Memory(clock)
    tokens = [digit * 32 for digit in "abc"]
    kept.keep(tokens[0], say("0"))
    kept.keep(tokens[1], say("1"))
    kept.keep(tokens[0], say("0"))
    clock.now += LIFETIME
    kept.keep(tokens[2], say("2"))
    assert [kept.recall(token) is not None for token in tokens] == [True, False, True]
    clock.now += 1
    assert [kept.recall(token) is not None for token in tokens] == [False, False, True]
