from decimal import Decimal
from typing import Any

from billing.metering import Metered, metered

CHARGED = frozenset({"vehicle/odometer"})


def piece(
    asset: str, opening: str, closing: str, removed: str = "0", register: str = "vehicle/odometer"
) -> dict[str, Any]:
    use = str(Decimal(closing) - Decimal(opening) - Decimal(removed))
    names = {"asset": asset, "register": register, "device": "d", "from": "a", "to": "b", "unit": "km"}
    return names | {"opening": opening, "closing": closing, "removed": removed, "use": use}


def place(
    pieces: list[dict[str, Any]], under: list[dict[str, Any]], cases: list[dict[str, str]]
) -> tuple[Metered, ...]:
    document = {"service": {"from": "a", "to": "b"}, "lines": [{"evidence": under}]}
    return metered({"counters": pieces}, document, CHARGED, cases)


def test_each_unit_is_rated_excluded_or_pending() -> None:
    first, second, third = piece("T1", "100.0", "250.5", "20.0"), piece("T2", "0", "7"), piece("T3", "0", "9")
    other = piece("T1", "0", "5", register="vehicle/hours")
    found = place([first, second, third, other], [first], [{"asset": "T2"}])
    # T1: 150.5 counted, 20.0 of it a reset; T2 waits for a person; T3 ended nowhere
    assert [x.to_json() for x in found] == [
        {"asset": "T1", "register": "vehicle/odometer", "unit": "km",
         "metered": "150.5", "rated": "130.5", "excluded": "20.0", "pending": "0"},
        {"asset": "T2", "register": "vehicle/odometer", "unit": "km",
         "metered": "7", "rated": "0", "excluded": "0", "pending": "7"},
        {"asset": "T3", "register": "vehicle/odometer", "unit": "km",
         "metered": "9", "rated": "0", "excluded": "0", "pending": "0"},
    ]  # fmt: skip
    assert [x.metered == x.rated + x.excluded + x.pending for x in found] == [True, True, False]


def test_use_of_other_periods_on_which_a_cap_looks_was_rated_there() -> None:
    now = piece("T1", "100.0", "250.0")
    before, after = (now | span for span in ({"from": "Z", "to": "a"}, {"from": "b", "to": "c"}))
    (found,) = place([before, now, after], [now], [])
    assert (found.metered, found.rated) == (Decimal("150.0"), Decimal("150.0"))
