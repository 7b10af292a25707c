"""Stated facts in words: spans once, times on the contract's clock."""

import json
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from api.portal.format import stretch
from api.stated import words
from contracts.store.stated_view import FactView

BERLIN = ZoneInfo("Europe/Berlin")


def fact(**fields: Any) -> FactView:
    return FactView("fct_1", "notice", json.dumps(fields), "person:a", "", 1, None)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_stretch_within_a_day_names_the_day_once() -> None:
    # 06:00 UTC is 08:00 in Berlin in August, 23:00 UTC is the next day's 01:00
    assert stretch(at("2026-08-21T06:00Z"), at("2026-08-21T10:00Z"), BERLIN) == "21 Aug 2026, 08:00–12:00"
    assert stretch(at("2026-08-21T06:00Z"), at("2026-08-21T23:00Z"), BERLIN) == (
        "21 Aug 2026, 08:00 – 22 Aug 2026, 01:00"
    )
    assert stretch(at("2026-08-21T06:00Z"), at("2026-08-21T06:00:20Z"), BERLIN) == "21 Aug 2026, 08:00"
    assert stretch(at("2026-08-21T06:00Z"), at("2026-08-21T10:00Z"), BERLIN, "de") == "21.08.2026, 08:00–12:00"


def test_a_range_of_the_database_is_a_span_in_json_and_in_words() -> None:
    one = fact(
        kind="planned_maintenance",
        asset="T1",
        during='["2026-08-21 06:00:00+00","2026-08-21 10:00:00+00")',
        given="2026-08-14T07:00:00+00:00",
        quantity=12.5,
        unit="km",
    )
    assert one.fields["from"] == "2026-08-21T06:00:00+00:00"
    assert one.fields["to"] == "2026-08-21T10:00:00+00:00"
    assert "during" not in one.fields
    assert words(one, BERLIN) == (
        "T1 · planned maintenance · 21 Aug 2026, 08:00–12:00 · 12.5 km · given 14 Aug 2026, 09:00"
    )


def test_what_has_no_end_is_told_since_when() -> None:
    one = fact(ticket="K-7", during='["2026-08-21 06:00:00+00",)', cause="parts_missing")
    assert one.fields == {"ticket": "K-7", "from": "2026-08-21T06:00:00+00:00", "cause": "parts_missing"}
    assert words(one, BERLIN) == "K-7 · parts missing · since 21 Aug 2026, 08:00"
