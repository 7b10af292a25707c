"""Windows over which a promise is measured, and the required time in them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar

from contracts.calendar import required
from contracts.plan import key_of
from contracts.segment import FOREVER, contract_years, periods, version_at
from contracts.span import Spans, subtract
from core.time import Period, instant, micros, step

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from contracts.document import Version
    from contracts.scene import Scene
    from contracts.segment import Lineage
    from contracts.terms.availability import Availability
    from contracts.terms.base import Term

WindowKind: TypeAlias = Literal["period", "month", "quarter", "contract_year", "rolling_12_months"]


T = TypeVar("T", bound="Term")


@dataclass(frozen=True, slots=True)
class Window(Generic[T]):
    """A stretch over which the promise is measured. over: it ends in the period, so that it is settled now.

    later: another one of the same version ends in the period before it.
    """

    label: str
    start: int
    end: int
    version: Version
    term: T
    over: bool
    later: bool = False


def windows(scene: Scene, lineage: Lineage, kind: type[T]) -> Sequence[Window[T]]:
    """Windows that end in the period, by the version in force when each begins; without one, those still running."""
    key = "windows", kind, key_of(lineage), scene.start, scene.end
    return scene.plan.once(key, lambda: _windows(scene, lineage, kind))


def _windows(scene: Scene, lineage: Lineage, kind: type[T]) -> list[Window[T]]:
    found = [w for version in scene.versions for w in _of_version(scene, lineage, version, kind)]
    over = [window for window in found if window.over]
    in_order = sorted(over or found, key=lambda window: window.start)
    ruling = [window.version.version for window in in_order]
    return [
        replace(window, later=number in ruling[:n])
        for n, (window, number) in enumerate(zip(in_order, ruling, strict=True))
    ]


def _of_version(scene: Scene, lineage: Lineage, version: Version, kind: type[T]) -> Iterator[Window[T]]:
    term = lineage.get(version.version)
    if not isinstance(term, kind):
        return
    for label, start, end in _spans(scene, version, term.window):  # type: ignore[attr-defined]  # windowed kinds have one
        begins = max(start, scene.versions[0].effective_from)
        ruling = version_at(scene.versions, begins)
        if ruling is version and start < scene.end:
            yield Window(label, start, end, version, term, scene.start < end <= scene.end)


def _spans(scene: Scene, version: Version, window: WindowKind) -> Iterator[tuple[str, int, int]]:
    if window == "contract_year":
        for start, end in contract_years(scene.versions, scene.start, scene.end):
            yield _year(scene, start, end), start, end
        return
    kind = {"quarter": "quarter", "period": version.billing.period}.get(window, "month")
    for period in periods(version, scene.start, scene.end, kind=kind):
        start, end = period.span.micros
        if window == "rolling_12_months":
            start = micros(step(period.span.end, scene.zone, months=-12))
        yield period.label, start, end


def _year(scene: Scene, start: int, end: int) -> str:
    return f"{instant(start).astimezone(scene.zone).date()} to {instant(end).astimezone(scene.zone).date()}"


def earlier(scene: Scene, window: Window[Any]) -> Iterator[str]:
    """What the windows just before are called, the last first: of contract years there is a first, of others none."""
    if window.term.window == "contract_year":
        years = contract_years(scene.versions, scene.versions[0].effective_from, window.start)
        yield from reversed([_year(scene, *year) for year in years])
        return
    period = Period.parse(window.label, scene.zone, anchor_day=window.version.billing.anchor_day)
    while True:
        period = period.previous()
        yield period.label


def required_spans(scene: Scene, window: Window[Availability]) -> dict[str, Spans]:
    """By asset, the required time of a window so far: covered, in the calendar, after the burn-in, not resting."""
    found = {}
    ever = scene.plan.covered(window.term.applies_to, 0, FOREVER) if window.term.burn_in else {}
    so_far = scene.plan.covered(window.term.applies_to, window.start, min(window.end, scene.until))
    for asset, spans in so_far.items():
        if window.term.burn_in:
            joined = ever[asset][0][0]
            burnt = micros(window.term.burn_in.after(instant(joined), scene.zone))
            spans = subtract(spans, ((joined, burnt),)) if burnt > joined else spans  # noqa: PLW2901
        resting = scene.resting(window.term.clause, asset)
        found[asset] = required(window.version, window.term.required, subtract(spans, resting))
    return found


def base_periods(scene: Scene, window: Window[T], base: tuple[str, ...]) -> list[Period]:
    """Periods whose charges of these clauses are what a window's credit, or its minimum, is counted from."""
    if not base:
        return []
    whole = (window.start, window.end) == (scene.start, scene.end)
    kind_of_window: WindowKind = window.term.window  # type: ignore[attr-defined]  # windowed kinds have one
    if whole or kind_of_window == "rolling_12_months":
        return [scene.period]
    kind = "month" if kind_of_window == "month" else None
    start = max(window.start, scene.versions[0].effective_from)
    return list(periods(window.version, start, min(window.end, scene.until), kind=kind))
