"""The figures over what was asked."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from pathlib import Path

from eval.charts import columns
from eval.feedback import FeedbackStore
from eval.usage import usage
from rag.schema import Outcome
from tests.test_feedback import make_exchange

TODAY = date(2026, 11, 20)
NOON = datetime(2026, 11, 20, 12).astimezone()


def test_usage_counts_by_local_day_and_groups_spellings(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "x.sqlite")
    said = [
        ("Tổng kim ngạch là bao nhiêu?", Outcome.ANSWERED, 0, "up"),
        ("tong kim ngach la bao nhieu", Outcome.UNSURE, 0, "down"),
        ("TỔNG KIM NGẠCH, là bao nhiêu ?", Outcome.ANSWERED, 6, None),
        ("Tổng kim ngạch là bao nhiêu?", Outcome.ANSWERED, 6, None),
        ("Ai vô địch?", Outcome.NOT_FOUND, 1, "down"),
        ("ai vo dich", Outcome.NOT_FOUND, 0, None),
        ("???", Outcome.NOT_FOUND, 0, None),
        ("", Outcome.NOT_FOUND, 2, None),
        ("Quá lâu rồi?", Outcome.ANSWERED, 7, "down"),
    ]
    for number, (question, outcome, back, rating) in enumerate(said):
        store.add(
            make_exchange(
                str(number),
                question=question,
                outcome=outcome,
                time=NOON - timedelta(days=back, seconds=number),
                rating=rating,
                timings={"a": number, "b": 10},
            )
        )
    midnight = datetime(2026, 11, 14).astimezone()
    store.add(make_exchange("first second", question="", time=midnight))
    store.add(make_exchange("too early", question="", time=midnight - timedelta(seconds=1)))
    found = usage(store, TODAY, 7)
    store.close()
    assert list(found.days) == [TODAY - timedelta(days=back) for back in (6, 5, 4, 3, 2, 1, 0)]
    assert found.days[TODAY] == {Outcome.ANSWERED: 1, Outcome.UNSURE: 1, Outcome.NOT_FOUND: 2}
    assert found.days[date(2026, 11, 14)][Outcome.ANSWERED] == 3
    assert found.outcomes == {Outcome.ANSWERED: 4, Outcome.UNSURE: 1, Outcome.NOT_FOUND: 4}
    assert found.ratings == {"up": 1, "down": 2}
    assert sorted(found.milliseconds)[:4] == [10, 11, 12, 12.5]
    most, second, _ = found.asked
    assert (most.question, most.count, most.last) == ("Tổng kim ngạch là bao nhiêu?", 4, NOON)
    assert (second.count, second.last) == (2, NOON - timedelta(seconds=5))
    assert [(asked.question, asked.count) for asked in found.not_found][1:] == [("???", 1)]
    assert [asked.question for asked in found.unsure] == ["tong kim ngach la bao nhieu"]
    assert [one.id for one in found.blamed] == ["4", "1"]


def test_columns_stand_upon_each_other_to_scale() -> None:
    days = {"01/11": {"a": 3, "b": 1}, "02/11": {"a": 0, "b": 0}, "<b>": {"a": 8, "b": 12}}
    chart = str(columns(days, ("good", "poor"), "Mỗi ngày"))
    heights = [float(part.split('height="')[1].split('"')[0]) for part in chart.split("<rect")[1:5]]
    assert [round(height / heights[1], 2) for height in heights] == [3, 1, 8, 12]
    assert chart.count('class="good"') == 2 + 1, "two columns, and one in the legend"
    assert "&lt;b&gt;" in chart
    assert ">20<" in chart
    assert ">40<" not in chart


def test_an_empty_store_has_every_day(tmp_path: Path) -> None:
    store = FeedbackStore(tmp_path / "x.sqlite")
    found = usage(store, TODAY, 30)
    store.close()
    assert len(found.days) == 30
    assert (sum(found.outcomes.values()), found.milliseconds, found.asked) == (0, [], [])
