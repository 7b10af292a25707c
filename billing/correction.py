"""What a later evaluation changes of a billed period: delta lines, credit notes, and what is too small for either."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from billing.bundle import negated
from billing.exchange import again
from billing.invoice import Draft, Line, amount_text, tax_of, tax_row, total
from billing.posting import PROMISES, reduces
from billing.tax import Tax, TaxTotal, rate_text, totals
from contracts.phrase import say
from core import canonical
from core.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from billing.invoice import Agreement, Document, Evaluated
    from core.money import Mode

TRUED_UP = "estimate trued up"
"""The reason of a difference where an estimate was billed that counts otherwise now."""
Way: TypeAlias = Literal["delta_line", "credit_note", "carried"]
Key: TypeAlias = tuple[str, str]
"""Clause and asset."""


@dataclass(frozen=True, slots=True)
class Billed:
    """What all documents so far bill for a clause and asset of one period."""

    clause: str
    kind: str
    asset: str
    tax: Tax
    amount: Money


@dataclass(frozen=True, slots=True)
class Correction:
    """What changes of one period. n: the how manieth time its bill is corrected; lines: one for each clause and asset.

    evaluation: the newer one's public id; saved: the same in the database. document: the invoice that stays as it was;
    None where the contract has none yet, and the period had nothing to bill.
    """

    n: int
    period: str
    lines: tuple[Line, ...]
    net: Money
    reason: str
    evaluation: str
    saved: int
    document: Document | None


def correct(  # noqa: PLR0913 - what a difference is made of
    document: Document | None,
    billed: Sequence[Billed],
    *,
    place: tuple[int, int],
    before: Evaluated,
    after: Evaluated,
    agreement: Agreement,
    reasons: Sequence[str],
    language: str,
) -> Correction | None:
    """The difference between what an evaluation says of a period now and what is billed for it; None if there is none.

    document: the period's invoice, or one that stands for it; None: there is none. place: number of the correction,
    and the newer evaluation's id in the database. language: of the fixed words.
    A difference is taxed as what was billed for its clause and asset. An evaluation that lacks facts corrects nothing.
    """
    if after.result["status"] == "insufficient":
        return None
    now, old = _now(after), {(item.clause, item.asset): item for item in reversed(billed)}
    sums, trued_up = _sums(billed), {key for key, _ in _guessed(before) - _guessed(after)}
    lines = []
    for key in [*now, *(key for key in sums if key not in now)]:
        rows = now.get(key, [])
        zero = Money.zero(after.result["currency"])
        amount = total((Money.parse(row["amount"]) for row in rows), zero)
        difference = amount - sums.get(key, zero)
        if difference:
            kind = rows[0]["kind"] if rows else old[key].kind
            tax = old[key].tax if key in old else tax_of(kind, amount, agreement)
            pair = sums.get(key, zero), amount
            words = _words(before, after, rows=rows, pair=pair, reason=_why(reasons, {key} & trued_up))
            words |= {"text": _instead(language, words), "invoice": _reference(document) if document else None}
            lines.append(_line(key, kind, tax, difference, words=words, agreement=agreement, n=place[0]))
    if not lines:
        return None
    net = total((line.amount for line in lines), Money.zero(after.result["currency"]))
    reason = _why(reasons, {(line.document["clause"], line.document["asset"]) for line in lines} & trued_up)
    return Correction(place[0], after.result["period"], tuple(lines), net, reason, after.id, place[1], document)


def way(correction: Correction, agreed: Literal["delta_line", "credit_note"], least: Money | None) -> Way:
    """How a difference is billed: below the least amount not yet; to the customer's good as the contract says.

    Where there is no invoice, there is none that a credit note could refer to.
    """
    if least is not None and abs(correction.net) < least:
        return "carried"
    to_their_good = correction.net.amount < 0 and correction.document is not None
    return "credit_note" if agreed == "credit_note" and to_their_good else "delta_line"


def credit_note(correction: Correction, mode: Mode) -> Draft:
    """A document of its own for a difference to the customer's good.

    Amounts are negative: with the invoice they come to what is owed. A print of EN 16931's type 381 leaves signs out.
    """
    if correction.document is None:
        raise ValueError(f"period {correction.period} has no invoice to which a credit note could refer")
    tax = totals(((line.tax, line.amount) for line in correction.lines), mode)
    return _note(correction.document, correction.lines, tax, correction.reason, correction.evaluation)


def cancellation(document: Document, reason: str) -> Draft:
    """A credit note over a whole invoice: its exact negation, line by line and for each category and rate of tax."""
    currency = document["currency"]
    lines = tuple(_negated(line, document, reason) for line in document["lines"])
    tax = tuple(
        TaxTotal(_tax(part), -_money(part["base"], currency), -_money(part["tax"], currency))
        for part in document["tax"]
    )
    return _note(document, lines, tax, reason, document["evaluation"]["id"])


def of_period(draft: Draft, credited: Mapping[str, Any]) -> Draft:
    """A period whose credits exceed its charges, as a credit note. credited: id, number and date of an earlier invoice.

    What is owed for the period is the same; a document that is no invoice must refer to one (Directive 2006/112, 219).
    """
    words = {"kind": "credit_note", "corrects": dict(credited), "reason": "the period's credits exceed its charges"}
    document = draft.document | words
    findings = tuple(finding for finding in draft.findings if finding.code != "negative_total")
    return replace(draft, document=document, findings=findings)


def _note(document: Document, lines: Sequence[Line], tax: tuple[TaxTotal, ...], reason: str, evaluation: str) -> Draft:
    zero = Money.zero(document["currency"])
    numbered = tuple(line._replace(document=line.document | {"n": n}) for n, line in enumerate(lines, start=1))
    net, tax_total = total((line.amount for line in lines), zero), total((part.amount for part in tax), zero)
    note = document | {
        "kind": "credit_note",
        "issue": None,
        "corrects": _reference(document),
        "reason": reason,
        "lines": [line.document for line in numbered],
        "tax": [tax_row(part) for part in tax],
        "verdicts": [],
        "warnings": [],
        "net": amount_text(net, zero.currency),
        "tax_total": amount_text(tax_total, zero.currency),
        "gross": amount_text(net + tax_total, zero.currency),
        "evaluation": document["evaluation"] | {"id": evaluation},
    }
    if "parts" in document:
        note["parts"] = negated(document["parts"], zero.currency)
    if "tax_in" in document:
        note["tax_in"] = again(tax_total, document["tax_in"])
    return Draft(numbered, tax, net, tax_total, note, ())


def _now(after: Evaluated) -> dict[Key, list[Mapping[str, Any]]]:
    rows: dict[Key, list[Mapping[str, Any]]] = {}
    for row in after.result["lines"]:
        rows.setdefault((row["clause"], row["asset"]), []).append(row)
    return rows


def _guessed(found: Evaluated) -> set[tuple[Key, str]]:
    """Clauses and assets whose lines rest on an estimate, with how much of it."""
    rows = ((row, step) for row in found.result["lines"] for step in row["steps"] if step["label"] == "estimated")
    return {((row["clause"], row["asset"]), step["result"]) for row, step in rows}


def _why(reasons: Sequence[str], trued_up: set[Key]) -> str:
    return ", ".join([*([TRUED_UP] if trued_up else []), *reasons])


def _sums(billed: Iterable[Billed]) -> dict[Key, Money]:
    sums: dict[Key, Money] = {}
    for item in billed:
        key = item.clause, item.asset
        sums[key] = sums[key] + item.amount if key in sums else item.amount
    return sums


def _reference(document: Document) -> Document:
    return {key: document["issue"][key] for key in ("id", "number", "issue_date")}


def _instead(language: str, words: Document) -> str:
    return say(language, "instead", words["period"], words["now"], words["before"])


def _words(
    before: Evaluated,
    after: Evaluated,
    *,
    rows: Sequence[Mapping[str, Any]],
    pair: tuple[Money, Money],
    reason: str,
) -> Document:
    """What a delta line refers to: the period, both evaluations, and how it is computed now."""
    before_now = [amount_text(amount, amount.currency) for amount in pair]
    return {
        "period": after.result["period"],
        "reason": reason,
        "contract": after.result["contract"],
        "versions": after.result["versions"],
        "from": after.result["from"],
        "to": after.result["to"],
        "before": before_now[0],
        "now": before_now[1],
        "evaluations": [
            {"id": each.id, **{key: each.result[key] for key in ("input_hash", "result_hash")}}
            for each in (before, after)
        ],
        "lines": [{key: row[key] for key in ("segment", "text", "amount", "steps")} for row in rows],
    }


def _line(key: Key, kind: str, tax: Tax, difference: Money, *, words: Document, agreement: Agreement, n: int) -> Line:
    clause, asset = key
    segment = words["lines"][0]["segment"] if words["lines"] else words["versions"][0]
    amount = amount_text(difference, difference.currency)
    values = {name: words[name] for name in ("now", "before")}
    number = words["invoice"]["number"] if words["invoice"] else ""
    document = {
        "n": 0,
        "id": "l_" + canonical.digest([words["contract"], words["period"], number, clause, asset, n])[:24],
        "clause": clause,
        "kind": kind,
        "asset": asset,
        "segment": segment,
        "text": words["text"],
        "quantity": None,
        "unit": "",
        "amount": amount,
        "sentence": agreement.sentences.get((segment, clause), ""),
        "tax": {"category": tax.category, "rate": rate_text(tax.rate), "rule": "as the line that it corrects"},
        **{name: words[name] for name in ("from", "to")},
        "steps": [{"label": "correction", "formula": "now - before", "values": values, "result": amount}],
        "evidence": [],
        "verdict": None,
        "corrects": {key: value for key, value in words.items() if key not in ("from", "to", "text", "contract")}
        | {"reduction": kind in PROMISES},
    }
    return Line(kind, difference, tax, document)


def _negated(line: Document, document: Document, reason: str) -> Line:
    amount = -_money(line["amount"], document["currency"])
    period = line["corrects"]["period"] if line.get("corrects") else document["period"]
    words = {"period": period, "reason": reason, "invoice": _reference(document), "reduction": reduces(line, -amount)}
    text = amount_text(amount, amount.currency)
    return Line(line["kind"], amount, _tax(line["tax"]), line | {"amount": text, "corrects": words})


def _tax(part: Mapping[str, str]) -> Tax:
    return Tax(part["category"], _decimal(part["rate"]))


def _money(text: str, currency: str) -> Money:
    return Money.parse(f"{text} {currency}")


def _decimal(text: str) -> Any:
    return Money.parse(f"{text} EUR").amount
