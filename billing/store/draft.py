"""What a run draws up for each due contract: an invoice as it would be, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from billing.agreement import agreement
from billing.bundle import bundle_of, of_bundle
from billing.case import Demands, Finding
from billing.check import NOTHING_TO_BILL
from billing.contest import agreed
from billing.correction import credit_note, of_period, way
from billing.exchange import Local
from billing.invoice import Draft, Evaluated, draw_up
from billing.metering import metered
from billing.store import balance, exchange
from billing.store import correction as correction_store
from billing.store import entity as entities
from billing.store import invoice as invoices
from billing.tax import NotATax
from contracts import run as contracts
from contracts.breach import in_force
from contracts.store import contract as contract_store
from contracts.store import evaluation as evaluations
from contracts.store import period as periods
from core import canonical
from core.time import micros, zone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from billing.case import Last
    from billing.correction import Correction, Way
    from billing.invoice import Agreement
    from billing.metering import Metered
    from billing.store.entity import Account, Entity
    from billing.store.run import Run
    from contracts.document import Version
    from contracts.store.contract import Side
    from contracts.store.evaluation import Saved
    from contracts.store.period import Due

AT_ONCE = 50
"""Drafts drawn up and saved together: in the fast memory of a processor there is room for no more documents."""
Rows: TypeAlias = "list[dict[str, Any]]"
"""By contract, what `billing.store.run.save_drafts` saves."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a draft is made from. credited: the invoice on which credits are given that exceed the charges."""

    due: Due
    saved: Saved
    versions: Sequence[Version]
    corrections: Sequence[Correction]
    last: Last | None
    local: Local | None
    credited: Mapping[str, str] | None
    demands: Demands


@dataclass(frozen=True, slots=True)
class _Drawn:
    """A draft, the credit notes beside it, and which periods they and its delta lines correct."""

    draft: Draft
    metering: tuple[Metered, ...]
    credit_notes: tuple[tuple[Correction, Draft], ...]
    corrections: tuple[dict[str, Any], ...]
    bundle: str


def due_row(due: Due) -> dict[str, object]:
    """A contract as it enters a run: to be calculated, or left out because its period is still open."""
    row = {"contract": due.contract, "contract_name": due.contract_name, "period": due.id}
    if due.closed_at is not None:
        return row | {"state": "collected", "reason": "", "hash": ""}
    reason = f"period {due.label} is open; its cut-off is {due.cutoff_at:%Y-%m-%d %H:%M} UTC"
    return row | {"state": "excluded", "reason": reason, "hash": excluded_hash(due.contract_name, "open")}


def excluded_hash(contract: str, reason: str) -> str:
    """Stands for a contract that is left out."""
    return canonical.digest(["excluded", contract, reason])


def final_row(due: Due) -> dict[str, object]:
    """A contract that is over and of which an earlier bill may change, as it enters a run. due: its last period."""
    return due_row(due) | {"final": True}


def final(connection: Connection, run: Run, ids: Sequence[int], at: datetime) -> Iterator[Rows]:
    """Rows of drafts for contracts that are over, by their last periods: what earlier bills lack or have too much.

    There is no next invoice to carry it, so it gets a document of its own: an invoice of delta lines, or a credit note.
    """
    dues = periods.by_id(connection, ids)
    found = correction_store.find(connection, dues, run, at, final=True)
    whole = [due for due in dues if due.contract in found]

    def read(some: Sequence[Due]) -> dict[int, Saved]:
        newest = {due.id: found[due.contract][-1].saved for due in some}
        saved = evaluations.by_id(connection, newest.values())
        return {number: _bare(saved[newest[number]], run.label) for number in newest}

    yield from _rows(connection, run, whole, found, read)
    unchanged = "the contract is over, and nothing of its bills changes"
    yield [_nothing(due, unchanged) | {"final": True} for due in dues if due.contract not in found]


def _nothing(due: Due, reason: str) -> dict[str, Any]:
    """A contract of which nothing is billed."""
    row = {"contract": due.contract, "state": "excluded", "reason": reason, "evaluation": None}
    empty: dict[str, Any] = {"corrections": [], "credit_notes": [], "findings": []}
    return row | {"hash": excluded_hash(due.contract_name, reason)} | empty


def _is_empty(drawn: _Drawn) -> bool:
    """Whether nothing stands on the document, nothing beside it, and nothing stands in the way of saying so."""
    draft = drawn.draft
    return not draft.blocked and not drawn.corrections and NOTHING_TO_BILL in {item.code for item in draft.findings}


def _unbilled(due: Due, saved: Saved, drawn: _Drawn) -> dict[str, Any]:
    """A period that is settled without a document; late facts of it are billed with the next one."""
    digest = canonical.digest([NOTHING_TO_BILL, due.contract_name, saved.result["result_hash"]])
    found = {
        name: [item.to_json() for item in items]
        for name, items in (("findings", drawn.draft.findings), ("metering", drawn.metering))
    }
    return _nothing(due, f"nothing to bill for {due.label}") | {"evaluation": saved.id, "hash": digest} | found


