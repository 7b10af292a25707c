"""An evaluation becomes an invoice: lines with steps and evidence, tax once per category and rate, exact totals."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from billing import chain, wording
from billing.case import Case, Demands
from billing.check import check
from billing.exchange import tax_in
from billing.posting import PROMISES
from billing.reference import reference_of
from billing.tax import OUTSIDE, Tax, TaxTotal, rate_text, totals
from core.canonical import decimal_text
from core.money import Mode, Money, exponent

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from billing.case import Finding, Last
    from billing.exchange import Local

Document: TypeAlias = dict[str, Any]
"""Everything printed, as JSON types: amounts and quantities as decimal texts, instants as UTC texts."""


@dataclass(frozen=True, slots=True)
class Party:
    """A seller or buyer as printed."""

    name: str
    address: str
    country: str
    vat_id: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """What billing takes from a contract. tax: None where neither contract nor seller decided; rule: who decided it.

    sentences: by version number and clause, in words; registers: the register path that each clause reads, if any;
    charged: those of them that usage charges read.
    """

    tax: Tax | None
    credits: Literal["price_reduction", "outside_scope"]
    rounding: Mode
    sentences: Mapping[tuple[int, str], str]
    registers: Mapping[str, str]
    rule: str = "contract"
    charged: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Evaluated:
    """A saved evaluation: its public id, `Evaluation.to_json()`, and the facts that it rests on."""

    id: str
    result: Mapping[str, Any]
    evidence: Mapping[str, Any]

    @cached_property
    def verdicts(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """By clause and asset, the verdict that a line carries out."""
        return {(v["clause"], v["asset"]): v for v in reversed(self.result["verdicts"]) if v["state"] != "-"}

    @cached_property
    def pieces(self) -> dict[str, dict[str, list[Mapping[str, Any]]]]:
        """Counter readings by register path and asset."""
        found: dict[str, dict[str, list[Mapping[str, Any]]]] = {}
        for piece in self.evidence.get("counters", []):
            found.setdefault(piece["register"], {}).setdefault(piece["asset"], []).append(piece)
        return found


class Line(NamedTuple):
    """A row of an invoice. document: as printed, with number, sentence, steps and evidence."""

    kind: str
    amount: Money
    tax: Tax
    document: Document


@dataclass(frozen=True)
class Draft:
    """An invoice before it has a number. findings: what stands in its way, and what to look at first."""

    lines: tuple[Line, ...]
    tax: tuple[TaxTotal, ...]
    net: Money
    tax_total: Money
    document: Document
    findings: tuple[Finding, ...]

    @cached_property
    def sealed(self) -> tuple[str, str]:
        """The document as text, and its content hash."""
        return chain.sealed(self.document)

    @property
    def hash(self) -> str:
        """The document's content hash."""
        return self.sealed[1]

    @property
    def blocked(self) -> tuple[str, ...]:
        """Why it must not be issued."""
        return tuple(item.message for item in self.findings if item.severity == "blocking")

    @property
    def warnings(self) -> tuple[str, ...]:
        """What to look at first."""
        return tuple(item.message for item in self.findings if item.severity == "warning")

    @property
    def gross(self) -> Money:
        """What the buyer owes."""
        return self.net + self.tax_total


def draw_up(  # noqa: PLR0913 - what an invoice is made of
    evaluated: Evaluated,
    agreement: Agreement,
    *,
    seller: Party,
    buyer: Party,
    payment_days: int,
    deltas: Sequence[Line] = (),
    last: Last | None = None,
    purchase_order: str = "",
    demands: Demands = Demands(),  # noqa: B008 - never changes
    language: str = "en",
    local: Local | None = None,
) -> Draft:
    """The invoice for one evaluation. Amounts come rounded from it and are only added up; tax is rounded once each.

    deltas: lines that correct earlier periods; they stand last. last: the invoice before, to compare with.
    demands: what else must be there. language: of the fixed words. local: where the seller's
    tax is shown in another currency than the contract's.
    The same arguments give the same document and hash.
    """
    result = evaluated.result
    own = tuple(printed(row, evaluated, agreement, n=n) for n, row in enumerate(result["lines"], start=1))
    more = enumerate(deltas, start=len(own) + 1)
    lines = own + tuple(line._replace(document=line.document | {"n": n}) for n, line in more)
    zero = Money.zero(result["currency"])
    tax = totals(((line.tax, line.amount) for line in lines), agreement.rounding)
    net, tax_total = total((line.amount for line in lines), zero), total((part.amount for part in tax), zero)
    document = _document(evaluated, lines, tax) | {
        "clauses": [
            {"version": version, "clause": clause, "sentence": sentence}
            for (version, clause), sentence in sorted(agreement.sentences.items())
        ],
        "seller": _party(seller),
        "buyer": _party(buyer),
        "payment_days": payment_days,
        "purchase_order": purchase_order,
        "net": amount_text(net, zero.currency),
        "tax_total": amount_text(tax_total, zero.currency),
        "gross": amount_text(net + tax_total, zero.currency),
        "language": language,
    }
    if local is not None and local.currency != zero.currency:
        document["tax_in"] = tax_in(tax_total, local)
    tax_point = local.day if local else None
    case = Case(document, result, agreement.tax is not None, last, tax_point=tax_point, demands=demands)
    findings = check(case)
    document["warnings"] = list(wording.notes(result, language))
    return Draft(lines, tax, net, tax_total, document, findings)


