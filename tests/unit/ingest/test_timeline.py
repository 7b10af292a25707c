"""Time in each state by stretch."""

from itertools import pairwise
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from ingest.timeline import shares


class Said(NamedTuple):
    start: int
    end: int
    category: str


def test_what_nobody_said_is_unknown_and_what_is_to_come_is_nothing() -> None:
    spans = [Said(0, 70, "running"), Said(70, 90, "fault"), Said(110, 200, "running")]
    assert shares(spans, [0, 60, 120, 180, 240], until=150) == [
        {"running": 60},
        {"running": 10 + 10, "fault": 20, "unknown": 20},
        {"running": 30},
        {},
    ]


def test_one_span_over_many_stretches_is_in_each() -> None:
    assert shares([Said(-50, 500, "idle")], [0, 10, 30, 60], until=100) == [{"idle": 10}, {"idle": 20}, {"idle": 30}]


instants = st.lists(st.integers(0, 300), min_size=2, max_size=20, unique=True).map(sorted)


@given(instants, instants, st.integers(0, 320))
def test_stretches_sum_to_their_length_and_to_the_whole(edges: list[int], cuts: list[int], until: int) -> None:
    names = ("running", "fault", "")
    spans = [Said(a, b, names[n % 3]) for n, (a, b) in enumerate(pairwise(edges)) if names[n % 3]]
    found = shares(spans, cuts, until=until)
    assert [sum(one.values()) for one in found] == [min(b, until) - min(a, until) for a, b in pairwise(cuts)]
    (whole,) = shares(spans, [cuts[0], cuts[-1]], until=until)
    assert {name: sum(one.get(name, 0) for one in found) for name in whole} == whole
