"""Is a draft likely: what is new on it, what changed since the invoice before, and whether its tax and rates fit."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from billing.case import finding, warning
from billing.posting import PROMISES
from billing.vat import UNION

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from billing.case import Case, Finding, Rule

OUTLIER = Decimal("2.5")
"""A total of more than so many times the last one, or less than its part, is looked at."""
STALE = timedelta(days=4)
"""A rate of the Thursday before Easter is right on Easter Monday; an older one means that rates were not taken in."""
LARGE_CORRECTION = Decimal("0.10")
"""Corrections above this part of the period's charges are looked at."""
NAMED = 3
"""So many assets are named in a message, the rest counted."""
WITHIN_UNION = frozenset({"AE", "K"})
FIELDS = ("name", "address", "country", "vat_id")


def _first_invoice(case: Case) -> Iterable[Finding]:
    if case.last is None and case.document["lines"]:
        message = "the contract has no invoice before this one to compare with"
        yield warning(case, "first_invoice", message, "look at buyer, tax and prices once", _size(case.net.amount))


def _new_charge(case: Case) -> Iterable[Finding]:
    """Once a clause, as new assets come by the dozen. What promises add or take comes and goes by nature."""
    if case.last is None:
        return
    new: dict[str, dict[str, Decimal]] = {}
    for line, amount in zip(case.own, case.amounts, strict=True):
        known = (line["clause"], line["asset"]) in case.last.lines
        if not known and line["kind"] not in PROMISES and amount > 0:
            assets = new.setdefault(line["clause"], {})
            assets[line["asset"]] = assets.get(line["asset"], Decimal(0)) + amount
    for clause, amounts in sorted(new.items()):
        total = sum(amounts.values(), Decimal(0))
        message = f"clause {clause}, {_named(sorted(amounts))}: {total}, not on {case.last.number}"
        yield warning(case, "new_charge", message, "see whether the clause or the asset joined", _size(total))


def _device_count(case: Case) -> Iterable[Finding]:
    if case.last is None:
        return
    now = {line["asset"] for line in case.own if line["asset"]}
    before = {asset for _, asset in case.last.lines if asset}
    if now and len(now) != len(before):
        message = f"lines for {_assets(len(now))}, after {_assets(len(before))} on {case.last.number}"
        yield warning(case, "device_count", message, "see whether the coverage changed")


def _changed_parties(case: Case) -> Iterable[Finding]:
    """What is printed of seller and buyer is looked at once when it changes: it is how invoices are diverted."""
    if case.last is None:
        return
    changes = list(_changes(case.last.printed, case.document))
    if changes:
        message = f"changed since {case.last.number}: {'; '.join(changes)}"
        fix = "see that whoever changed it meant this; else `yardstick bill setup FILE`"
        yield warning(case, "master_data_changed", message, fix, _size(Decimal(case.document["gross"])))


def _changes(before: Mapping[str, object], now: Mapping[str, object]) -> Iterator[str]:
    for side in ("seller", "buyer"):
        was, is_now = before[side], now[side]
        if not isinstance(was, dict) or not isinstance(is_now, dict):
            continue
        for name in FIELDS:
            if was.get(name) != is_now[name]:
                words = name.replace("vat_id", "VAT id")
                yield f"{side}'s {words} was {was.get(name) or 'empty'}, is {is_now[name] or 'empty'}"
    if (before["purchase_order"] or "") != now["purchase_order"]:
        yield f"purchase order was {before['purchase_order'] or 'empty'}, is {now['purchase_order'] or 'empty'}"


def _old_rate(case: Case) -> Iterable[Finding]:
    words = case.document.get("tax_in")
    if words is None or case.tax_point is None:
        return
    for rate in words["rates"]:
        if case.tax_point - date.fromisoformat(rate["day"]) > STALE:
            message = f"the rate {rate['base']}/{rate['quote']} is of {rate['day']}, the tax point {case.tax_point}"
            at_risk = _size(Decimal(case.document["tax_total"]))
            yield warning(case, "exchange_rate_old", message, "take rates in with `yardstick bill rates FILE`", at_risk)


def _tax_unlikely(case: Case) -> Iterable[Finding]:
    """Directive 2006/112/EC: business to business, services are taxed where the customer is (art. 44, 196)."""
    seller, buyer = case.document["seller"]["country"], case.document["buyer"]["country"]
    abroad = seller != buyer and {seller, buyer} <= UNION
    for part in case.document["tax"]:
        category, rate = part["category"], part["rate"]
        if category == "S" and abroad and case.document["buyer"]["vat_id"]:
            message = f"{rate} % tax of {seller} for a business in {buyer}; reverse charge (AE) would be expected"
            fix = "name tax_category AE in the contract, unless the supply is taxed where the seller is"
            yield warning(case, "tax_unlikely", message, fix, _size(Decimal(part["tax"])))
        if category in WITHIN_UNION and (seller == buyer or (category == "K" and not abroad)):
            message = f"category {category}, and the buyer is in {buyer}, the seller in {seller}"
            fix = "name the tax that holds there in the contract, unless a rule of that country says so"
            yield warning(case, "tax_unlikely", message, fix, _size(Decimal(part["base"])))


