"""Files to keep: CSV by RFC 4180, and documents as issued."""

import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from csv import writer as csv_writer
from typing import Any

from fastapi import Response

from api.evaluation import Line
from billing.store.view import InvoiceView

COLUMNS = ["line", "clause", "asset", "text", "quantity", "unit", "amount", "currency", "tax_category", "tax_rate"]
BILL = ["clause", "asset", "text", "quantity", "unit", "amount", "currency", "from", "to"]
COUNTED = ["register", "device", "from", "to", "opening", "closing", "removed", "use", "use_unit"]
# A spreadsheet would run a cell that begins so.
FORMULA = re.compile(r"^[=+@\t\r]|^-(?![\d.]+$)")


def csv_text(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """CSV with a header row; no cell can start a formula."""
    out = io.StringIO()
    writer = csv_writer(out)
    writer.writerow(header)
    writer.writerows([_cell(cell) for cell in row] for row in rows)
    return out.getvalue()


def invoice_csv(document: Mapping[str, Any]) -> str:
    """A row for each line and device it counts; a line without readings has one row."""
    rows: list[list[object]] = []
    for line in document["lines"]:
        head = [line["n"], line["clause"], line["asset"], line["text"], line["quantity"], line["unit"], line["amount"]]
        head += [document["currency"], line["tax"]["category"], line["tax"]["rate"]]
        counted = line["evidence"] or [{}]
        rows.extend([*head, *(one.get(name) for name in (*COUNTED[:-1], "unit"))] for one in counted)
    return csv_text([*COLUMNS, *COUNTED], rows)


def bill_csv(lines: Iterable[Line]) -> str:
    """A row for each line of a bill."""
    rows = []
    for line in lines:
        amount, _, currency = line.amount.partition(" ")
        said = [line.clause, line.asset, line.text, line.quantity, line.unit, amount, currency]
        rows.append([*said, line.from_.isoformat(), line.to.isoformat()])
    return csv_text(BILL, rows)


def csv(content: str, *, name: str) -> Response:
    """A CSV response that a browser saves."""
    return Response(content, media_type="text/csv; charset=utf-8", headers=_attachment(name))


def plain(content: str, *, name: str) -> Response:
    """A text that a browser saves."""
    return Response(content, media_type="text/plain; charset=utf-8", headers=_attachment(name))


def document(row: InvoiceView) -> Response:
    """An invoice's document with its hashes, as a browser saves it."""
    whole = row.document | {
        "hashes": {"content": row.content_hash, "previous": row.previous_hash, "chain": row.chain_hash}
    }
    content = json.dumps(whole, ensure_ascii=False, indent=1)
    return Response(content, media_type="application/json", headers=_attachment(f"{row.number}.json"))


def _attachment(name: str) -> dict[str, str]:
    safe = re.sub(r"[^A-Za-z0-9._-]", "-", name)
    return {"Content-Disposition": f'attachment; filename="{safe}"'}


def _cell(value: object) -> str:
    plain = "" if value is None else str(value)
    return f"'{plain}" if FORMULA.match(plain) else plain
