"""Contesting a line, the burden of proof, and what follows when a test finds a meter wrong."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Literal

from contracts.evaluation import Figure, Step, Verdict
from contracts.phrase import listed, say
from contracts.recount import correct
from contracts.scene import Draft, Outcome
from contracts.segment import Segment, covered, version_at
from contracts.terms.base import Term
from contracts.words import DurationWord, Name, Share
from core import canonical
from core.canonical import fraction_text
from core.money import round_fraction
from core.problem import Problem
from core.time import instant, micros, midnight, wall_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from contracts.document import Version
    from contracts.facts import MeterTest
    from contracts.recount import Correction
    from contracts.scene import Scene
    from contracts.segment import Lineage

DAY = 86_400_000_000


class EvidenceDispute(Term):
    """Parameters. back_correction: over the time since the last test, or its later half; at most max_back."""

    kind: Literal["evidence_dispute"]
    of: Name
    contest_within: DurationWord
    tolerance: Share
    back_correction: Literal["half_since_test", "since_test"]
    max_back: DurationWord
    retention: DurationWord
    burden: Literal["provider", "customer"]

    def check(self, version: Version) -> Iterator[Problem]:
        """It is about a charge that a meter counts."""
        yield from super().check(version)
        yield from self.check_kinds("of", (self.of,), version, ("usage_charge",))
        if self.tolerance < 0:
            yield Problem("tolerance", "is below zero", "write a share")


def evaluate(scene: Scene, lineage: Lineage) -> Outcome:
    """A line for each asset whose meter was tested in the period and found wrong beyond the tolerance."""
    outcome = Outcome()
    ruling = version_at(scene.versions, max(scene.start, scene.versions[0].effective_from))
    present = lineage.get(ruling.version) if ruling else None
    if ruling is None or not isinstance(present, EvidenceDispute):
        return outcome
    found = list(corrections(scene, lineage))
    for n, (test, version, term) in enumerate(found):
        again = (test.asset, version.version) in [(before.asset, ruled.version) for before, ruled, _ in found[:n]]
        _correct(scene, (test, version, term), outcome, again=again)
    corrected = {test.asset for test, _, _ in found}
    charged = ruling.term_by_clause[present.of]
    for asset in covered(scene.versions, charged.applies_to, scene.start, scene.end):
        if asset not in corrected:
            outcome.verdicts.append(_verdict(scene, present, asset, {}))
    return outcome


def corrections(scene: Scene, lineage: Lineage) -> Iterator[tuple[MeterTest, Version, EvidenceDispute]]:
    """Tests of the period that found the clause's meter wrong; exactly the tolerance is within it."""
    for test in sorted(scene.facts.meter_tests, key=lambda t: (t.asset, t.tested)):
        version = version_at(scene.versions, test.tested)
        term = lineage.get(version.version) if version else None
        if version is None or not isinstance(term, EvidenceDispute) or not scene.start <= test.tested < scene.end:
            continue
        charged = version.term_by_clause[term.of]
        measure = version.measure_by_name[charged.measures[0]]
        mine = test.asset in covered((version,), charged.applies_to, 0, test.tested + 1)
        if mine and measure.register_path == test.register and abs(test.error) > term.tolerance:
            yield test, version, term


def window(scene: Scene, term: EvidenceDispute, test: MeterTest) -> tuple[int, int]:
    """The stretch that is corrected: since the last test, or the later half of it, at most so far back."""
    start = test.last_tested
    if term.back_correction == "half_since_test":
        start = _half(scene, test)
    return max(start, micros(term.max_back.before(instant(test.tested), scene.zone))), test.tested


def _half(scene: Scene, test: MeterTest) -> int:
    """Half-way between two tests: whole days where both are midnights an even number of days apart."""
    first, last = (instant(at).astimezone(scene.zone) for at in (test.last_tested, test.tested))
    days = (last.date() - first.date()).days
    at_midnight = all(micros(midnight(at.date(), scene.zone)) == micros(at) for at in (first, last))
    if at_midnight and days % 2 == 0:
        return micros(midnight(type(first.date()).fromordinal(first.date().toordinal() + days // 2), scene.zone))
    return (test.last_tested + test.tested) // 2


def _correct(scene: Scene, rule: tuple[MeterTest, Version, EvidenceDispute], outcome: Outcome, *, again: bool) -> None:
    """The line and verdict of one test. again: of an asset that was tested before in the period."""
    test, version, term = rule
    span = window(scene, term, test)
    of = {v.version: t for v in scene.versions if (t := v.term_by_clause.get(term.of)) is not None}
    found = correct(scene, of, test.asset, span, 1 / (1 + test.error))
    place = f"clause {term.clause}, {test.asset}, "
    outcome.problems += [Problem(place + p.place, p.message, p.remedy) for p in found.problems]
    over = found.measured - found.corrected
    values = {"corrected": Figure(found.corrected, found.unit), "over_measured": Figure(over, found.unit)}
    if found.exact:
        segment = Segment(term, version, *span)
        draft = Draft(*span, _words(version, span, found), found.exact, -over, found.unit, _steps(test, found))
        line = scene.line(segment, test.asset, draft)
        outcome.lines.append(scene.named(line, f"test of {canonical.plain(instant(test.tested))}") if again else line)
    outcome.verdicts.append(_verdict(scene, term, test.asset, values))


def _words(version: Version, span: tuple[int, int], found: Correction) -> str:
    language = version.language
    first, last = (wall_text(instant(at), version.zone)[:10] for at in (span[0], span[1] - 1))
    at = say(language, "at prices", listed(language, found.prices)) if found.prices else ""
    return say(language, "recounted", first, last, _short(found.corrected), _short(found.measured), found.unit, at)


def _short(value: Fraction) -> str:
    text = fraction_text(value)
    return f"{round_fraction(value, 4, 'half_up'):f}" if "/" in text else text


def _steps(test: MeterTest, found: Correction) -> tuple[Step, ...]:
    values = {"measured": f"{_short(found.measured)} {found.unit}", "error": f"{fraction_text(test.error * 100)} %"}
    return (
        Step("corrected", "measured ÷ (1 + error)", values, f"{_short(found.corrected)} {found.unit}"),
        Step("difference", "cost as corrected - cost as measured", {}, _short(found.exact)),
    )


def _verdict(scene: Scene, term: EvidenceDispute, owner: str, values: dict[str, Figure]) -> Verdict:
    status = "provisional" if scene.running else "final"
    return Verdict(term.clause, term.kind, owner, "-", status, not scene.running, scene.start, scene.end, values)  # type: ignore[arg-type]