def issued(document: Document, *, id: str, number: str, issue_date: date, due_date: date) -> Document:  # noqa: A002
    """The document with its number and dates; all else stays as it was approved."""
    issue = {"id": id, "number": number, "issue_date": issue_date.isoformat(), "due_date": due_date.isoformat()}
    if document["kind"] == "invoice":
        issue["payment_reference"] = reference_of(number)
    return document | {"issue": issue}


def total(amounts: Iterable[Money], zero: Money) -> Money:
    """The exact sum."""
    return Money.total(amounts, zero.currency)


def printed(row: Mapping[str, Any], evaluated: Evaluated, agreement: Agreement, *, n: int) -> Line:
    """A line of an evaluation as an invoice shows it, with its number there."""
    kind, clause, segment = row["kind"], row["clause"], row["segment"]
    amount = Money.parse(row["amount"])
    tax = tax_of(kind, amount, agreement)
    document = {
        "n": n,
        "id": row["id"],
        "clause": clause,
        "kind": kind,
        "asset": row["asset"],
        "segment": segment,
        "text": row["text"],
        "quantity": row["quantity"],
        "unit": row["unit"],
        "sentence": agreement.sentences.get((segment, clause), ""),
        "amount": amount_text(amount, amount.currency),
        "tax": {"category": tax.category, "rate": rate_text(tax.rate), "rule": rule_of(tax, agreement)},
        "from": row["from"],
        "to": row["to"],
        "steps": row["steps"],
        "evidence": _evidence(row, evaluated, agreement),
        "verdict": evaluated.verdicts.get((clause, row["asset"])),
        "corrects": None,
    }
    return Line(kind, amount, tax, document)


def rule_of(tax: Tax, agreement: Agreement) -> str:
    """Why a line is taxed so: who named the tax, or that its credit is compensation."""
    if tax is agreement.tax or tax == agreement.tax:
        return agreement.rule
    return "tax_of_credits: outside_scope" if agreement.tax else "undecided"


def tax_of(kind: str, amount: Money, agreement: Agreement) -> Tax:
    """A credit is taxed as its base, or is compensation outside the scope of tax; as the contract says."""
    if amount.amount < 0 and kind in PROMISES and agreement.credits == "outside_scope":
        return OUTSIDE
    return agreement.tax or OUTSIDE


def _evidence(row: Mapping[str, Any], evaluated: Evaluated, agreement: Agreement) -> list[Any]:
    """The counter readings that a line's quantity comes from; of a pool, those of all its assets."""
    register = agreement.registers.get(row["clause"])
    if register is None:
        return []
    by_asset = evaluated.pieces.get(register, {})
    own = by_asset.get(row["asset"]) or [piece for pieces in by_asset.values() for piece in pieces]
    start, end = row["from"], row["to"]
    return [piece for piece in own if piece["from"] < end and start < piece["to"]]


def _document(evaluated: Evaluated, lines: tuple[Line, ...], tax: tuple[TaxTotal, ...]) -> Document:
    result = evaluated.result
    return {
        "schema": "invoice/1",
        "kind": "invoice",
        "issue": None,
        **{key: result[key] for key in ("contract", "versions", "period", "timezone", "currency", "verdicts")},
        "service": {"from": result["from"], "to": result["to"]},
        "lines": [line.document for line in lines],
        "tax": [tax_row(part) for part in tax],
        "evaluation": {
            "id": evaluated.id,
            "knowledge": result["as_of"],
            **{key: result[key] for key in ("engine_version", "tzdata_version", "input_hash", "result_hash")},
        },
    }


def tax_row(part: TaxTotal) -> Document:
    """A tax total as printed."""
    return {
        "category": part.tax.category,
        "rate": rate_text(part.tax.rate),
        "base": amount_text(part.base, part.base.currency),
        "tax": amount_text(part.amount, part.amount.currency),
    }


def _party(party: Party) -> Document:
    return {"name": party.name, "address": party.address, "country": party.country, "vat_id": party.vat_id}


def amount_text(amount: Money, currency: str) -> str:
    """At least as many decimals as the currency has, so that 1850 reads 1850.00."""
    least, value = exponent(currency), decimal_text(amount.amount)
    if not least:
        return value
    whole, _, digits = value.partition(".")
    return value if len(digits) >= least else f"{whole}.{digits.ljust(least, '0')}"
