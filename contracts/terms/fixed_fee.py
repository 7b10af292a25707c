"""A fee for each month, quarter or year, of the contract or of each asset."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from contracts.alike import likeness
from contracts.evaluation import Figure, Step, Verdict
from contracts.notation import day_of, month, period
from contracts.phrase import one_by_one, say
from contracts.plan import key_of
from contracts.pricing import total
from contracts.scene import Draft, Outcome
from contracts.segment import Segment, days_touched, in_force, periods, segments
from contracts.span import normal
from contracts.terms.base import Term
from contracts.terms.indexation import is_indexed, moves, written_at
from contracts.words import Flag, MoneyWord
from contracts.written import prepare, renamed
from core.canonical import fraction_text
from core.problem import Problem
from core.time import instant, micros

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Mapping
    from datetime import date

    from contracts.alike import Likeness
    from contracts.document import Version
    from contracts.evaluation import Line
    from contracts.scene import Scene
    from contracts.segment import Lineage
    from contracts.span import Spans
    from contracts.written import Told
    from core.time import Period

NOBODY = "contract"
"""Owner of a fee that no asset owes."""
MOST = 64
"""Fees of so many patterns and periods are kept."""
_KNOWN: dict[Hashable, tuple[Likeness, Outcome]] = {}


class FixedFee(Term):
    """Parameters. every: the window of one fee; advance: invoiced ahead (contracts/advance.py)."""

    kind: Literal["fixed_fee"]
    amount: MoneyWord
    every: Literal["month", "quarter", "year"]
    per: Literal["contract", "asset"]
    proration: Literal["calendar_days", "none"]
    advance: Flag = False

    def check(self, version: Version) -> Iterator[Problem]:
        """Beyond what every term has: a fee is not below zero."""
        yield from super().check(version)
        if self.amount.amount < 0:
            yield Problem("amount", f"{self.amount} is below zero", "a credit is a remedy of a promise, not a fee")


def evaluate(scene: Scene, lineage: Lineage) -> Outcome:
    """A line for each asset (or the contract) and segment: every fee window that ends in the period, by its days.

    Unless an index moves the fee, no fact has a say in it, so that it is prepared once.
    """
    if is_indexed(scene, lineage):
        return _evaluate(scene, lineage)
    key = "fees", key_of(lineage), scene.period.label, scene.start, scene.end, scene.running
    return scene.plan.once(key, lambda: _alike(scene, lineage, key))


def _alike(scene: Scene, lineage: Lineage, key: Hashable) -> Outcome:
    """Worked out, or as it was for a contract that differs in names only."""
    like = likeness(scene.plan)
    if like is None or NOBODY in like.assets:
        return _prepared(_evaluate(scene, lineage))
    known = _KNOWN.get((like.key, key))
    if known is not None:
        return _of_others(scene, known[1], known[0].names(like))
    if len(_KNOWN) >= MOST:
        _KNOWN.clear()
    _KNOWN[like.key, key] = like, _prepared(_evaluate(scene, lineage))
    return _KNOWN[like.key, key][1]


def _of_others(scene: Scene, known: Outcome, names: Mapping[str, str]) -> Outcome:
    """The same lines and verdicts with other owners."""
    found = Outcome()
    found.lines = [scene.line_as(line, names.get(line.owner, line.owner)) for line in known.lines]
    found.verdicts = [one._replace(owner=names.get(one.owner, one.owner)) for one in known.verdicts]
    had: list[Told] = [*known.lines, *known.verdicts]
    have: list[Told] = [*found.lines, *found.verdicts]
    found.prepared = {
        id(one): (one, renamed(known.prepared[id(like)][1], like, one)) for like, one in zip(had, have, strict=True)
    }
    return found


def _prepared(outcome: Outcome) -> Outcome:
    outcome.prepared = prepare(outcome.lines, outcome.verdicts)
    return outcome


def _evaluate(scene: Scene, lineage: Lineage) -> Outcome:
    outcome = Outcome()
    by_clause: dict[tuple[str, str], list[Fraction]] = {}
    told: dict[int, Line] = {}
    for segment, owner, draft in drafts_of(scene, lineage, ending(scene, lineage)):
        like = told.get(id(draft))
        if like is None:
            line = told[id(draft)] = scene.line(segment, owner, draft)
        else:
            line = scene.line_as(like, owner)
        outcome.lines.append(line)
        by_clause.setdefault((segment.term.clause, owner), []).append(draft.exact)
    outcome.verdicts += [_verdict(scene, *key, total(amounts)) for key, amounts in by_clause.items()]
    return outcome


def drafts_of(scene: Scene, lineage: Lineage, windows: Iterable[Period]) -> list[tuple[Segment, str, Draft]]:
    """A line before rounding for each owner and segment: its days of these windows of the fee.

    Owners of one segment whose time is the same have the very same draft, and most of a fleet's are.
    """
    shares: dict[tuple[str, int], list[_Share]] = {}
    for window in windows:
        for share in _shares(scene, lineage, window):
            shares.setdefault((share.owner, share.segment.version.version), []).append(share)
    cuts = Counter(owner for owner, _ in shares)
    alike: dict[object, Draft] = {}
    found = []
    for (owner, _), parts in shares.items():
        several = cuts[owner] > 1
        time = several, tuple([part.time for part in parts])
        if time not in alike:
            alike[time] = _draft(parts, several=several)
        found.append((parts[0].segment, owner, alike[time]))
    return found


class _Share:
    """One owner's days of one fee window within one segment."""

    __slots__ = ("amount", "days", "end", "of", "owner", "segment", "start", "window")

    def __init__(
        self, owner: str, segment: Segment, window: Period, days: tuple[int, int], span: tuple[int, int]
    ) -> None:
        self.owner, self.segment, self.window = owner, segment, window
        self.days, self.of = days
        self.start, self.end = span
        self.amount = Fraction(self.fee.amount.amount)

    @property
    def fee(self) -> FixedFee:
        term = self.segment.term
        if not isinstance(term, FixedFee):
            raise TypeError("a share of a fee belongs to a fixed_fee")
        return term

    @property
    def time(self) -> tuple[int, str, int, int, int, int]:
        """All that it says of an owner follows from it."""
        return id(self.segment), self.window.label, self.days, self.of, self.start, self.end

    @property
    def exact(self) -> Fraction:
        return self.amount * self.days / self.of


