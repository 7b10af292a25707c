"""Text to contract versions, or every problem in it with its place. A version keeps the text it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, PrivateAttr, Tag, TypeAdapter, ValidationError

from contracts.terms.allowance import Allowance
from contracts.terms.availability import Availability
from contracts.terms.base import NotComputed, Term
from contracts.terms.event_guarantee import EventGuarantee
from contracts.terms.evidence_dispute import EvidenceDispute
from contracts.terms.fixed_fee import FixedFee
from contracts.terms.gain_share import GainShare
from contracts.terms.indexation import Indexation
from contracts.terms.minimum_commitment import MinimumCommitment
from contracts.terms.obligation import Obligation
from contracts.terms.performance import Performance
from contracts.terms.prepaid import Prepaid
from contracts.terms.replenishment import Replenishment
from contracts.terms.spend_cap import SpendCap
from contracts.terms.termination_right import TerminationRight
from contracts.terms.usage_charge import UsageCharge
from contracts.text import Path, TextDocument, read
from contracts.words import (
    Context,
    Count,
    DurationWord,
    Flag,
    Micros,
    MoneyWord,
    Name,
    Part,
    QuantityWord,
    Share,
    Unit,
    Word,
    problems_of,
)
from core import canonical
from core.money import NotMoney, exponent, is_currency
from core.problem import Problem, Problems
from core.time import Duration, UnknownZone, zone
from core.units import convertible

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

KINDS = (
    "fixed_fee", "usage_charge", "allowance", "minimum_commitment", "indexation", "availability", "event_guarantee",
    "performance", "gain_share", "obligation", "replenishment", "termination_right", "evidence_dispute", "spend_cap",
    "prepaid",
)  # fmt: skip
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def _tag(value: Any) -> str:
    if not isinstance(value, dict) or "not_computed" in value:
        return "not_computed"
    return str(value.get("kind"))


AnyTerm = Annotated[
    Annotated[FixedFee, Tag("fixed_fee")]
    | Annotated[UsageCharge, Tag("usage_charge")]
    | Annotated[Availability, Tag("availability")]
    | Annotated[NotComputed, Tag("not_computed")]
    | Annotated[Allowance, Tag("allowance")]
    | Annotated[MinimumCommitment, Tag("minimum_commitment")]
    | Annotated[Indexation, Tag("indexation")]
    | Annotated[EventGuarantee, Tag("event_guarantee")]
    | Annotated[Performance, Tag("performance")]
    | Annotated[GainShare, Tag("gain_share")]
    | Annotated[Obligation, Tag("obligation")]
    | Annotated[Replenishment, Tag("replenishment")]
    | Annotated[TerminationRight, Tag("termination_right")]
    | Annotated[EvidenceDispute, Tag("evidence_dispute")]
    | Annotated[SpendCap, Tag("spend_cap")]
    | Annotated[Prepaid, Tag("prepaid")],
    Discriminator(
        _tag,
        custom_error_type="unknown_kind",
        custom_error_message=f"kind is missing or unknown; write one of {', '.join(KINDS)}, or not_computed",
    ),
]


class Billing(Part):
    """How the contract is billed. decimals: of a line."""

    period: Literal["month", "quarter", "year"]
    rounding: Literal["half_up", "half_even"]
    decimals: Count
    anchor_day: Count = 1
    cutoff: DurationWord = Field(default_factory=lambda: Duration(days=3))
    payment: DurationWord | None = None
    correction: Literal["delta_line", "credit_note"] = "delta_line"
    correction_window: DurationWord | None = None
    dispute_window: DurationWord | None = None
    min_credit: MoneyWord | None = None
    tax_category: Name | None = None
    tax_rate: Share | None = None
    tax_of_credits: Literal["price_reduction", "outside_scope"] | None = None


class Calendar(Part):
    """Required time that is not round the clock: these days, from one clock time to another."""

    calendar: Name
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...]
    start: Annotated[str, Field(alias="from", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]
    end: Annotated[str, Field(alias="to", pattern=r"^(([01]\d|2[0-3]):[0-5]\d|24:00)$")]
    holidays: tuple[Micros, ...] = ()


class Coverage(Part):
    """When an asset is under the contract, in microseconds; end None: open."""

    asset: Name
    start: Annotated[Micros, Field(alias="from")]
    end: Annotated[Micros | None, Field(alias="to")] = None
    group: Name | None = None


class Measure(Part):
    """How a quantity is observed."""

    measure: Name
    kind: Literal["counter_delta", "state_time", "gauge_level", "gauge_mean", "gauge_fall", "event_count", "ratio"]
    register_path: Annotated[Name | None, Field(alias="register")] = None
    of: Name | None = None
    per: Name | None = None
    unit: Unit | None = None
    on_reset: Literal["hold", "assume_zero", "documented_only"] | None = None
    boundary: Literal["interpolate", "at_reading"] | None = None
    modulus: QuantityWord | None = None
    max_rate: QuantityWord | None = None
    max_gap: DurationWord | None = None
    require_signature: Flag = False
    min_time_status: Name | None = None

    @property
    def max_gap_micros(self) -> int | None:
        """Microseconds of silence after which nothing is known."""
        return self.max_gap.elapsed if self.max_gap else None


class Version(Part):
    """One contract version, whole. Instants are microseconds."""

    format: Annotated[Literal["contract/1"], Field(alias="schema")]
    contract: Name
    version: Count
    effective_from: Micros
    recorded_at: Micros
    ends: Micros | None = None
    reason: Word | None = None
    parties: dict[Name, Word]
    currency: Name
    timezone: Name
    language: Name = "en"
    billing: Billing
    calendars: tuple[Calendar, ...] = ()
    coverage: tuple[Coverage, ...]
    measures: tuple[Measure, ...] = ()
    terms: tuple[AnyTerm, ...]

    _source: dict[str, Any] = PrivateAttr(default_factory=dict)

    @property
    def canonical(self) -> dict[str, Any]:
        """The version as it was written: maps, lists and text, with the names of the contract format."""
        return self._source

    @cached_property
    def hash(self) -> str:
        """Sha256 of the canonical JSON."""
        return canonical.digest(self._source)

    @cached_property
    def zone(self) -> ZoneInfo:
        """The contract's zone, from the pinned database."""
        return zone(self.timezone)

    @cached_property
    def owners(self) -> frozenset[str]:
        """Covered assets and their groups."""
        return frozenset(c.asset for c in self.coverage) | {c.group for c in self.coverage if c.group}

    @cached_property
    def measure_by_name(self) -> dict[str, Measure]:
        """Measures by their name."""
        return {measure.measure: measure for measure in self.measures}

    @cached_property
    def indexed(self) -> frozenset[str]:
        """Clauses whose prices an index clause moves."""
        return frozenset(clause for term in self.terms if isinstance(term, Indexation) for clause in term.of)

    @cached_property
    def term_by_clause(self) -> dict[str, Term]:
        """Terms by their clause."""
        return {term.clause: term for term in self.terms}

    @cached_property
    def plans(self) -> dict[tuple[int, ...], Any]:
        """What `contracts.plan` has prepared of contracts whose last version this is."""
        return {}

    def source_of(self, clause: str) -> dict[str, Any]:
        """A term as it was written."""
        return next(term for term in self._source["terms"] if term["clause"] == clause)


