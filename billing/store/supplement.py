"""Breach reports that a corrected period calls for: changed ones anew, and those that hold no longer withdrawn."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeAlias

from sqlalchemy import Connection, text

from billing import chain
from billing.breach import Breach, report, withdrawal
from billing.bundle import part_of
from billing.invoice import Evaluated
from billing.store.invoice import WHOLE
from contracts.store import breach as breach_store
from contracts.store import contract as contract_store
from contracts.store import evaluation as evaluations
from core import canonical
from core.money import Money
from core.store import packed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from billing.invoice import Document
    from contracts.store.evaluation import Saved

# The report of each guarantee of a period that stands: nothing supersedes it.
STANDING = text("""
    SELECT r.id, r.contract, r.document FROM billing.breach_report AS r
    JOIN unnest(cast(:contracts AS int[]), cast(:labels AS text[])) AS w (contract, label)
        ON w.contract = r.contract AND w.label = r.document ->> 'period'
    WHERE NOT EXISTS (SELECT FROM billing.breach_report AS later WHERE later.supersedes = r.id)
    ORDER BY r.id
""")
DOCUMENTS = text(f"SELECT id, {WHOLE} AS document FROM billing.invoice WHERE id = ANY(:ids)")  # noqa: S608
CORRECTED = text(f"SELECT public_id, {WHOLE} AS document FROM billing.invoice WHERE public_id = ANY(:ids)")  # noqa: S608
ADD = text("""
    INSERT INTO billing.breach_report
        (public_id, breach, contract, invoice, document, content_hash, issued_at, supersedes)
    SELECT public_id, breach, contract, invoice, document, content_hash, :at, supersedes
    FROM json_to_recordset(cast(:rows AS json)) AS r(public_id text, breach bigint, contract int, invoice bigint,
        document jsonb, content_hash text, supersedes bigint)
""")
POST = text("""
    INSERT INTO core.outbox (at, topic, key, payload)
    SELECT :at, 'breach.reported', key, payload
    FROM json_to_recordset(cast(:rows AS json)) AS r(key text, payload jsonb)
""")


Promise: TypeAlias = tuple[str, str, str]
"""Clause, asset, and when the window begins, as a report says it."""


@dataclass(frozen=True, slots=True)
class Corrected:
    """A period that a document corrects. evaluation: the newer one; invoice: the document's id; corrects: public id.

    corrects: None where the contract had no invoice.
    """

    contract: int
    label: str
    evaluation: int
    invoice: int
    corrects: str | None
    reason: str


def add(connection: Connection, corrected: Sequence[Corrected], at: datetime) -> None:
    """Append the reports that these corrections call for, each superseding the one that stood."""
    if not corrected:
        return
    given = {"contracts": [x.contract for x in corrected], "labels": [x.label for x in corrected]}
    standing: dict[tuple[int, str], dict[Promise, Any]] = {}
    for row in connection.execute(STANDING, given):
        words = row.document
        standing.setdefault((row.contract, words["period"]), {})[_promise(words)] = row
    found: dict[int, list[breach_store.Saved]] = {}
    for each in breach_store.of_evaluations(connection, [x.evaluation for x in corrected]):
        found.setdefault(each.evaluation, []).append(each)
    concerned = [x for x in corrected if x.evaluation in found or (x.contract, x.label) in standing]
    if not concerned:
        return
    saved = evaluations.by_id(connection, {x.evaluation for x in concerned})
    carrying = {row.id: row.document for row in connection.execute(DOCUMENTS, {"ids": [x.invoice for x in concerned]})}
    named = {"ids": [x.corrects for x in concerned if x.corrects]}
    billed = {row.public_id: row.document for row in connection.execute(CORRECTED, named)}
    rows = [
        row
        for item in concerned
        for row in _reports(
            item,
            saved[item.evaluation],
            found.get(item.evaluation, []),
            standing.get((item.contract, item.label), {}),
            papers=(
                carrying[item.invoice],
                part_of(
                    billed[item.corrects] if item.corrects else carrying[item.invoice],
                    saved[item.evaluation].result["contract"],
                ),
            ),
        )
    ]
    _save(connection, rows, at)


def breach_of(found: breach_store.Saved) -> Breach:
    """A recorded breach as reports take it."""
    words = {name: getattr(found, name) for name in ("clause", "asset", "obligated", "target", "measured")}
    start = str(canonical.plain(found.window_start)) if found.window_start else ""
    return Breach(id=found.public_id, credit=Money(Decimal(found.credit), found.currency), start=start, **words)


def _reports(
    item: Corrected,
    saved: Saved,
    breaches: Sequence[breach_store.Saved],
    standing: dict[Promise, Any],
    *,
    papers: tuple[dict[str, Any], dict[str, Any]],
) -> list[dict[str, Any]]:
    carrying, billed = papers
    evaluated = Evaluated(saved.public_id, saved.result, saved.evidence)
    reference = {"id": carrying["issue"]["id"], "number": carrying["issue"]["number"], "line": None}
    rows = []
    missed: set[Promise] = set()
    for each in breaches:
        document = report(contract_store.new_id("rep"), breach_of(each), evaluated, billed)
        before = standing.get(_promise(document))
        missed.add(_promise(document))
        if before is None or any(before.document[name] != document[name] for name in ("measured", "credit", "target")):
            rows.append(_row(item, document | {"invoice": reference}, each.id, before))
    for key, before in standing.items():
        if key not in missed and not before.document.get("withdrawn"):
            document = withdrawal(contract_store.new_id("rep"), before.document, evaluated)
            rows.append(_row(item, document | {"invoice": reference}, None, before))
    return rows


def _promise(document: Document) -> Promise:
    return document["clause"], document["asset"], document["from"]


def _row(item: Corrected, document: dict[str, Any], breach: int | None, before: Any) -> dict[str, Any]:
    document |= {"supersedes": before.document["id"] if before else None, "reason": item.reason}
    return {
        "public_id": document["id"],
        "breach": breach,
        "contract": item.contract,
        "invoice": item.invoice,
        "document": document,
        "content_hash": chain.report_hash(document),
        "supersedes": before.id if before else None,
    }


def _save(connection: Connection, rows: Sequence[dict[str, Any]], at: datetime) -> None:
    names = ("contract", "period", "clause", "asset", "supersedes")
    messages = [{"key": row["public_id"], "payload": {name: row["document"][name] for name in names}} for row in rows]
    connection.execute(ADD, {"rows": packed(rows), "at": at})
    connection.execute(POST, {"rows": packed(messages), "at": at})
