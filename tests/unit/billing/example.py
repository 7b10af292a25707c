"""June of one truck as an evaluation says it (worked case W18): fee, kilometres in two segments, credit, surcharge."""

from decimal import Decimal
from typing import Any

from billing.invoice import Agreement, Draft, Evaluated, Party, draw_up
from billing.tax import Tax

START, END = "2026-05-31T22:00:00.000000Z", "2026-06-30T22:00:00.000000Z"
SELLER = Party("Truck Supplier GmbH", "Hafenstr. 1, 20457 Hamburg", "DE", "DE123456788")
BUYER = Party("Haulier BV", "Waalhaven 2, Rotterdam", "NL", "NL123456782B01")
VAT_19 = Tax("S", Decimal(19))


def line(clause: str, kind: str, amount: str, *, asset: str = "T1", segment: int = 1) -> dict[str, Any]:
    """A row of an evaluation."""
    return {
        "id": f"l_{clause}_{asset}_{segment}",
        "clause": clause,
        "kind": kind,
        "asset": asset,
        "segment": segment,
        "from": START,
        "to": END,
        "text": "as agreed",
        "quantity": None,
        "unit": "",
        "amount": amount,
        "unrounded": amount.split(" ", maxsplit=1)[0],
        "steps": [],
    }


def verdict(*, state: str = "violated", status: str = "final") -> dict[str, Any]:
    """What clause 4.2 came to."""
    return {
        "clause": "4.2",
        "kind": "availability",
        "asset": "T1",
        "state": state,
        "status": status,
        "certain": False,
        "from": START,
        "to": END,
        "values": {"required": "720 h", "excluded": "30.25 h", "counted": "689.75 h", "down": "20.5 h"},
        "bounds": {},
        "steps": [],
        "explanation": "Availability 97.0279 %, promised 98 %.",
    }


W18 = (
    line("2.1", "fixed_fee", "1850.00 EUR"),
    line("2.2", "usage_charge", "264.60 EUR"),
    line("2.2", "usage_charge", "154.40 EUR", segment=2),
    line("4.2", "availability", "-92.50 EUR"),
    line("5.1", "obligation", "8.28 EUR"),
)


def evaluated(*lines: dict[str, Any], verdicts: tuple[dict[str, Any], ...] = (), knowledge: str = "K 7") -> Evaluated:
    """A saved evaluation with these lines."""
    result = {
        "contract": "C-18",
        "versions": [1, 2],
        "period": "2026-06",
        "timezone": "Europe/Berlin",
        "currency": lines[0]["amount"].split(" ")[1] if lines else "EUR",
        "from": START,
        "to": END,
        "as_of": knowledge,
        "status": "final",
        "lines": list(lines),
        "verdicts": list(verdicts),
        "open_cases": [],
        "problems": [],
        "engine_version": "1",
        "tzdata_version": "2026c",
        "input_hash": "in",
        "result_hash": f"out of {knowledge}",
    }
    outage = {"asset": "T1", "from": "2026-06-08T20:00:00Z", "to": "2026-06-09T10:30:00Z", "category": "fault"}
    other = outage | {"asset": "T2"}
    evidence = {"assets": ["T1", "T2"], "counters": [], "states": [outage, other], "attributions": [], "notices": []}
    return Evaluated("eva_1", result, evidence)


def agreement(tax: Tax | None = VAT_19, of_credits: Any = "price_reduction") -> Agreement:
    """What billing takes from the contract."""
    return Agreement(tax, of_credits, "half_up", {(1, "4.2"): "Each truck is available for 98 %."}, {})


def draft(found: Evaluated, terms: Agreement | None = None) -> Draft:
    """The invoice for an evaluation."""
    return draw_up(found, terms or agreement(), seller=SELLER, buyer=BUYER, payment_days=30)
