"""Several contracts of a customer on one document: lines by contract and group of assets, tax once over all of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from billing import wording
from billing.exchange import again
from billing.invoice import amount_text, tax_row, total
from billing.tax import Tax, totals
from core import canonical
from core.money import Money
from core.time import zone

if TYPE_CHECKING:
    from billing.invoice import Document
    from core.money import Mode

Consolidate: TypeAlias = bool | Mapping[str, Sequence[str]]
"""Which contracts of a debtor share a document: none, all, or names of contracts by group."""
OF_PART = ("contract", "versions", "timezone", "service", "verdicts", "clauses", "warnings", "evaluation")
"""What a part keeps of the document that its contract alone would have."""
APART = {
    "currency": "currency", "timezone": "time zone", "payment_days": "days of payment", "rounding": "rounding",
    "purchase_order": "purchase order", "language": "language", "buyer": "buyer", "seller": "seller",
}  # fmt: skip
"""What documents that become one have in common, and how it is called; beside period and rate."""
NAMED = 4
"""Up to so many contracts are named in a document's head; the parts name all."""


def group_of(consolidate: Consolidate, contract: str) -> str:
    """The group of a debtor's contracts that a contract is to share a document with; "": none."""
    if isinstance(consolidate, bool):
        return "all" if consolidate else ""
    return next((name for name, names in sorted(consolidate.items()) if contract in names), "")


def why_apart(document: Document, other: Document) -> Iterator[str]:
    """What keeps a contract's document from being one with another of its group. Both as drafted, lines left out."""
    if document["kind"] != "invoice":
        yield "its credits exceed its charges, so that it is a credit note on an earlier invoice"
        return
    for name, what in APART.items():
        own, theirs = document.get(name), other.get(name)
        if own != theirs:
            yield (
                f"its {what} is {own or 'none'}, theirs {theirs or 'none'}"
                if isinstance(own, str | int)
                else (f"its {what} is another")
            )
    ends, theirs = _end(document), _end(other)
    if ends != theirs:
        yield f"its period ends on {ends}, theirs on {theirs}"
    if _rate(document) != _rate(other):
        yield "its tax is shown at another rate"


def bundle_of(consolidate: Consolidate, document: Document, mode: Mode) -> str:
    """What documents have in common that share one: group, terms of payment, rounding, tax point. "": it stands alone.

    The customer, seller and currency are part of it, so that the same words of two customers never meet.
    """
    if document["kind"] != "invoice":
        return ""
    group = group_of(consolidate, document["contract"])
    if not group:
        return ""
    same = ("currency", "period", "timezone", "payment_days", "purchase_order", "language", "buyer", "seller")
    words = [group, mode, document["service"]["to"], *(document[name] for name in same)]
    rates = [_rate(document)]
    return f"{group} {canonical.digest([*words, *rates])[:16]}"


def _end(document: Document) -> str:
    """The day with which its period ends, where the contract is."""
    end = datetime.fromisoformat(document["service"]["to"]).astimezone(zone(document["timezone"]))
    return (end - timedelta(microseconds=1)).date().isoformat()


def _rate(document: Document) -> dict[str, Any]:
    """At which rate its tax is shown in another currency; empty where it is not."""
    return {key: value for key, value in document.get("tax_in", {}).items() if key != "tax_total"}


def of_bundle(document: Document, groups: Mapping[str, str], mode: Mode) -> Document:
    """What a contract's document says beside all else where it is to stand with others. groups: of assets, by asset."""
    return document | {"groups": dict(sorted(groups.items())), "rounding": mode}