def ending(scene: Scene, lineage: Lineage) -> Iterator[Period]:
    """Windows of the fee that end in the period; the last is cut short by the end of the agreement."""
    ruling = in_force(scene.versions, scene.start, scene.end)
    last = ruling[-1][2] if ruling else scene.start
    seen: set[str] = set()
    for version, since, until in ruling:
        term = lineage.get(version.version)
        if not isinstance(term, FixedFee):
            continue
        for window in periods(version, since, until, kind=term.every):
            ends = micros(window.span.end)
            over = ends <= scene.end or (last < scene.end and ends > last)
            if over and window.label not in seen:
                seen.add(window.label)
                yield window


def _shares(scene: Scene, lineage: Lineage, window: Period) -> Iterator[_Share]:
    start, end = window.span.micros
    counted: dict[str, int] = {}
    taken: dict[str, frozenset[date]] = {}
    for segment in segments(scene.versions, lineage, start, end):
        fee = segment.term
        if not isinstance(fee, FixedFee) or fee.every != window.kind:
            continue
        for owner, spans in _owners(scene, fee, segment).items():
            days, before = days_touched(spans, scene.zone), taken.get(owner)
            if before:
                days -= before
            taken[owner] = before | days if before else days
            whole = fee.proration == "none"
            if not days or (whole and counted.get(owner)):
                continue
            counted[owner] = 1
            part = (1, 1) if whole else (len(days), window.days)
            share = _Share(owner, segment, window, part, (spans[0][0], spans[-1][1]))
            if is_indexed(scene, lineage):
                done = moves(scene, fee.clause, written_at(scene, lineage, segment.start))
                moved = [move for move in done if move.at <= share.start]
                share.amount = Fraction(moved[-1].price(share.amount)) if moved else share.amount
            yield share


def _owners(scene: Scene, fee: FixedFee, segment: Segment) -> dict[str, Spans]:
    if fee.per == "contract":
        return {NOBODY: normal([(segment.start, segment.end)])}
    return scene.plan.covered(fee.applies_to, segment.start, segment.end)


def _draft(parts: list[_Share], *, several: bool) -> Draft:
    steps = tuple(
        Step(
            f"fee for {part.window.label}",
            "amount × days ÷ days of the window" if part.days != part.of else "amount",
            {
                "amount": f"{fraction_text(part.amount)} {part.fee.amount.currency}",
                "days": str(part.days),
                "days of the window": str(part.of),
            },
            f"{fraction_text(part.exact)} {part.fee.amount.currency}",
        )
        for part in parts
    )
    version = parts[0].segment.version
    prefix = say(version.language, "version", version.version) if several else ""
    text = prefix + one_by_one(version.language, (_words(part) for part in parts))
    whole = sum((part.exact for part in parts), Fraction(0))
    return Draft(parts[0].start, parts[-1].end, text, whole, steps=steps)


def _words(part: _Share) -> str:
    language = part.segment.version.language
    if part.days == part.of:
        return _window_words(part.window, language)
    where = part.window.zone
    first, last = (instant(at).astimezone(where) for at in (part.start, part.end - 1))
    return say(language, "days", day_of(language, first), day_of(language, last), last.year, part.days, part.of)


def _window_words(window: Period, language: str) -> str:
    first = window.first_day
    return f"{month(language, first)} {first.year}" if window.kind == "month" else period(window.label, language)


def _verdict(scene: Scene, clause: str, owner: str, exact: Fraction) -> Verdict:
    status = "provisional" if scene.running else "final"
    values = {"unrounded": Figure(exact, scene.currency)}
    return Verdict(clause, "fixed_fee", owner, "-", status, not scene.running, scene.start, scene.end, values)  # type: ignore[arg-type]
