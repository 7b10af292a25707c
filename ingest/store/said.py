"""What an asset's gauges and states said over a stretch. JSON types."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, TypeAlias

from sqlalchemy import Connection

from core.time import instant, micros
from ingest.store import gauge, state
from ingest.store.completeness import Register
from ingest.store.shown import at_text, shown

Json: TypeAlias = dict[str, Any]


class Span:
    """A stretch of a register path, as states and gauges are asked for."""

    def __init__(self, asset: str, register: str, start: int, end: int, max_gap: int = 0) -> None:
        self.asset, self.register, self.start, self.end, self.max_gap = asset, register, start, end, max_gap


def levels(
    connection: Connection, of: Sequence[Register], start: datetime, end: datetime, known: int
) -> Iterator[Json]:
    """What gauges showed, used and took in; each fall is counted when it is read."""
    paths = {one.path: one for one in of if one.kind == "gauge"}
    needs = [Span(one.asset, path, micros(start), micros(end)) for path, one in paths.items()]
    for need, found in zip(needs, gauge.load(connection, needs, known=known), strict=True):
        used = came = 0
        for run in found.runs:
            for before, after in pairwise(run):
                if need.start < after.at <= need.end:
                    used += max(0, before.ticks - after.ticks)
                    came += max(0, after.ticks - before.ticks)
        register = paths[need.register]
        yield {
            "path": need.register,
            "unit": register.unit,
            "readings": sum(start <= instant(one.at) < end for one in found.levels),
            "used": shown(used, register),
            "refilled": shown(came, register),
            "last": shown(found.levels[-1].ticks, register) if found.levels else None,
        }


def states(
    connection: Connection, of: Sequence[Register], start: datetime, end: datetime, known: int
) -> Iterator[Json]:
    """What devices said; silence beyond the limit is unknown."""
    paths = {one.path: one for one in of if one.kind == "state"}
    whole = micros(end) - micros(start)
    needs = [state_need(one, start, end) for one in paths.values()]
    for need, spans in zip(needs, state.load(connection, needs, known=known), strict=True):
        sums: dict[str, int] = {}
        for span in spans:
            sums[span.category] = sums.get(span.category, 0) + span.end - span.start
        unknown = whole - sum(sums.values())
        yield {
            "path": need.register,
            "time": {
                name: str(timedelta(microseconds=took))
                for name, took in sorted({**sums, "unknown": sums.get("unknown", 0) + unknown}.items())
                if took
            },
            "spans": [{"from": at_text(a), "to": at_text(b), "state": name} for a, b, name in _timeline(spans, need)],
        }


def state_need(one: Register, start: datetime, end: datetime) -> Span:
    """By its own limit of silence."""
    limit = one.silence or end - start
    return Span(one.asset, one.path, micros(start), micros(end), limit // timedelta(microseconds=1))


def _timeline(spans: Sequence[state.Said], need: Span) -> Iterator[tuple[int, int, str]]:
    """The whole stretch without a hole: what nobody said is unknown."""
    at = need.start
    for span in spans:
        if at < span.start:
            yield at, span.start, "unknown"
        yield span.start, span.end, span.category
        at = span.end
    if at < need.end:
        yield at, need.end, "unknown"
