"""Stated facts as people read them, on pages and on the command line: one line, times on the contract's clock."""

import re
from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from api.portal.format import moment, stretch, word
from billing.label import labels
from contracts.store.stated_view import FactView

# What needs no name beside it, in this order.
PLAIN = ("asset", "owner", "ticket", "measure", "kind", "category", "cause", "during", "quantity", "status")
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")


def words(fact: FactView, where: ZoneInfo, language: str = "en") -> str:
    """Whose it is and what, then the rest by name: T1 · fault · 21 Aug 2026, 08:00–12:00 · party provider."""
    fields = {name: _readable(value, where, language) for name, value in _spanned(fact.fields, where, language).items()}
    plain = [fields.pop(name) for name in PLAIN if name in fields]
    return " · ".join([*plain, *(f"{_name(name, language)} {value}" for name, value in fields.items())])


def _spanned(fields: Mapping[str, object], where: ZoneInfo, language: str) -> dict[str, object]:
    """With one stretch in place of its ends, a quantity with its unit; one without an end is told as since when."""
    rest = {name: value for name, value in fields.items() if name not in ("from", "to")}
    if "quantity" in rest and "unit" in rest:
        rest["quantity"] = f"{rest['quantity']} {rest.pop('unit')}"
    ends = [datetime.fromisoformat(str(fields[name])) for name in ("from", "to") if name in fields]
    if len(ends) == 2:  # noqa: PLR2004 - both ends
        return rest | {"during": stretch(ends[0], ends[1], where, language)}
    return rest | {name if name == "to" else "since": fields[name] for name in ("from", "to") if name in fields}


def _name(name: str, language: str) -> str:
    """Of a field; those that neither documents nor contracts have a word for stay as facts files name them."""
    return name.replace("_", " ") if language == "en" else word(labels(language).get(name, name), language)


def _readable(value: object, where: ZoneInfo, language: str) -> str:
    if isinstance(value, bool):
        return word(str(value).lower(), language)
    if not isinstance(value, str):
        return str(value)
    if INSTANT.match(value):
        return moment(datetime.fromisoformat(value), where, language)
    return value.replace("_", " ") if language == "en" else word(value, language)
