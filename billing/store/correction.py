"""Which billed periods come to something else now, and what was billed for them so far."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from billing.agreement import agreement
from billing.bundle import part_of
from billing.correction import Billed, correct
from billing.invoice import Evaluated
from billing.store import entity as entities
from billing.store import invoice as invoices
from billing.tax import Tax
from contracts.store import contract as contract_store
from contracts.store import period as periods
from contracts.store import revision
from core.money import Money
from core.store import packed
from core.time import micros

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from billing.correction import Correction
    from billing.store.entity import Entity
    from billing.store.run import Run
    from contracts.store.evaluation import Saved
    from contracts.store.period import Due
    from contracts.store.revision import Revised

# Invoices that stand (not credited in full) of periods that ended before another one begins.
STANDING = text("""
    SELECT i.id, p.contract, p.label, p.evaluation
    FROM unnest(cast(:contracts AS int[]), cast(:starts AS timestamptz[])) AS w (contract, "start")
    JOIN billing.invoice_part AS p ON p.contract = w.contract AND p.bills
    JOIN billing.invoice AS i ON i.id = p.invoice AND i.service_end <= w."start"
    WHERE NOT EXISTS (SELECT FROM billing.correction AS c WHERE c.corrects = i.id AND c.kind = 'cancellation')
    ORDER BY p.contract, i.service_start
""")
# Periods that were settled without a document, as `STANDING`; the invoice is the one that their lines refer to: the
# contract's last before, or its first, if it has any.
UNBILLED = text(f"""
    SELECT DISTINCT ON (n.contract, n.period) i.id, n.contract, n.label, n.evaluation, n.period, w."start"
    FROM unnest(cast(:contracts AS int[]), cast(:starts AS timestamptz[])) AS w (contract, "start")
    JOIN ({invoices.SETTLED}) AS n ON n.contract = w.contract
    LEFT JOIN LATERAL (
        SELECT j.id FROM ({invoices.STANDING}) AS s JOIN billing.invoice AS j ON j.id = s.invoice AND j.kind = 'invoice'
        WHERE s.contract = n.contract ORDER BY j.service_end <= w."start" DESC, j.service_start DESC LIMIT 1
    ) AS i ON true
    ORDER BY n.contract, n.period, n.evaluation DESC
""")  # noqa: S608 - only constants
# Up to which evaluation a period's differences are billed, or noted as too small for it.
SEEN = text("""
    SELECT contract, label, max(evaluation) AS evaluation FROM (
        SELECT contract, label, evaluation FROM billing.correction
        UNION ALL SELECT contract, label, evaluation FROM billing.carried
    ) AS e WHERE contract = ANY(:contracts) GROUP BY contract, label
""")
DOCUMENTS = text(f"SELECT id, {invoices.WHOLE} AS document FROM billing.invoice WHERE id = ANY(:ids)")  # noqa: S608
BILLED = text("""
    SELECT p.contract, coalesce(l.label, p.label) AS label, l.clause, l.asset, l.tax_category, l.tax_rate,
        (array_agg(l.kind ORDER BY i.id DESC))[1] AS kind, l.currency, sum(l.amount) AS amount
    FROM billing.invoice_part AS p
    JOIN billing.invoice AS i ON i.id = p.invoice
    JOIN billing.line AS l ON l.invoice = p.invoice AND l.part = p.n
    WHERE p.contract = ANY(:contracts) AND coalesce(l.label, p.label) = ANY(:labels)
    GROUP BY p.contract, coalesce(l.label, p.label), l.clause, l.asset, l.tax_category, l.tax_rate, l.currency
    ORDER BY max(i.id) DESC, l.tax_category, l.tax_rate
""")
INVOICED = text(f"""
    SELECT s.contract, s.label, i.public_id
    FROM ({invoices.STANDING}) AS s JOIN billing.invoice AS i ON i.id = s.invoice
    WHERE s.contract = ANY(:contracts)
""")  # noqa: S608 - only constants
COUNTS = text("""
    SELECT contract, label, max(n) AS n FROM billing.correction WHERE contract = ANY(:contracts)
    GROUP BY contract, label