@dataclass(frozen=True, slots=True)
class Agreement:
    """A contract's versions in order, and the facts documents that close its file."""

    contract: str
    versions: tuple[Version, ...]
    facts: tuple[TextDocument, ...] = ()


def read_agreement(text: str | bytes) -> Agreement | tuple[Problem, ...]:
    """Every version of a contract file, or all problems in it."""
    documents, problems = read(text)
    if problems:
        return tuple(problems)
    kinds = [doc.value.get("schema") if isinstance(doc.value, dict) else None for doc in documents]
    for document, kind in zip(documents, kinds, strict=True):
        if kind not in ("contract/1", "facts/1"):
            problems.append(Problem(document.place(("schema",)), f"is {kind!r}", "write contract/1 or facts/1"))
    versions = [doc for doc, kind in zip(documents, kinds, strict=True) if kind == "contract/1"]
    found, more = _versions(versions)
    problems += [*more, *(problem for document in documents for problem in document.problems)]
    if not versions and not problems:
        problems.append(Problem("the file", "has no contract version", "begin it with schema: contract/1"))
    if problems:
        return tuple(problems)
    facts = tuple(doc for doc, kind in zip(documents, kinds, strict=True) if kind == "facts/1")
    return Agreement(found[0].contract, found, facts)


def from_canonical(sources: Sequence[dict[str, Any]]) -> tuple[Version, ...]:
    """Versions from their canonical form. Raises Problems if one is not sound."""
    versions, problems = _versions([TextDocument(source, {}) for source in sources], whole=False)
    if problems:
        raise Problems(tuple(problems))
    return versions