def together(documents: Sequence[Document]) -> Document:
    """One document over those of several contracts. Amounts of lines stay; tax is computed once on their sums.

    So the tax may differ from the sum of what each alone would have: by at most half a cent for each document, category
    and rate, and half a cent more. Documents are those that `of_bundle` gave; the same ones in one order give the same.
    """
    first = documents[0]
    parts: list[Document] = []
    lines: list[Document] = []
    for n, document in enumerate(documents, start=1):
        own = [line | {"part": n, "group": _group(document, line)} for line in document["lines"]]
        own.sort(key=lambda line: (not line["group"], line["group"]))
        own = [line | {"n": len(lines) + k} for k, line in enumerate(own, start=1)]
        parts.append(_part(n, document, own))
        lines += own
    currency = first["currency"]
    zero = Money.zero(currency)
    tax = totals(((_tax(line["tax"]), _money(line["amount"], currency)) for line in lines), first["rounding"])
    net, tax_total = total((_money(x["amount"], currency) for x in lines), zero), total((x.amount for x in tax), zero)
    whole = {key: value for key, value in first.items() if key != "groups"} | {
        "contract": _names(documents),
        "contracts": [document["contract"] for document in documents],
        "versions": [],
        "verdicts": [],
        "clauses": [],
        "parts": parts,
        "lines": lines,
        "service": {
            "from": min(document["service"]["from"] for document in documents),
            "to": max(document["service"]["to"] for document in documents),
        },
        "warnings": [
            wording.say(first.get("language", "en"), "labelled", part["contract"], text)
            for part in parts
            for text in part["warnings"]
        ],
        "tax": [tax_row(part) for part in tax],
        "net": amount_text(net, currency),
        "tax_total": amount_text(tax_total, currency),
        "gross": amount_text(net + tax_total, currency),
    }
    if agreed := [document["contest"] for document in documents if document.get("contest")]:
        older = any(each is True for each in agreed)  # drawn up before documents said what is agreed
        terms = [] if older else [term for each in agreed for term in each["terms"]]
        whole["contest"] = True if older else agreed[0] | {"terms": terms}
    if "tax_in" in first:
        whole["tax_in"] = again(tax_total, first["tax_in"])
    return whole


def part_of(document: Document, contract: str) -> Document:
    """What an issued document says of one contract: as if it stood alone, with the numbers of the whole.

    Its totals stay those of the whole. A document of one contract is its own part.
    """
    part = next((part for part in document.get("parts", ()) if part["contract"] == contract), None)
    if part is None:
        return document
    bare = {key: value for key, value in document.items() if key not in ("parts", "contracts")}
    return bare | {key: part[key] for key in OF_PART} | {
        "lines": [line for line in document["lines"] if line["part"] == part["n"]]
    }  # fmt: skip


def evaluation_of(document: Document, line: Document) -> Document:
    """The evaluation that a line rests on: that of its part."""
    found = next((part for part in document.get("parts", ()) if part["n"] == line["part"]), document)
    evaluation: Document = found["evaluation"]
    return evaluation


def negated(parts: Sequence[Document], currency: str) -> list[Document]:
    """The parts of a document that credits the whole."""
    return [
        part
        | {"net": _opposite(part["net"], currency), "verdicts": [], "warnings": []}
        | {"groups": [group | {"net": _opposite(group["net"], currency)} for group in part["groups"]]}
        for part in parts
    ]


def _part(n: int, document: Document, lines: Sequence[Document]) -> Document:
    currency = document["currency"]
    groups = []
    for name in dict.fromkeys(line["group"] for line in lines):
        own = [line for line in lines if line["group"] == name]
        groups.append({"group": name, "first": own[0]["n"], "last": own[-1]["n"], "net": _sum(own, currency)})
    return {"n": n, **{key: document[key] for key in OF_PART}, "net": _sum(lines, currency), "groups": groups}


def _group(document: Document, line: Mapping[str, Any]) -> str:
    """The group of a line's asset, or the one that the line itself is about; empty: none."""
    groups: Mapping[str, str] = document.get("groups", {})
    asset = line["asset"]
    return groups.get(asset, asset if asset in groups.values() else "")


def _names(documents: Sequence[Document]) -> str:
    names = [str(document["contract"]) for document in documents]
    return ", ".join(names) if len(names) <= NAMED else f"{names[0]} … {names[-1]} ({len(names)})"


def _sum(lines: Sequence[Document], currency: str) -> str:
    return amount_text(total((_money(line["amount"], currency) for line in lines), Money.zero(currency)), currency)


def _opposite(amount: str, currency: str) -> str:
    return amount_text(-_money(amount, currency), currency)


def _money(amount: str, currency: str) -> Money:
    return Money(Decimal(amount), currency)


def _tax(words: Mapping[str, str]) -> Tax:
    return Tax(words["category"], Decimal(words["rate"]))
