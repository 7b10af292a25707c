"""VAT ids: whether one can exist, by its country's form and check digits; nobody is asked."""

from __future__ import annotations

from stdnum import get_cc_module

UNION = frozenset(
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split()  # noqa: SIM905
)
"""Member states of the European Union, ISO 3166 alpha-2."""


def fault(vat_id: str, country: str) -> str:
    """What is wrong with a VAT id of a country (ISO 3166 alpha-2); empty if nothing is, or if its form is unknown.

    Rules: python-stdnum. Whether it is in use only the tax office knows (VIES).
    """
    rule = get_cc_module(country, "vat")
    if rule is None or rule.is_valid(vat_id):
        return ""
    return f"{vat_id!r} is no VAT id of {country}: its form or its check digits are wrong"