def _bare(saved: Saved, label: str) -> Saved:
    """An evaluation without lines of its own."""
    empty: dict[str, Any] = {"period": label, "lines": [], "verdicts": [], "open_cases": [], "problems": []}
    return replace(saved, result=saved.result | empty)


def calculate(connection: Connection, run: Run, ids: Sequence[int], at: datetime) -> Iterator[Rows]:
    """Rows of drafts for these periods, evaluated as of the run's knowledge; as many at once as are saved at once."""
    if run.known is None:
        raise ValueError(f"run {run.public_id} has not frozen what is known")
    dues = periods.by_id(connection, ids)
    found = correction_store.find(connection, dues, run, at)
    settled = contracts.settle(connection, dues, known=run.known, at=at)

    def read(some: Sequence[Due]) -> dict[int, Saved]:
        saved = evaluations.by_id(connection, [settled[due.id] for due in some])
        return {due.id: saved[settled[due.id]] for due in some}

    return _rows(connection, run, dues, found, read)


def failed(connection: Connection, period: int, reason: str) -> dict[str, Any]:
    """The row of a draft that cannot be drawn up."""
    (due,) = periods.by_id(connection, [period])
    return _blocked(due, None, f"cannot be evaluated: {reason}")


def _rows(
    connection: Connection,
    run: Run,
    dues: Sequence[Due],
    found_by_contract: Mapping[int, Sequence[Correction]],
    read: Callable[[Sequence[Due]], dict[int, Saved]],
) -> Iterator[Rows]:
    """read: what some are drawn up from, by period id; few at a time, because evaluations are large."""
    known = run.known or 0
    before = [(due.contract, due.starts_at) for due in dues]
    last, creditable = invoices.last(connection, before), invoices.creditable(connection, before)
    numbers = [due.contract for due in dues]
    versions = contract_store.versions(connection, numbers, known)
    payers = contract_store.payers(connection, numbers)
    accounts = entities.accounts(connection, [payer.party for payer in payers.values()])
    seller = entities.entity_by_id(connection, run.entity)
    local = _local(connection, seller, dues, known)
    too_much = balance.of_customers(connection, seller.id, accounts)
    for first in range(0, len(dues), AT_ONCE):
        some = dues[first : first + AT_ONCE]
        saved = read(some)
        rows = []
        for due in some:
            payer = payers[due.contract]
            account = accounts.get(payer.party)
            wanted = _Wanted(
                due,
                saved.pop(due.id),
                versions[due.contract],
                found_by_contract.get(due.contract, ()),
                last.get(due.contract),
                local.get(due.ends_at),
                creditable.get(due.contract),
                account.demands(seller.material, too_much.get(account.party, ())) if account else Demands(),
            )
            rows.append(_row_of(wanted, seller, payer, account))
        yield rows


def _row_of(wanted: _Wanted, seller: Entity, payer: Side, account: Account | None) -> dict[str, Any]:
    due, saved = wanted.due, wanted.saved
    if _is_settled(wanted):
        return _nothing(due, f"the contract ended before {due.label}, and nothing is left to settle")
    if account is None:
        return _blocked(due, saved, f"{payer.name} has no account; set it up with `yardstick bill setup FILE`")
    drawn = _draw_up(wanted, seller, account)
    if isinstance(drawn, str):
        return _blocked(due, saved, drawn)
    return _unbilled(due, saved, drawn) if _is_empty(drawn) else _row(due, saved, drawn)


def _is_settled(wanted: _Wanted) -> bool:
    """Whether the agreement ended before the period, and nothing of it is left to print."""
    ends = wanted.versions[-1].ends
    over = ends is not None and ends <= micros(wanted.due.starts_at)
    return over and not wanted.saved.result["lines"] and not wanted.corrections


def _local(connection: Connection, seller: Entity, dues: Sequence[Due], known: int) -> dict[datetime, Local]:
    """By the end of a period, the rates of its last day, which is the tax point; empty where one currency is enough."""
    if seller.vat_currency is None:
        return {}
    days = {due.ends_at: (due.ends_at.astimezone(zone(seller.timezone)) - timedelta(days=1)).date() for due in dues}
    rates = {day: exchange.holding(connection, seller.rate_source, day, known) for day in set(days.values())}
    return {end: Local(seller.vat_currency, rates[day], day) for end, day in days.items()}


