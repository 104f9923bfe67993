"""Many users, as few and as briefly as will do to see that the script still fits the page."""

from __future__ import annotations

import asyncio

from eval.load import visit
from rag.settings import Settings
from tests.browser import serving
from tests.stand_in import StandIn
from ui.app import create_app


def test_users_ask_and_see_their_answers() -> None:
    engine = StandIn()
    engine.go.set()
    with serving(create_app(engine, Settings(questions_per_minute=0))) as address:
        measured = asyncio.run(visit(address, users=3, think=0.2, seconds=1))
    assert measured.errors == []
    assert len(measured.whole) == len(measured.first) >= 3
    assert all(0 < first <= whole for first, whole in zip(measured.first, measured.whole, strict=True))
