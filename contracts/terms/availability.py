"""A share of time that is promised: parameters and what is wrong with them. Its evaluation: contracts/uptime.py."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from contracts.facts import CATEGORIES
from contracts.remedy import Remedy
from contracts.tally import Rules
from contracts.terms.base import Term
from contracts.words import DurationWord, Name, Share, first_of
from core.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from contracts.document import Version

Treatment = Annotated[Fraction | str, first_of("up", "down", "exclude", "measured", "share")]


class Availability(Remedy, Term):
    """Parameters of an availability promise, with its remedy written flat."""

    PROMISE: ClassVar[bool] = True

    kind: Literal["availability"]
    measure: Name
    target: Share
    window: Literal["month", "quarter", "contract_year", "rolling_12_months"]
    required: Name
    aggregate: Literal["asset", "pool"]
    treatments: dict[str, Treatment]
    min_coverage: Share | None = None
    planned_allowance: DurationWord | None = None
    planned_notice: DurationWord | None = None
    min_outage: DurationWord | None = None
    min_outage_mode: Literal["threshold", "deductible", "whole_minutes"] = "threshold"
    merge_within: DurationWord | None = None
    burn_in: DurationWord | None = None
    round_to: Share | None = None

    @property
    def measures(self) -> tuple[str, ...]:
        """What is observed."""
        return (self.measure,)

    def rules(self, zone: ZoneInfo) -> Rules:
        """How time counts."""
        return Rules(
            self.treatments,
            zone,
            self.clause,
            self.planned_allowance.elapsed if self.planned_allowance else None,
            self.planned_notice,
            self.min_outage.elapsed if self.min_outage else 0,
            self.min_outage_mode,
            self.merge_within.elapsed if self.merge_within else 0,
        )

    def compared(self, result: Fraction) -> Fraction:
        """The result as it is compared: unrounded, unless the contract rounds it."""
        if not self.round_to:
            return result
        return Fraction((2 * result / self.round_to + 1) // 2) * self.round_to

    def check(self, version: Version) -> Iterator[Problem]:
        """Every category is treated, every result has a rung, every window can be measured."""
        yield from super().check(version)
        yield from self._check_measure(version)
        yield from self._check_treatments()
        yield from self.check_remedy()
        yield from self.check_earn_back(self.target)
        yield from self.check_clauses("base", self.base, version)
        for name in ("target", "min_coverage"):
            share = getattr(self, name)
            if share is not None and not 0 <= share <= 1:
                yield Problem(name, "is no part of a whole", "write 0 % to 100 %")
        if self.earn_back_target is not None and self.earn_back_target > 1:
            yield Problem("earn_back_target", "is more than the whole", "write 100 % or less")
        if self.round_to is not None and self.round_to <= 0:
            yield Problem("round_to", "is not above zero", "write 0.01 %, or leave it out")
        for name in ("planned_allowance", "min_outage", "merge_within"):
            duration = getattr(self, name)
            if duration is not None and (duration.months or duration.days):
                yield Problem(name, f"{duration} is a step of the calendar", "write elapsed time, such as 8 h")

    def _check_measure(self, version: Version) -> Iterator[Problem]:
        measure = version.measure_by_name.get(self.measure)
        if measure is not None and measure.kind != "state_time":
            yield Problem("measure", f"{self.measure} is a {measure.kind}", "availability is measured by a state_time")
        calendars = {calendar.calendar for calendar in version.calendars} | {"24x7"}
        if self.required not in calendars:
            yield Problem("required", f"{self.required!r} is no calendar", f"one of {', '.join(sorted(calendars))}")

    def _check_treatments(self) -> Iterator[Problem]:
        missing = [name for name in CATEGORIES if name not in self.treatments]
        if missing:
            yield Problem("treatments", f"{', '.join(missing)} is missing", "say of every category what it is")
        for category, treatment in self.treatments.items():
            if category not in CATEGORIES:
                yield Problem(f"treatments.{category}", "is no category of time", f"one of {', '.join(CATEGORIES)}")
            if isinstance(treatment, Fraction) and not 0 <= treatment <= 1:
                yield Problem(f"treatments.{category}", "is no part of a whole", "write 0 % to 100 %")
        if self.treatments.get("unknown") == "exclude" and self.min_coverage is None:
            yield Problem("min_coverage", "is missing", "unknown time is excluded, so say how much data is enough")