def _draw_up(wanted: _Wanted, seller: Entity, account: Account) -> _Drawn | str:
    """The draft, or why there is none. Corrections that would make it negative become credit notes."""
    due, saved, versions = wanted.due, wanted.saved, wanted.versions
    try:
        terms = agreement(versions, saved.result["versions"], end=micros(due.ends_at), default=seller.tax)
    except NotATax as error:
        return str(error)
    billing = versions[-1].billing
    payment = billing.payment
    if payment is not None and (payment.months or payment.microseconds):
        return "the contract's billing.payment is not in whole days; write it as P30D"
    ways = {item.period: way(item, billing.correction, billing.min_credit) for item in wanted.corrections}
    drawn = _with(wanted, ways, terms, seller=seller, account=account)
    if drawn.draft.gross.amount < 0 and "delta_line" in ways.values():
        lower = {
            x.period
            for x in wanted.corrections
            if x.net.amount < 0 and ways[x.period] == "delta_line" and x.document is not None
        }
        drawn = _with(wanted, ways | dict.fromkeys(lower, "credit_note"), terms, seller=seller, account=account)
    return drawn


def _with(wanted: _Wanted, ways: Mapping[str, Way], terms: Agreement, *, seller: Entity, account: Account) -> _Drawn:
    by_way = {name: [x for x in wanted.corrections if ways[x.period] == name] for name in set(ways.values())}
    payment = wanted.versions[-1].billing.payment
    draft = draw_up(
        Evaluated(wanted.saved.public_id, wanted.saved.result, wanted.saved.evidence),
        terms,
        seller=seller.seller,
        buyer=account.buyer,
        payment_days=payment.days if payment else account.payment_days,
        purchase_order=account.purchase_order,
        demands=wanted.demands,
        language=account.language,
        local=wanted.local,
        deltas=[line for item in by_way.get("delta_line", []) for line in item.lines],
        last=wanted.last,
    )
    if draft.gross.amount < 0 and wanted.credited:
        draft = of_period(draft, wanted.credited)
    ruling = in_force(wanted.versions, micros(wanted.due.ends_at) - 1)
    if contest := agreed(wanted.due.contract_name, ruling, account.language):
        draft = replace(draft, document=draft.document | {"contest": contest})
    bundle = bundle_of(account.consolidate, draft.document, terms.rounding)
    if account.named_with:
        draft = replace(draft, document=draft.document | account.named_with)
    if bundle:
        groups = {item.asset: item.group for version in wanted.versions for item in version.coverage if item.group}
        draft = replace(draft, document=of_bundle(draft.document, groups, terms.rounding))
    notes = [(item, credit_note(item, terms.rounding)) for item in by_way.get("credit_note", [])]
    corrections = [_correction(item, ways[item.period]) for item in wanted.corrections]
    result, evidence = wanted.saved.result, wanted.saved.evidence if wanted.saved.result["lines"] else {}
    metering = metered(evidence, draft.document, terms.charged, result["open_cases"])
    return _Drawn(draft, metering, tuple(notes), tuple(corrections), bundle)


def _correction(item: Correction, how: Way) -> dict[str, Any]:
    return {
        **{name: getattr(item, name) for name in ("n", "reason")},
        "evaluation": item.saved,
        "label": item.period,
        "kind": how,
        "net": f"{item.net.amount:f}",
        "currency": item.net.currency,
        "corrects": item.document["issue"]["id"] if item.document else None,
    }


def _row(due: Due, saved: Saved, drawn: _Drawn) -> dict[str, Any]:
    draft = drawn.draft
    state = "blocked" if draft.blocked else "warning" if draft.warnings else "ok"
    notes = [
        {"label": item.period, "evaluation": item.saved, "document": note.document, "hash": note.hash}
        for item, note in drawn.credit_notes
    ]
    sealed = [{key: x[key] for key in ("label", "n", "kind", "net")} for x in drawn.corrections]
    more: list[Any] = [[note["hash"] for note in notes], sealed] if drawn.corrections else []
    more += [drawn.bundle] if drawn.bundle else []
    codes = sorted({(item.code, item.severity) for item in draft.findings})
    return {
        "findings": [item.to_json() for item in draft.findings],
        "metering": [item.to_json() for item in drawn.metering],
        "corrections": drawn.corrections,
        "credit_notes": notes,
        "contract": due.contract,
        "state": state,
        "reason": "; ".join(draft.blocked or draft.warnings),
        "evaluation": saved.id,
        "document": draft.sealed[0],
        "buyer": draft.document["buyer"]["name"],
        "content_hash": draft.hash,
        "bundle": drawn.bundle,
        "net": Decimal(draft.document["net"]),
        "tax": Decimal(draft.document["tax_total"]),
        "gross": Decimal(draft.document["gross"]),
        "currency": draft.net.currency,
        "hash": canonical.digest([state, draft.hash, codes, *more]),
    }


def _blocked(due: Due, saved: Saved | None, reason: str) -> dict[str, Any]:
    digest = canonical.digest(["blocked", due.contract_name, reason])
    row: dict[str, Any] = {"contract": due.contract, "state": "blocked", "reason": reason, "hash": digest}
    row["evaluation"] = saved.id if saved else None
    finding = Finding("not_drawn_up", "blocking", reason, "", "mend what is named, then calculate again")
    return row | {"corrections": [], "credit_notes": [], "findings": [finding.to_json()]}
