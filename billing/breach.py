"""The report of a missed guarantee: what was promised, what was measured from which facts, and what it is worth."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from core.canonical import decimal_text
from core.money import round_fraction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from billing.invoice import Document, Evaluated
    from core.money import Money

TIMES = ("required", "excluded", "counted", "down", "coverage")


@dataclass(frozen=True, slots=True)
class Breach:
    """A breach as contracts recorded it. id: its public one.

    start: of the window, as verdicts write it; "": the first of the period.
    """

    id: str
    clause: str
    asset: str
    obligated: str
    target: str
    measured: str
    credit: Money
    start: str = ""


def report(id: str, breach: Breach, evaluated: Evaluated, invoice: Document) -> Document:  # noqa: A002
    """The report as JSON types. invoice: the issued document of the same evaluation; its line carries the credit."""
    result = evaluated.result
    verdict = _verdict(breach, result)
    line = _credit_line(breach, invoice)
    return {
        "schema": "breach_report/1",
        "id": id,
        "breach": breach.id,
        **{key: result[key] for key in ("contract", "period", "timezone", "currency")},
        "language": invoice.get("language", "en"),
        "clause": breach.clause,
        "sentence": _sentence(breach, invoice),
        **{key: getattr(breach, key) for key in ("asset", "obligated", "target", "measured")},
        **{key: verdict[key] for key in ("state", "status", "certain", "from", "to", "steps", "bounds", "explanation")},
        **{name: _shown(verdict["values"].get(name)) for name in TIMES},
        "outages": _rows("states", breach, evaluated, verdict),
        "attributions": _rows("attributions", breach, evaluated, verdict),
        "notices": _rows("notices", breach, evaluated, verdict),
        "credit": decimal_text(breach.credit.amount),
        "invoice": line and {"id": invoice["issue"]["id"], "number": invoice["issue"]["number"], "line": line["n"]},
        "evaluation": {"id": evaluated.id, "result_hash": result["result_hash"]},
    }


def withdrawal(id: str, before: Document, evaluated: Evaluated) -> Document:  # noqa: A002
    """What says that a reported breach is none after all. before: the report that stood."""
    result = evaluated.result
    same = (v for v in result["verdicts"] if all(v[key] == before[key] for key in ("clause", "asset", "from")))
    verdict = next(same, None)
    said = (
        {key: verdict[key] for key in ("state", "status", "certain", "steps", "bounds", "explanation")}
        if verdict
        else {}
    )
    times = {name: _shown(verdict["values"].get(name)) for name in TIMES} if verdict else {}
    return (
        before
        | said
        | times
        | {"id": id, "withdrawn": True, "credit": "0", "outages": [], "breach": None}
        | {"evaluation": {"id": evaluated.id, "result_hash": result["result_hash"]}}
    )


def _verdict(breach: Breach, result: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (v for v in result["verdicts"] if (v["clause"], v["asset"]) == (breach.clause, breach.asset))
    verdict: Mapping[str, Any] = next(v for v in found if v["state"] == "violated" and breach.start in ("", v["from"]))
    return verdict


def _sentence(breach: Breach, invoice: Document) -> str:
    """As the first version of the period says it: a promise belongs to the version in which its window begins."""
    sentences = (item["sentence"] for item in invoice["clauses"] if item["clause"] == breach.clause)
    return next(sentences, "")


def _credit_line(breach: Breach, invoice: Document) -> Document | None:
    """The line that carries the credit of the breach's window: it may carry those of several."""
    same = [x for x in invoice["lines"] if (x["clause"], x["asset"]) == (breach.clause, breach.asset)]
    lower = [x for x in same if x["amount"].startswith("-") and not x.get("corrects")]
    return next((x for x in lower if not breach.start or x["from"] <= breach.start < x["to"]), None)


def _rows(kind: str, breach: Breach, evaluated: Evaluated, verdict: Mapping[str, Any]) -> list[Any]:
    """Facts of the asset within the window; of a pool, those of all its assets."""
    rows = evaluated.evidence.get(kind, [])
    own = [row for row in rows if row["asset"] in (breach.asset, "")]
    inside = own if any(row["asset"] for row in own) or breach.asset in _assets(evaluated) else rows
    return [row for row in inside if _touches(row, verdict)]


def _assets(evaluated: Evaluated) -> set[str]:
    return set(evaluated.evidence.get("assets", []))


def _touches(row: Mapping[str, Any], verdict: Mapping[str, Any]) -> bool:
    if row["from"] is None or row["to"] is None:
        return True
    return bool(row["from"] < verdict["to"] and verdict["from"] < row["to"])


def _shown(exact: str | None) -> str | None:
    """As printed: what has no digits that end (2069/3 h) with four, half-up."""
    number, _, unit = (exact or "").partition(" ")
    return exact if "/" not in number else f"{round_fraction(Fraction(number), 4, 'half_up'):f} {unit}"