""")
# Documents that correct a period and stand; one of them is in the way of crediting its invoice in full.
CORRECTED_BY = text("""
    SELECT i.number FROM billing.correction AS c JOIN billing.invoice AS i ON i.id = c.invoice
    WHERE c.corrects = :id AND c.kind <> 'cancellation' AND i.id <> :id
        AND (c.contract, c.label) IN (SELECT contract, label FROM billing.invoice_part WHERE invoice = :id)
        AND NOT EXISTS (SELECT FROM billing.correction AS d WHERE d.corrects = i.id AND d.kind = 'cancellation')
    ORDER BY c.n DESC LIMIT 1
""")
CREDITED = text("SELECT 1 FROM billing.correction WHERE corrects = :id AND kind = 'cancellation'")
ADD = text("""
    INSERT INTO billing.correction
        (contract, label, n, kind, invoice, corrects, evaluation, currency, net, reason, at)
    SELECT r.contract, r.label, r.n, r.kind, r.invoice, i.id, r.evaluation, r.currency, r.net, r.reason, :at
    FROM json_to_recordset(cast(:rows AS json)) AS r(contract int, label text, n int, kind text, invoice bigint,
        corrects text, evaluation bigint, currency text, net numeric, reason text)
    LEFT JOIN billing.invoice AS i ON i.public_id = r.corrects
""")
CARRY = text("""
    INSERT INTO billing.carried (contract, label, evaluation, currency, net, reason, at)
    SELECT contract, label, evaluation, currency, net, reason, :at
    FROM json_to_recordset(cast(:rows AS json)) AS r(contract int, label text, evaluation bigint, currency text,
        net numeric, reason text)
    ON CONFLICT DO NOTHING
