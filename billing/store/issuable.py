"""Drafts of an approved run as they are issued: in chunks, each taken by one process."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from billing.store.run import Run

# What is left to issue, in the order of the chain: customer, then bundle or contract, a bundle never in two chunks.
# Counted over all drafts, so that chunks are the same whatever of them is issued already.
CHUNKS = text("""
    SELECT array_agg(contract ORDER BY place, contract) FROM (
        SELECT contract, state, rank() OVER (
            ORDER BY buyer COLLATE "C", coalesce(nullif(bundle, ''), contract_name) COLLATE "C") - 1 AS place
        FROM billing.draft WHERE run = :run AND revision = :revision
    ) AS d
    WHERE state IN ('ok', 'warning') GROUP BY place / :most ORDER BY place / :most
""")
# Taken by saying so: a draft is issued with the transaction that takes it, or not at all. With it comes the inside key
# of a document, so that these follow the order in which chunks are begun.
TAKE = text("""
    UPDATE billing.draft SET state = 'issued'
    -- An array, not a join: joined, all drafts of the run were compared with each of these.
    WHERE run = :run AND revision = :revision AND contract = ANY(ARRAY(
        SELECT contract FROM billing.draft
        WHERE run = :run AND revision = :revision AND contract = ANY(:contracts) AND state IN ('ok', 'warning')
        FOR UPDATE SKIP LOCKED
    ))
    RETURNING nextval('billing.invoice_id_seq')
""")
WAIT = text("""
    SELECT FROM billing.draft WHERE run = :run AND revision = :revision AND contract = ANY(:contracts)
    ORDER BY contract FOR SHARE
""")
UNISSUED = text("""
    SELECT count(*) FROM billing.draft WHERE run = :run AND revision = :revision AND state IN ('ok', 'warning')
""")
UNISSUED_OF = text("""
    SELECT count(*) FROM billing.draft
    WHERE run = :run AND revision = :revision AND contract = ANY(:contracts) AND state IN ('ok', 'warning')
""")
# Of the documents only what is booked; all of it in one pass, because each look into a large one unpacks it anew.
ISSUABLE = text("""
    SELECT d.contract, d.period, d.evaluation, d.hash, d.content_hash, d.corrections, d.credit_notes, d.bundle,
        d.final OR d.findings @> '[{"code": "nothing_to_bill"}]' AS final,
        h.head
    FROM unnest(cast(:contracts AS int[])) AS next (contract)
    CROSS JOIN LATERAL (
        SELECT * FROM billing.draft
        WHERE run = :run AND revision = :revision AND contract = next.contract OFFSET 0
    ) AS d
    CROSS JOIN LATERAL (
        SELECT json_build_object('kind', r.kind, 'contest', r.contest, 'corrects', r.corrects, 'contract', r.contract,
            'period', r.period, 'currency', r.currency, 'payment_days', r.payment_days, 'net', r.net,
            'tax_total', r.tax_total, 'gross', r.gross, 'tax', r.tax, 'timezone', r.timezone, 'service', r.service,
            'lines', (
                -- Those that are booked alike, as one. When a line is delivered matters where that is after the
                -- document's period; the texts sort as times.
                SELECT coalesce(json_agg(json_build_object('kind', b.kind, 'amount', b.amount::text,
                    'corrects', b.corrects, 'from', b."from", 'to', b."to")), '[]')
                FROM (
                    SELECT l.kind, sum(l.amount) AS amount, l.corrects, min(l."from") FILTER (WHERE t.later) AS "from",
                        min(l."to") FILTER (WHERE t.later) AS "to"
                    FROM (SELECT r.service ->> 'to' OFFSET 0) AS s("end"),
                        jsonb_to_recordset(r.lines) AS l(n int, kind text, amount numeric, corrects jsonb, "from" text,
                            "to" text),
                        LATERAL (SELECT l."to" COLLATE "C" > s."end") AS t(later)
                    GROUP BY l.kind, l.corrects, l.amount < 0, CASE WHEN t.later THEN l.n END
                ) AS b
            )) AS head
        FROM jsonb_to_record(d.document) AS r(kind jsonb, contest jsonb, corrects jsonb, contract jsonb, period jsonb,
            currency jsonb, payment_days jsonb, net jsonb, tax_total jsonb, gross jsonb, tax jsonb, timezone jsonb,
            service jsonb, lines jsonb)
    ) AS h
    ORDER BY d.buyer COLLATE "C", coalesce(nullif(d.bundle, ''), d.contract_name) COLLATE "C"
""")


@dataclass(frozen=True, slots=True)
class Issuable:
    """A draft that may be issued. contract, period, evaluation: ids. head: of its document, what is booked.

    final: the contract is over, or nothing is billed of its period; without lines only its credit notes are issued.
    bundle: those with the same one share a document; empty: it stands alone.
    """

    contract: int
    period: int
    evaluation: int
    hash: str
    content_hash: str
    head: dict[str, Any]
    corrections: list[dict[str, Any]]
    credit_notes: list[dict[str, Any]]
    final: bool
    bundle: str


def chunks(connection: Connection, run: Run, most: int) -> list[list[int]]:
    """What is left to issue, in the order of the chain: contracts of about so many drafts each."""
    given = {"run": run.id, "revision": run.revision, "most": most}
    return list(connection.execute(CHUNKS, given).scalars())


def take(connection: Connection, run: Run, contracts: Sequence[int]) -> list[int]:
    """Make these drafts issued, but for those that are, and those that somebody else has.

    Returns an inside key for the document of each that is ours.
    """
    given = {"run": run.id, "revision": run.revision, "contracts": list(contracts)}
    return sorted(connection.execute(TAKE, given).scalars())


def wait_for(connection: Connection, run: Run, contracts: Sequence[int]) -> None:
    """Until whoever has these drafts has ended its transaction."""
    connection.execute(WAIT, {"run": run.id, "revision": run.revision, "contracts": list(contracts)})


def unissued(connection: Connection, run: Run, contracts: Sequence[int] | None = None) -> int:
    """How many drafts are left to issue; of these contracts, or of all."""
    given = {"run": run.id, "revision": run.revision}
    if contracts is None:
        return int(connection.execute(UNISSUED, given).scalar_one())
    return int(connection.execute(UNISSUED_OF, given | {"contracts": list(contracts)}).scalar_one())


def issuable(connection: Connection, run: Run, contracts: Sequence[int]) -> list[Issuable]:
    """These contracts' drafts, in the order of the chain."""
    given = {"run": run.id, "revision": run.revision, "contracts": list(contracts)}
    return [Issuable(**row) for row in connection.execute(ISSUABLE, given).mappings()]