def _versions(documents: list[TextDocument], *, whole: bool = True) -> tuple[tuple[Version, ...], list[Problem]]:
    versions: list[Version] = []
    problems: list[Problem] = []
    for n, document in enumerate(documents):
        number = document.value.get("version", n + 1)
        version, found = _version(document, f"version {number}, ")
        problems += found
        versions += [version] if version else []
    if len(versions) == len(documents):
        problems += _check_together(versions, whole=whole)
    return tuple(versions), problems


def _version(document: TextDocument, where: str) -> tuple[Version | None, list[Problem]]:
    source = document.value
    context = Context(zone("UTC"), "EUR")
    problems = []
    try:
        context = Context(zone(str(source.get("timezone", "UTC"))), context.currency)
    except UnknownZone as error:
        problems.append(Problem(where + document.place(("timezone",)), str(error)))
    currency = source.get("currency", "EUR")
    if isinstance(currency, str) and is_currency(currency):
        context = Context(context.zone, currency)
    else:
        problems.append(
            Problem(where + document.place(("currency",)), f"{currency!r} is no currency", "write an ISO 4217 code")
        )
    try:
        version = _ADAPTER.validate_python(source, context=context)
    except ValidationError as error:
        found = problems_of(error, document, where=where)
        return None, problems + [_with_clause(problem, document) for problem in found]
    object.__setattr__(version, "_source", source)
    if not problems:
        problems = [
            _with_clause(Problem(where + document.place(path), item.message, item.remedy), document)
            for path, item in _check(version)
        ]
    return version, problems


_ADAPTER: TypeAdapter[Version] = TypeAdapter(Version)


def _with_clause(problem: Problem, document: TextDocument) -> Problem:
    """`version 2, terms[1].tiers[1].price, line 9` reads `version 2, clause 2.2, tiers[1].price, line 9`."""
    head, mark, tail = problem.place.partition("terms[")
    index, _, rest = tail.partition("]")
    terms = document.value.get("terms")
    if not mark or not isinstance(terms, list) or not index.isdigit() or int(index) >= len(terms):
        return problem
    term = terms[int(index)]
    clause = term.get("clause") if isinstance(term, dict) else None
    if not isinstance(clause, str) or not clause:
        return problem
    rest = rest.removeprefix(".").removeprefix(", ")
    return Problem(f"{head}clause {clause}, {rest}", problem.message, problem.remedy)


def _check(version: Version) -> Iterator[tuple[Path, Problem]]:
    """What no single field shows; each with the path to its place."""
    yield from _check_head(version)
    yield from _check_coverage(version)
    yield from _check_measures(version)
    for name, keys in (
        ("measures", [m.measure for m in version.measures]),
        ("terms", [t.clause for t in version.terms]),
    ):
        for n, key in enumerate(keys):
            if key in keys[:n]:
                yield (name, n), Problem("", f"{key!r} occurs twice", "give each its own name")
    for n, term in enumerate(version.terms):
        for problem in term.check(version):
            yield ("terms", n, *_split(problem.place)), problem


def _split(place: str) -> Path:
    parts: list[str | int] = []
    for word in place.replace("[", ".").replace("]", "").split("."):
        parts += [int(word) if word.isdigit() else word] if word else []
    return tuple(parts)


