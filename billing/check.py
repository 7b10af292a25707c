"""What is looked at before a draft is issued: small rules, each with a code, and what would mend what it finds."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from billing import wording
from billing.case import finding, warning
from billing.likely import LIKELY, far
from billing.posting import PROMISES
from core.money import exponent

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from billing.case import Case, Finding, Rule

LARGE_CREDIT = Decimal("0.25")
"""Credits above this part of the charges are looked at."""
NOTHING_TO_BILL = "nothing_to_bill"
"""Code of the finding that no invoice is made of a period, because nothing at all stands on it."""
BOTH_VAT_IDS = frozenset({"AE", "K"})
SELLERS_VAT_ID = frozenset({"S", "Z", "G", "L", "M"})
"""Who charges tax, or does not because of where the supply goes, is registered: EN 16931, BR-S-02 and its like."""


def check(case: Case) -> tuple[Finding, ...]:
    """All findings, blocking ones first."""
    found = [item for rule in RULES for item in rule(case)]
    return tuple(sorted(found, key=lambda item: item.severity != "blocking"))


def blocking(findings: Iterable[Finding], overridden: frozenset[str] = frozenset()) -> tuple[Finding, ...]:
    """What stands in the way of issuing."""
    return tuple(x for x in findings if x.severity == "blocking" and x.code not in overridden)


def _facts_missing(case: Case) -> Iterable[Finding]:
    for verdict in case.result["verdicts"]:
        if verdict["status"] == "insufficient":
            message = f"clause {verdict['clause']}, {verdict['asset']}: facts are missing"
            yield finding(case, "facts_missing", message, "bring the readings in, or exclude the contract")


def _problem(case: Case) -> Iterable[Finding]:
    for problem in case.result["problems"]:
        message = ": ".join(part for part in problem if part)
        yield finding(case, "contract_problem", message, "amend the contract")


def _no_tax_decision(case: Case) -> Iterable[Finding]:
    if not case.taxed:
        message = "no tax decision: neither the contract's billing group nor the seller names tax_category and tax_rate"
        yield finding(case, "no_tax_decision", message, "name the tax in the contract or in the seller's set-up")


def _vat_ids(case: Case) -> Iterable[Finding]:
    there = {part["category"] for part in case.document["tax"]}
    for side, needing in (("seller", BOTH_VAT_IDS | SELLERS_VAT_ID), ("buyer", BOTH_VAT_IDS)):
        categories = needing & there
        if categories and not case.document[side]["vat_id"]:
            message = f"category {', '.join(sorted(categories))} needs the VAT id of the {side}, which is not set up"
            yield finding(case, "vat_id_missing", message, "add vat_id with `yardstick bill setup FILE`")


def _no_rate(case: Case) -> Iterable[Finding]:
    words = case.document.get("tax_in")
    if words and words["tax_total"] is None:
        message = f"no exchange rate from {case.document['currency']} to {words['currency']} for the tax point"
        yield finding(case, "no_exchange_rate", message, "take rates in with `yardstick bill rates FILE`")


def _too_many_decimals(case: Case) -> Iterable[Finding]:
    digits = exponent(case.document["currency"])
    if any(len(line["amount"].partition(".")[2]) > digits for line in case.document["lines"]):
        currency = case.document["currency"]
        message = f"lines have more decimals than {currency} has ({digits}); the contract's billing.decimals is wrong"
        yield finding(case, "too_many_decimals", message, "amend the contract's billing.decimals")


def _negative_total(case: Case) -> Iterable[Finding]:
    gross = case.money(case.document["gross"])
    if gross.amount < 0:
        message = f"the total {gross} is negative, and no invoice of the contract stands that it could be credited on"
        fix = "exclude it; once the contract has an invoice, a run of this period makes a credit note"
        yield finding(case, "negative_total", message, fix)


def _sums(case: Case) -> Iterable[Finding]:
    """Never so, unless a fault of ours: lines, tax and totals are added up once more."""
    document = case.document
    net = sum([Decimal(line["amount"]) for line in document["lines"]])
    base = sum([Decimal(part["base"]) for part in document["tax"]])
    gross = net + sum([Decimal(part["tax"]) for part in document["tax"]])
    if not net == base == Decimal(document["net"]) or gross != Decimal(document["gross"]):
        message = f"lines come to {net}, tax bases to {base}, the document says {document['net']}"
        yield finding(case, "sums_differ", message, "report it: this is a fault of the program")


def _provisional(case: Case) -> Iterable[Finding]:
    for verdict in case.result["verdicts"]:
        if verdict["status"] == "provisional":
            message = wording.say("en", "provisional", verdict["clause"], verdict["asset"])
            yield warning(case, "provisional", message, "bring the facts in; what changes later is corrected")


def _open_case(case: Case) -> Iterable[Finding]:
    for item in case.result["open_cases"]:
        where = f"clause {item['clause']}, {item['asset']}"
        message = f"{where}: {item['reason']} from {item['from']} to {item['to']} is open"
        yield warning(case, "open_case", message, "decide the case")


def _outlier(case: Case) -> Iterable[Finding]:
    if case.last is None or case.last.net.currency != case.net.currency:
        return
    own, last = sum(case.amounts, Decimal(0)), case.last.net.amount
    if far(own, last):
        message = f"{own} after {last} on {case.last.number}"
        yield warning(case, "outlier", message, "look at the lines that changed most", str(abs(own - last)))


def _missing_charge(case: Case) -> Iterable[Finding]:
    if case.last is None:
        return
    there = {(line["clause"], line["asset"]) for line in case.own}
    for (clause, asset), amount in sorted(case.last.lines.items()):
        if amount.amount > 0 and (clause, asset) not in there:
            message = f"clause {clause}, {asset}: {amount} on {case.last.number}, nothing now"
            yield warning(
                case, "missing_charge", message, "see whether the asset left the contract", str(amount.amount)
            )


def _zero_use(case: Case) -> Iterable[Finding]:
    if case.last is None:
        return
    for line, amount in zip(case.own, case.amounts, strict=True):
        before = case.last.lines.get((line["clause"], line["asset"]))
        if line["kind"] == "usage_charge" and not amount and before and before.amount > 0:
            message = f"clause {line['clause']}, {line['asset']}: no use, after {before} on {case.last.number}"
            yield warning(case, "zero_use", message, "see whether the device still counts", str(before.amount))


def _large_credit(case: Case) -> Iterable[Finding]:
    credit = -sum([x for line, x in zip(case.own, case.amounts, strict=True) if x < 0 and line["kind"] in PROMISES])
    charged = sum([amount for amount in case.amounts if amount > 0])
    if credit > charged * LARGE_CREDIT:
        message = f"credits of {credit} on charges of {charged}"
        yield warning(case, "large_credit", message, "look at the outages and who caused them", str(credit))


def _estimated(case: Case) -> Iterable[Finding]:
    for line in case.own:
        if any("carried" in (piece["opening_quality"], piece["closing_quality"]) for piece in line["evidence"]):
            message = f"clause {line['clause']}, {line['asset']}: the counter was silent for too long at a boundary"
            yield warning(case, "carried_reading", message, "bring late readings in", line["amount"])
        for step in line["steps"]:
            if step["label"] == "estimated":
                message = f"clause {line['clause']}, {line['asset']}: {step['result']} are estimated, as agreed"
                yield warning(case, "estimated", message, "bring late readings in", line["amount"])


def _nothing(case: Case) -> Iterable[Finding]:
    violated = any(verdict["state"] == "violated" for verdict in case.result["verdicts"])
    if not case.document["lines"] and not violated:  # a breach is reported with its period's document
        fix = "nothing needs to be done: what is known of it later comes on the contract's next invoice"
        yield warning(case, NOTHING_TO_BILL, "the period has no lines", fix)
    elif not case.net:
        yield warning(case, "zero_total", "the invoice comes to nothing", "exclude it if no invoice is wanted")


RULES: Sequence[Rule] = (
    _facts_missing, _problem, _no_tax_decision, _vat_ids, _no_rate, _too_many_decimals, _negative_total, _sums,
    _provisional, _open_case, _outlier, _missing_charge, _zero_use, _large_credit, _estimated, _nothing,
    *LIKELY,
)  # fmt: skip
NEVER_OVERRIDDEN = frozenset(
    {"no_tax_decision", "no_exchange_rate", "too_many_decimals", "negative_total", "sums_differ"}
)
"""What makes a document wrong whoever says that it is right."""
