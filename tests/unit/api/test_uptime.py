from datetime import UTC, datetime, timedelta
from fractions import Fraction

from api.evaluation import Verdict
from api.portal.bill import lowest_first, natural
from api.portal.uptime import Row, Stretch


def verdict(asset: str, availability: str, state: str = "fulfilled") -> Verdict:
    values = {"availability": f"{availability} %", "counted": "500 h", "down": "4 h"}
    return Verdict(clause="4.2", kind="availability", asset=asset, state=state, status="final", values=values)


def stretch(category: str, hours: int, start: int = 0) -> Stretch:
    begin = datetime(2026, 11, 1, tzinfo=UTC) + timedelta(hours=start)
    return Stretch("T1", begin, begin + timedelta(hours=hours), category, "", False, "0", "0")


def row(*stretches: Stretch) -> Row:
    base = [one for one in stretches if one.look == "up"]
    events = [one for one in stretches if one.look != "up"]
    return Row("T1", None, "", verdict("T1", "99.2"), Fraction(98), base, events)


def test_raw_uptime_leaves_out_silence_and_nothing_else() -> None:
    assert row(stretch("running", 90), stretch("planned_maintenance", 10), stretch("unknown", 50)).raw == 90


def test_raw_uptime_of_silence_alone_is_unknown() -> None:
    assert row(stretch("unknown", 5)).raw is None


def test_downtime_left_is_what_the_target_allows_less_what_was_down() -> None:
    assert row().left == 6  # 2 % of 500 h is 10 h; 4 h are used


def test_the_lowest_come_first_and_missed_ones_before_all() -> None:
    found = lowest_first(
        [verdict("T10", "99"), verdict("T2", "99"), verdict("T1", "99.9"), verdict("T3", "97.9", "violated")]
    )
    assert [one.asset for one in found] == ["T3", "T2", "T10", "T1"]


def test_names_with_numbers_are_in_order_of_the_numbers() -> None:
    assert sorted(["T10", "T2", "A", "T2b"], key=natural) == ["A", "T2", "T2b", "T10"]


def test_a_digit_that_is_no_number_is_a_sign_like_others() -> None:
    assert sorted(["5²7", "5", "10"], key=natural) == ["5", "5²7", "10"]