def _large_correction(case: Case) -> Iterable[Finding]:
    lines: Sequence[Mapping[str, str]] = case.document["lines"]
    corrected = sum([abs(Decimal(line["amount"])) for line in lines if line["corrects"]])
    if not corrected:
        return
    charged = sum(amount for amount in case.amounts if amount > 0)
    if charged and corrected > charged * LARGE_CORRECTION:
        message = f"corrections of earlier periods of {corrected} on charges of {charged}"
        yield warning(case, "large_correction", message, "see why so much arrived late", str(corrected))


def _minimum(case: Case) -> Iterable[Finding]:
    for line, amount in zip(case.own, case.amounts, strict=True):
        if line["kind"] == "minimum_commitment" and amount > 0:
            message = f"clause {line['clause']}: {line['amount']} are charged up to the agreed minimum"
            yield warning(case, "minimum_charged", message, "see whether the use is all in", line["amount"])


def _order_missing(case: Case) -> Iterable[Finding]:
    if case.demands.order and not case.document["purchase_order"]:
        message = f"{case.document['buyer']['name']} pays nothing without a purchase order, and none is set up"
        yield finding(case, "purchase_order_missing", message, "add purchase_order with `yardstick bill setup FILE`")


def _mandate_missing(case: Case) -> Iterable[Finding]:
    if case.demands.mandate:
        message = f"{case.document['buyer']['name']} pays by direct debit, and no mandate is set up"
        yield finding(case, "mandate_missing", message, "add mandate with `yardstick bill setup FILE`")


def _leitweg_missing(case: Case) -> Iterable[Finding]:
    """Public buyers in Germany take no invoice without it (E-Rechnungsverordnung, § 5)."""
    if case.demands.leitweg:
        message = f"{case.document['buyer']['name']} is a public buyer, and no Leitweg-ID is set up"
        yield finding(case, "leitweg_id_missing", message, "add leitweg_id with `yardstick bill setup FILE`")


def _balance(case: Case) -> Iterable[Finding]:
    for left in case.demands.balance:
        if left.currency == case.document["currency"]:
            message = f"{case.document['buyer']['name']} has {left} paid too much"
            fix = "let it pay this invoice once it is issued (`bill match`), or send it back (`bill refund`)"
            yield warning(case, "credit_balance", message, fix, _size(left.amount))


def _changed_total(case: Case) -> Iterable[Finding]:
    """What is far off is an outlier already."""
    material = case.demands.material
    if case.last is None or material is None or case.last.net.currency != case.net.currency:
        return
    own, last = sum((Decimal(line["amount"]) for line in case.own), Decimal(0)), case.last.net.amount
    if abs(own - last) > material.least(last, case.net.currency) and not far(own, last):
        message = f"{own} after {last} on {case.last.number}"
        yield warning(case, "changed_total", message, "look at the lines that changed most", _size(own - last))


def _unusual_device(case: Case) -> Iterable[Finding]:
    """Told once, the largest difference first: a device that counts wrongly stands out from its own past."""
    if case.last is None or not case.last.usual:
        return
    now: dict[str, Decimal] = {}
    for line in case.own:
        now[line["asset"]] = now.get(line["asset"], Decimal(0)) + Decimal(line["amount"])
    currency, material = case.net.currency, case.demands.material
    found = []
    for asset, usual in case.last.usual.items():
        amount = now.get(asset)
        least = material.least(usual.amount, currency) if material else Decimal(0)
        if amount is not None and usual.currency == currency and far(amount, usual.amount):
            found += [(asset, amount, usual.amount)] if abs(amount - usual.amount) > least else []
    if found:
        found.sort(key=lambda one: (-abs(one[1] - one[2]), one[0]))
        words = [f"{asset} {amount} after {usual}" for asset, amount, usual in found]
        total = sum((abs(amount - usual) for _, amount, usual in found), Decimal(0))
        message = f"beside the median of three invoices: {_named(words)}"
        yield warning(case, "unusual_device", message, "see whether the device counts right", _size(total))


def far(now: Decimal, before: Decimal) -> bool:
    """More than so many times what it was, or less than its part; of nothing, nothing is far."""
    return before > 0 and not before / OUTLIER <= now <= before * OUTLIER


def _named(assets: Sequence[str]) -> str:
    there = [asset or "the contract" for asset in assets[:NAMED]]
    more = len(assets) - len(there)
    return ", ".join(there) + (f" and {more} more" if more else "")


def _assets(count: int) -> str:
    return "1 asset" if count == 1 else f"{count} assets"


def _size(amount: Decimal) -> str:
    return f"{abs(amount):f}"


LIKELY: Sequence[Rule] = (
    _order_missing, _tax_unlikely, _old_rate, _first_invoice, _changed_parties, _new_charge, _device_count,
    _large_correction, _minimum, _mandate_missing, _leitweg_missing, _balance, _changed_total, _unusual_device,
)  # fmt: skip
