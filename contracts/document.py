"""Text to contract versions, or every problem in it with its place. A version keeps the text it was made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Discriminator, Field, PrivateAttr, Tag, TypeAdapter, ValidationError

from contracts.plan import Planned
from contracts.sound import check, check_together
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
from contracts.text import TextDocument, read
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
from core.money import is_currency
from core.problem import Problem, Problems
from core.time import Duration, UnknownZone, zone

if TYPE_CHECKING:
    from collections.abc import Sequence
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
    estimates: Literal["exclude", "bill_flagged"] = "exclude"

    @property
    def bills_estimates(self) -> bool:
        """Whether estimates count, flagged, until readings take their place."""
        return self.estimates == "bill_flagged"

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
        problems += check_together(versions, whole=whole)
    return Planned(versions), problems


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
            for path, item in check(version)
        ]
    return version, problems


_ADAPTER: TypeAdapter[Version] = TypeAdapter(Version)


def _with_clause(problem: Problem, document: TextDocument) -> Problem:
    """`version 2, terms[1].tiers[1].price, line 9` reads `version 2, clause 2.2, tiers[1].price, line 9`."""
    head, mark, tail = problem.place.partition("terms[")
    index, _, rest = tail.partition("]")
    terms = document.value.get("terms")
    if not mark or not isinstance(terms, list) or not index.isdecimal() or int(index) >= len(terms):
        return problem
    term = terms[int(index)]
    clause = term.get("clause") if isinstance(term, dict) else None
    if not isinstance(clause, str) or not clause:
        return problem
    rest = rest.removeprefix(".").removeprefix(", ")
    return Problem(f"{head}clause {clause}, {rest}", problem.message, problem.remedy)
