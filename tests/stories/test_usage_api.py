"""Use and states by any grain, zone and group over HTTP: the sums never differ, and answers are bounded."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest

from api import grouping
from tests.served import Served

pytestmark = pytest.mark.services
# 20 km in each hour from 05:00 to 19:00 UTC, in each zone a little shifted.
DAY = Decimal(20 * 14)
AUTUMN = {"first": "2026-10-25", "last": "2026-10-25"}


def asked(served: Served, who: str, path: str = "/v1/usage", **question: str) -> Any:
    with served.client(who) as client:
        answer = client.get(path, params=question)
    assert answer.status_code == 200, answer.text
    return answer.json()


def total(rows: list[dict[str, Any]]) -> Decimal:
    assert all(Decimal(one["quantity"]) == Decimal(one["measured_quantity"]) + Decimal(one["estimated_quantity"])
               for one in rows)  # fmt: skip
    return sum((Decimal(one["quantity"]) for one in rows), Decimal(0))


def test_a_day_of_25_hours_has_25_rows_and_its_use(served: Served) -> None:
    contract = served.fleet.id("contract", "C-2041")
    rows = asked(served, "anna", contract=contract, asset="T1", grain="hour", **AUTUMN)["rows"]
    assert (len(rows), total(rows)) == (25, DAY)
    assert Counter(one["quantity"] for one in rows) == {"20": 14, "0": 11}
    # The hours of Kolkata begin at half past in UTC, where readings are interpolated.
    there = asked(served, "anna", contract=contract, asset="T1", grain="hour", timezone="Asia/Kolkata", **AUTUMN)
    assert (len(there["rows"]), total(there["rows"]), there["timezone"]) == (24, DAY, "Asia/Kolkata")
    assert Counter(one["quantity"] for one in there["rows"]) == {"20": 13, "10": 2, "0": 9}
    assert there["rows"][0]["starts_at"] == "2026-10-24T18:30:00Z"


def test_whatever_the_grain_and_the_group_the_sum_is_the_same(served: Served) -> None:
    contract = served.fleet.id("contract", "C-2041")
    span = {"contract": contract, "first": "2026-09-14", "last": "2026-10-28"}
    whole = 12 * DAY * 45
    counts = {"hour": 1081, "day": 45, "week": 7, "month": 2, "quarter": 2, "year": 1, "period": 2}
    for grain, count in counts.items():
        rows = asked(served, "anna", **span, grain=grain, group_by="contract")["rows"]
        assert (len(rows), total(rows)) == (count, whole), grain
    for group, keys in (("asset", 12), ("site", 1), ("kind", 1), ("group", 1), ("customer", 1)):
        rows = asked(served, "anna", **span, grain="year", group_by=group)["rows"]
        assert (len({one["key"] for one in rows}), total(rows)) == (keys, whole), group


def test_a_seller_sums_over_contracts_and_a_customer_over_its_own(served: Served) -> None:
    span = {"measure": "distance", "first": "2026-10-01", "last": "2026-10-31", "grain": "month"}
    found = asked(served, "fin", **span, group_by="customer")
    assert {one["key"]: Decimal(one["quantity"]) for one in found["rows"]} == {
        "Nordhaul": 12 * 31 * DAY, "Südfracht": 2 * 31 * DAY,
    }  # fmt: skip
    assert [one["key"] for one in asked(served, "bob", **span, group_by="contract")["rows"]] == ["C-3007"]


def test_a_long_answer_comes_in_pages_of_whole_keys(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(grouping, "MOST_ROWS", 5 * 31)
    span = {"contract": served.fleet.id("contract", "C-2041"), "first": "2026-10-01", "last": "2026-10-31"}
    seen: list[dict[str, Any]] = []
    pages, cursor = 0, None
    while pages == 0 or cursor:
        found = asked(served, "anna", **span, **({"cursor": cursor} if cursor else {}))
        seen, cursor, pages = seen + found["rows"], found["next_cursor"], pages + 1
    assert (pages, len(seen), total(seen)) == (3, 12 * 31, 12 * 31 * DAY)


@pytest.mark.parametrize(
    ("question", "says"),
    [
        ({"first": "2020-01-01", "last": "2026-10-31", "grain": "hour"}, "hours are too many for one answer"),
        ({"first": "1999-01-01", "last": "2026-10-31"}, "years are 2000 to 2098"),
        ({"first": "2026-10-01", "last": "2026-10-31", "timezone": "Mars/Olympus"}, "is no IANA zone"),
        ({"first": "2026-10-01", "last": "2026-10-31", "asset": "S1"}, "covers an asset of this name"),
    ],
)
def test_what_cannot_be_asked_is_refused_with_what_would_be_right(
    served: Served, question: dict[str, str], says: str
) -> None:
    with served.client("anna") as client:
        answer = client.get("/v1/usage", params={"contract": served.fleet.id("contract", "C-2041"), **question})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_parameter")
    assert says in answer.json()["detail"]


def test_time_in_each_state_by_hour_and_day(served: Served) -> None:
    path = f"/v1/assets/{served.fleet.id('asset', 'T3')}/state-time"
    span = {"since": "2026-11-09T23:00:00Z", "before": "2026-11-11T23:00:00Z"}
    days = asked(served, "anna", path, **span, grain="day")["rows"]
    # Fault from midnight of the 10th for 30 h, UTC; Berlin is an hour ahead. Idle before, and from 19:00.
    assert [one["seconds"] for one in days] == [
        {"fault": str(23 * 3600), "idle": "3600"},
        {"fault": str(7 * 3600), "idle": str(4 * 3600), "running": str(13 * 3600)},
    ]
    hours = asked(served, "anna", path, **span, grain="hour")["rows"]
    assert [one["seconds"] for one in hours[:2]] == [{"idle": "3600"}, {"fault": "3600"}]
    # The last reading is of 14:00 on the 21st, half an hour ago; what is to come is nothing.
    today = asked(served, "anna", path, since="2026-11-21T13:00:00Z", before="2026-11-21T16:00:00Z", grain="hour")
    assert [one["seconds"] for one in today["rows"]] == [{"running": "3600"}, {"running": "1800"}, {}]


def test_counters_of_an_asset_by_hour_and_what_it_is_not_asked_for(served: Served) -> None:
    path = f"/v1/assets/{served.fleet.id('asset', 'T1')}/usage"
    span = {"since": "2026-10-05T04:30:00Z", "before": "2026-10-05T07:10:00Z", "grain": "hour"}
    rows = asked(served, "ops", path, **span)["rows"]
    assert [(one["register"], one["quantity"], one["unit"]) for one in rows] == [
        ("vehicle/odometer", "0", "m"), ("vehicle/odometer", "20000", "m"), ("vehicle/odometer", "20000", "m"),
        ("vehicle/odometer", "3333", "m"),
    ]  # fmt: skip
    assert rows == asked(served, "anna", path, **span)["rows"]
    with served.client("anna") as client:
        wrong = client.get(path, params={**span, "register": "vehicle/state"})
        levels = client.get(path.replace("usage", "levels"), params={**span, "register": "vehicle/fuel"})
    assert "it has vehicle/odometer" in wrong.json()["detail"]
    assert (levels.status_code, "it has vehicle/tank" in levels.json()["detail"]) == (422, True)
