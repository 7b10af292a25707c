"""The overview of a contract's period: cost so far, usage by day, uptime, and what was invoiced before."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from threading import Lock

from api import usage
from api.portal import chart
from api.portal.bill import Bill
from api.portal.forecast import Forecast, Range, forecast
from api.portal.format import figure
from api.visit import Visit
from billing.store import view as billing_view
from billing.store.view import InvoiceView
from contracts.document import Measure
from contracts.store import view as contract_view
from core.time import Period

# Beyond this many assets a chart of every day is too much to compute while somebody waits.
MOST_ASSETS = 400
# Quantity and whether a boundary was carried, by the start of a stretch.
Used = dict[datetime, tuple[Fraction, bool]]
REMEMBERED: OrderedDict[tuple[object, ...], Used | None] = OrderedDict()
MOST_REMEMBERED = 256
LOCK = Lock()


@dataclass(frozen=True, slots=True)
class Day:
    """A day of the chart; `quantity` is None for days to come, `before` is the same day of the period before.

    expected: of the whole day, from today on.
    """

    at: datetime
    quantity: Fraction | None
    before: Fraction | None
    estimated: bool
    today: bool
    expected: Range | None = None


@dataclass(frozen=True, slots=True)
class UsageChart:
    """What the contract's assets used by day, and in the period before up to the same point."""

    measure: Measure
    days: list[Day]
    total: Fraction
    before: Fraction | None
    expected: Range | None
    daily: chart.Daily
    cumulative: chart.Cumulative


@dataclass(frozen=True, slots=True)
class Kept:
    """How the promises stand together: counted availability over all, in percent, and how many miss."""

    share: Fraction | None
    coverage: Fraction | None
    count: int
    missed: int
    open: int


def usage_chart(visit: Visit, bill: Bill, measure: Measure) -> UsageChart | None:
    """The chart of one measure; None with nothing to draw, or too many assets.

    It knows what the bill beside it knows, so their sums agree; the period before, what its own bill knew.
    """
    before_start, before_end = _before(bill)
    until, cuts = min(bill.until, bill.end), usage.days(bill.start, bill.end, bill.zone)
    used = _used(visit, bill, measure, [at for at in cuts if at < until] + [until], known=bill.known)
    if used is None:
        return None
    earlier = usage.days(before_start, before_end, bill.zone)
    same = before_start + (until - bill.start)
    split = sorted({*earlier, *([same] if before_start < same < before_end else [])})
    known = bill.earlier.known if bill.earlier and bill.earlier.known is not None else bill.known
    was = _used(visit, bill, measure, split, known=known) or {}
    whole = _whole_days(was, earlier)
    days = _days(bill, cuts, used, was=whole, until=until)
    ahead = _ahead(days, whole)
    if ahead:
        days[-len(ahead.days) :] = map(_expecting, days[-len(ahead.days) :], ahead.days)
    measured, shadow = [day.quantity for day in days], [day.before or Fraction(0) for day in days]
    return UsageChart(
        measure=measure,
        days=days,
        expected=ahead.total if ahead else None,
        total=sum((quantity for quantity, _ in used.values()), Fraction(0)),
        before=sum((quantity for at, (quantity, _) in was.items() if at < same), Fraction(0)) if was else None,
        daily=chart.daily(measured, shadow if was else [], ahead.days if ahead else ()),
        cumulative=chart.cumulative(
            measured, shadow if was else [], bill.elapsed, expected=ahead.sums if ahead else ()
        ),
    )


def _used(visit: Visit, bill: Bill, measure: Measure, cuts: Sequence[datetime], *, known: int) -> Used | None:
    """What all assets used between cuts; None if there are none, or too many. What is known at K never changes."""
    key = (visit.viewer.party, visit.viewer.role, bill.contract.id, measure.measure, cuts[0], cuts[-1], known)
    with LOCK:
        if key in REMEMBERED:
            REMEMBERED.move_to_end(key)
            return REMEMBERED[key]
    covered = contract_view.coverage(visit.connection, [bill.contract.id], start=cuts[0], end=cuts[-1])
    names = {one.name for one in covered}
    few = 0 < len(names) <= MOST_ASSETS
    found = _by_start(usage.between(visit.connection, names, measure, cuts, known=known)) if few else None
    with LOCK:
        REMEMBERED[key] = found
        while len(REMEMBERED) > MOST_REMEMBERED:
            REMEMBERED.popitem(last=False)
    return found


def kept(bill: Bill) -> Kept | None:
    """How the promises of a bill stand together; None if there are none."""
    if not bill.promises:
        return None
    measured = [one for one in bill.promises if "counted" in one.values]
    counted = sum((figure(one.values["counted"]) for one in measured), Fraction(0))
    down = sum((figure(one.values["down"]) for one in measured), Fraction(0))
    required = sum((figure(one.values["required"]) for one in measured), Fraction(0))
    seen = sum(
        (figure(one.values.get("coverage", "100 %")) * figure(one.values["required"]) for one in measured), Fraction(0)
    )
    return Kept(
        share=100 * (counted - down) / counted if counted else None,
        coverage=seen / required if required else None,
        count=len(bill.promises),
        missed=len(bill.missed),
        open=sum(one.state == "not_determined" for one in bill.promises),
    )


def invoices(visit: Visit, bill: Bill, most: int) -> list[InvoiceView]:
    """The newest invoices of the bill's contract."""
    return billing_view.invoices(visit.connection, contract=bill.contract.id, most=most)


def before(found: Sequence[InvoiceView], bill: Bill) -> InvoiceView | None:
    """The invoice of the period before."""
    return next((one for one in found if one.service_end == bill.start and one.kind == "invoice"), None)


def _before(bill: Bill) -> tuple[datetime, datetime]:
    billing = bill.document["billing"]
    this = Period.parse(bill.label, bill.zone, anchor_day=int(billing.get("anchor_day", "1")))
    span = this.previous().span
    return span.start, span.end


def _by_start(uses: Sequence[usage.Use]) -> Used:
    out: Used = {}
    for one in uses:
        quantity, carried = out.get(one.start, (Fraction(0), False))
        out[one.start] = quantity + one.quantity, carried or one.carried
    return out


def _whole_days(was: Used, cuts: Sequence[datetime]) -> list[Fraction]:
    """Quantities by day, where one day was cut in two."""
    return [
        sum((quantity for at, (quantity, _) in was.items() if start <= at < end), Fraction(0))
        for start, end in pairwise(cuts)
    ]


def _ahead(days: Sequence[Day], before: Sequence[Fraction]) -> Forecast | None:
    """What the rest of a running period comes to; None in a closed one, or if too little is known."""
    now = next((n for n, day in enumerate(days) if day.today), None)
    if now is None:
        return None
    known = [day.quantity or Fraction(0) for day in days[: now + 1]]
    return forecast([*before, *known[:-1]], sum(known, Fraction(0)), today=known[-1], left=len(days) - now)


def _expecting(day: Day, expected: Range) -> Day:
    return replace(day, expected=expected)


def _days(
    bill: Bill,
    cuts: Sequence[datetime],
    used: Used,
    *,
    was: Sequence[Fraction],
    until: datetime,
) -> list[Day]:
    out = []
    for n, (start, end) in enumerate(pairwise(cuts)):
        quantity, carried = used.get(start, (Fraction(0), False))
        out.append(
            Day(
                at=start,
                quantity=quantity if start < until else None,
                before=was[n] if n < len(was) and any(was) else None,
                estimated=carried,
                today=bill.open and start < until <= end,
            )
        )
    return out