def _check_head(version: Version) -> Iterator[tuple[Path, Problem]]:
    for role in ("provider", "customer"):
        if role not in version.parties:
            yield ("parties",), Problem("", f"{role} is missing", "a contract has a provider and a customer")
    if version.ends is not None and version.ends <= version.effective_from:
        yield ("ends",), Problem("", "is not after effective_from", "an agreement ends after it begins")
    try:
        most = exponent(version.currency)
    except NotMoney as error:
        yield ("currency",), Problem("", str(error))
        return
    if version.billing.decimals > most:
        remedy = f"at most {most}: nobody can pay less than the smallest unit"
        yield (
            ("billing", "decimals"),
            Problem("", f"{version.billing.decimals} are more than {version.currency} has", remedy),
        )
    if not 1 <= version.billing.anchor_day <= 31:  # noqa: PLR2004 - days of a month
        yield ("billing", "anchor_day"), Problem("", "is no day of a month", "write 1 to 31")
    if not version.terms:
        yield ("terms",), Problem("", "is empty", "a contract promises or charges something")
    for n, calendar in enumerate(version.calendars):
        if calendar.calendar == "24x7" or not calendar.days:
            yield ("calendars", n), Problem("", "is named 24x7 or has no days", "24x7 is always there; name days")


def _check_coverage(version: Version) -> Iterator[tuple[Path, Problem]]:
    groups = {c.group for c in version.coverage if c.group}
    if not version.coverage:
        yield ("coverage",), Problem("", "is empty", "name the assets under the contract")
    seen: dict[tuple[str, str | None], list[Coverage]] = {}
    for n, item in enumerate(version.coverage):
        if item.end is not None and item.end <= item.start:
            yield ("coverage", n), Problem("", "is empty or inverted", "to is after from")
        if item.asset in groups or "contract" in (item.asset, item.group):
            yield (
                ("coverage", n),
                Problem("", f"{item.asset!r} or its group has a name that is taken", "choose another"),
            )
        others = seen.setdefault((item.asset, item.group), [])
        if any((o.end is None or item.start < o.end) and (item.end is None or o.start < item.end) for o in others):
            yield ("coverage", n), Problem("", f"{item.asset} is covered twice at one time", "cut one of the spans")
        others.append(item)


_NEEDS = {
    "counter_delta": ("register", "unit", "on_reset", "boundary"),
    "state_time": ("register", "max_gap"),
    "ratio": ("of", "per", "unit"),
}


def _check_measures(version: Version) -> Iterator[tuple[Path, Problem]]:
    for n, measure in enumerate(version.measures):
        for name in _NEEDS.get(measure.kind, ("register", "unit")):
            if getattr(measure, "register_path" if name == "register" else name) is None:
                yield ("measures", n), Problem("", f"{measure.measure} states no {name}", f"a {measure.kind} needs it")
        if measure.unit and measure.modulus and not convertible(measure.modulus.unit, measure.unit):
            yield ("measures", n, "modulus"), Problem("", f"{measure.modulus} is no {measure.unit}", "use its unit")
        if measure.unit and measure.max_rate and not convertible(measure.max_rate.unit, f"{measure.unit}/h"):
            remedy = f"write it as 130 {measure.unit}/h"
            yield ("measures", n, "max_rate"), Problem("", f"{measure.max_rate} is no rate of {measure.unit}", remedy)
        if measure.max_gap and (measure.max_gap.months or measure.max_gap.days):
            yield ("measures", n, "max_gap"), Problem("", "is a step of the calendar", "write elapsed time: 15 min")
        for other in (measure.of, measure.per):
            if other is not None and other not in version.measure_by_name:
                yield ("measures", n), Problem("", f"{other!r} is no measure", "name two measures of this version")


def _check_together(versions: list[Version], *, whole: bool) -> Iterator[Problem]:
    numbers = [version.version for version in versions]
    if whole and numbers != list(range(1, len(versions) + 1)):
        yield Problem("version", f"the versions are numbered {numbers}", "count 1, 2, 3 in order of effective_from")
    for before, after in pairwise(versions):
        where = f"version {after.version}"
        if after.effective_from <= before.effective_from:
            yield Problem(f"{where}, effective_from", "does not rise", "a version begins after the one before")
        for name in ("contract", "currency", "timezone"):
            if getattr(after, name) != getattr(before, name):
                yield Problem(f"{where}, {name}", "differs from the version before", "it is the same in every version")
        for term in after.terms:
            if term.continues and term.continues not in before.term_by_clause:
                place = f"{where}, clause {term.clause}, continues"
                yield Problem(place, f"clause {term.continues!r} is not in the version before", "name a clause of it")