""")


def unsettled(connection: Connection, contracts: Sequence[int], *, before: datetime, known: int) -> frozenset[int]:
    """Which contracts have a billed period, over by an instant, that may come to something else now."""
    given = {"contracts": list(contracts), "starts": [before] * len(contracts)}
    seen = {(r.contract, r.label): r.evaluation for r in connection.execute(SEEN, {"contracts": list(contracts)})}
    billed = [
        revision.Billed(row.contract, row.label, max(row.evaluation, seen.get((row.contract, row.label), 0)))
        for row in _standing(connection, given).values()
    ]
    return revision.pending(connection, billed, known=known) if billed else frozenset()


def find(
    connection: Connection, dues: Sequence[Due], run: Run, at: datetime, *, final: bool = False
) -> dict[int, list[Correction]]:
    """By contract, what changes of its earlier billed periods as of the run's knowledge; in order of time.

    final: the contract has no period in this run, and its last one counts as an earlier one.
    """
    if run.known is None:
        raise ValueError(f"run {run.public_id} has not frozen what is known")
    starts = [run.starts_at if final else due.starts_at for due in dues]
    given = {"contracts": [due.contract for due in dues], "starts": starts}
    standing = _standing(connection, given)
    billed = [revision.Billed(row.contract, row.label, row.evaluation) for row in standing.values()]
    revised = revision.revise(connection, billed, known=run.known, at=at) if billed else []
    if not revised:
        return {}
    keys = [(item.due.contract, item.due.label) for item in revised]
    ids = {key: standing[key].id for key in keys}
    documents = {row.id: row.document for row in connection.execute(DOCUMENTS, {"ids": list(ids.values())})}
    seller = entities.entity_by_id(connection, run.entity)
    sums, numbers = _billed(connection, keys), counts(connection, [due.contract for due in dues])
    spoken = _languages(connection, {key[0] for key in keys if ids[key] is None})
    found: dict[int, list[Correction]] = {}
    for item, key in zip(revised, keys, strict=True):
        document = documents.get(ids[key])
        language = document.get("language", "en") if document else spoken[item.due.contract]
        n, owed = numbers.get(key, 0) + 1, sums.get(key, ())
        if correction := _correct(item, document, owed, seller=seller, n=n, language=language):
            found.setdefault(item.due.contract, []).append(correction)
    return found


def _standing(connection: Connection, given: dict[str, Any]) -> dict[tuple[int, str], Any]:
    """By contract and label the periods whose bill stands, a bill of nothing too. given: contracts, and until when."""
    standing = {(row.contract, row.label): row for row in connection.execute(STANDING, given)}
    unbilled = connection.execute(UNBILLED, given).all()
    ends = (
        {due.id: due.ends_at for due in periods.by_id(connection, [row.period for row in unbilled])} if unbilled else {}
    )
    return standing | {(row.contract, row.label): row for row in unbilled if ends[row.period] <= row.start}


def invoiced_since(connection: Connection, drafts: Mapping[int, Sequence[Mapping[str, Any]]]) -> frozenset[int]:
    """Contracts of whose corrections one is of a period that has an invoice of its own by now. drafts: corrections."""
    found = connection.execute(INVOICED, {"contracts": [contract for contract, items in drafts.items() if items]})
    invoice = {(row.contract, row.label): row.public_id for row in found}
    return frozenset(
        contract
        for contract, items in drafts.items()
        if any(invoice.get((contract, item["label"]), item["corrects"]) != item["corrects"] for item in items)
    )


def counts(connection: Connection, contracts: Iterable[int]) -> dict[tuple[int, str], int]:
    """How often each period of these contracts was corrected, by contract and label; those never are missing."""
    rows = connection.execute(COUNTS, {"contracts": list(contracts)})
    return {(row.contract, row.label): row.n for row in rows}


def why_not_creditable(connection: Connection, found: Mapping[str, Any]) -> str:
    """What is in the way of crediting this document in full; empty if nothing is."""
    number, key = found["number"], {"id": found["id"]}
    if found["kind"] != "invoice":
        return f"{number} is a credit note; only an invoice is credited"
    if connection.execute(CREDITED, {"id": found["id"]}).first():
        return f"{number} is credited in full already"
    if other := connection.execute(CORRECTED_BY, key).scalar():
        return f"period {found['label']} of {number} was corrected by {other}; credit that document first"
    return ""


def add(connection: Connection, rows: Sequence[Mapping[str, Any]], at: datetime) -> None:
    """Append corrections that documents carry. Raises IntegrityError where another document took the number.

    Keys as the columns; corrects: the public id of the invoice that stays as it was; None: there was none.
    """
    if rows:
        connection.execute(ADD, {"rows": packed(rows), "at": at})


def carry(connection: Connection, rows: Sequence[Mapping[str, Any]], at: datetime) -> None:
    """Note what is owed and too small to bill yet; keys as the columns."""
    if rows:
        connection.execute(CARRY, {"rows": packed(rows), "at": at})


def _languages(connection: Connection, contracts: set[int]) -> dict[int, str]:
    """In which each contract's debtor is written to."""
    payers = contract_store.payers(connection, contracts) if contracts else {}
    accounts = entities.accounts(connection, {payer.party for payer in payers.values()}) if payers else {}
    return {
        contract: accounts[payer.party].language if payer.party in accounts else "en"
        for contract, payer in payers.items()
    }


def _correct(
    item: Revised, document: dict[str, Any] | None, billed: Sequence[Billed], *, seller: Entity, n: int, language: str
) -> Correction | None:
    result, numbers = item.after.result, item.after.result["versions"]
    own = part_of(document, result["contract"]) if document else None
    if own and own["period"] != result["period"]:  # it had nothing to bill: the invoice stands for the one it lacks
        own |= {"period": result["period"], "service": {"from": result["from"], "to": result["to"]}}
    return correct(
        own,
        billed,
        place=(n, item.after.id),
        before=_evaluated(item.before),
        after=_evaluated(item.after),
        agreement=agreement(item.versions, numbers, end=micros(item.due.ends_at), default=seller.tax),
        reasons=item.reasons,
        language=language,
    )


def _evaluated(saved: Saved) -> Evaluated:
    return Evaluated(saved.public_id, saved.result, saved.evidence)


def _billed(connection: Connection, keys: Sequence[tuple[int, str]]) -> dict[tuple[int, str], list[Billed]]:
    given = {"contracts": list({key[0] for key in keys}), "labels": list({key[1] for key in keys})}
    found: dict[tuple[int, str], list[Billed]] = {}
    for row in connection.execute(BILLED, given):
        amount, tax = Money(row.amount, row.currency), Tax(row.tax_category, row.tax_rate)
        item = Billed(row.clause, row.kind, row.asset, tax, amount)
        found.setdefault((row.contract, row.label), []).append(item)
    return found
