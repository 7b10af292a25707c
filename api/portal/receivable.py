"""A seller's money as its finance looks at it: key figures, what waits for a second person, what is left to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from api.visit import Visit
from billing.person import why_not_two
from billing.proposal import Looked, Proposal
from billing.store import balance, payment, receivable
from billing.store import correction as corrections
from billing.store import entity as entities
from billing.store import proposal as proposals
from billing.store.balance import Balance
from billing.store.entity import Entity
from billing.store.payment import Waiting
from billing.store.receivable import Overdue, Sums
from billing.store.view import InvoiceView
from contracts.store import view
from core.money import Money
from core.time import zone

MOST_OVERDUE, MOST_PROPOSALS = 100, 1_000
# Beyond so many contracts, summing what runs is too much while somebody waits.
MOST_RUNNING = 1_000


@dataclass(frozen=True, slots=True)
class Figures:
    """What a seller is owed, by currency; how many proposals are open, and how many of them the viewer may approve.

    running: what open periods of so many contracts come to before tax, by currency; None: they are too many.
    """

    sums: Sequence[Sums]
    waiting: int
    yours: int
    running: Sequence[Money] | None
    contracts: int


@dataclass(frozen=True, slots=True)
class Desk:
    """What a seller's finance has to do."""

    seller: Entity
    proposals: Sequence[Proposal]
    sums: Sequence[Sums]
    overdue: Sequence[Overdue]
    balances: Sequence[Balance]
    returns: Sequence[Waiting]


@dataclass(frozen=True, slots=True)
class Credit:
    """Whether an invoice may be credited: what is in the way, and the proposal that waits; "": nothing, none."""

    problem: str
    waiting: str


def figures(visit: Visit) -> Figures | None:
    """None for a party that does not sell."""
    seller = entities.entity_of(visit.connection, visit.viewer.party)
    if seller is None:
        return None
    found = waiting(visit, seller)
    few = view.provided(visit.connection, visit.viewer.party) <= MOST_RUNNING
    running = view.running(visit.connection, visit.viewer.party) if few else []
    return Figures(
        sums=receivable.sums(visit.connection, seller.id, today(visit, seller)),
        waiting=len(found),
        yours=sum(may_approve(visit, one) for one in found),
        running=[Money(row.total, row.currency) for row in running] if few else None,
        contracts=sum(row.contracts for row in running),
    )


def desk(visit: Visit) -> Desk | None:
    """None for a party that does not sell."""
    seller = entities.entity_of(visit.connection, visit.viewer.party)
    if seller is None:
        return None
    connection, day = visit.connection, today(visit, seller)
    return Desk(
        seller=seller,
        proposals=waiting(visit, seller),
        sums=receivable.sums(connection, seller.id, day),
        overdue=receivable.overdue(connection, seller.id, day, most=MOST_OVERDUE),
        balances=(*balance.rests(connection, seller.id), *balance.overpaid(connection, seller.id)),
        returns=payment.waiting(connection, seller.id),
    )


def creditable(visit: Visit, invoice: InvoiceView) -> Credit | None:
    """None where it is not for the viewer to propose: it is no invoice, or not of a seller of theirs."""
    if visit.viewer.role != "finance" or invoice.kind != "invoice":
        return None
    seller = entities.entity_of_invoice(visit.connection, invoice.id, visit.viewer.party)
    if seller is None:
        return None
    found = {"id": invoice.id, "number": invoice.number, "kind": invoice.kind, "label": invoice.label}
    about = Looked(seller.id, invoice.public_id, {}, "")
    other = proposals.open_one(visit.connection, "credit_note", about, visit.at)
    return Credit(corrections.why_not_creditable(visit.connection, found), other or "")


def waiting(visit: Visit, seller: Entity) -> list[Proposal]:
    """What is open, the newest first."""
    return proposals.listed(visit.connection, visit.at, entity=seller.id, state="open", most=MOST_PROPOSALS)


def may_approve(visit: Visit, proposal: Proposal) -> bool:
    """Whether the viewer is a second person."""
    return not why_not_two(proposal.by, visit.viewer.who)


def asked(proposal: Proposal) -> list[Money]:
    """What proposed letters ask for together, by currency."""
    each = [Money.parse(f"{letter['total']} {letter['currency']}") for letter in proposal.detail["letters"]]
    return [
        Money.total((one for one in each if one.currency == currency), currency)
        for currency in sorted({one.currency for one in each})
    ]


def today(visit: Visit, seller: Entity) -> date:
    """In the seller's zone, as due dates are."""
    return visit.at.astimezone(zone(seller.timezone)).date()
