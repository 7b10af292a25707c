"""Structured creditor references (ISO 11649): what a payer writes so that the money finds its invoice."""

from __future__ import annotations

from stdnum import iso11649
from stdnum.iso7064 import mod_97_10

LONGEST = 21


def reference_of(number: str) -> str:
    """RF, two check digits, and the letters and digits of a document's number; empty where they are more than 21.

    Rule: ISO 11649, check digits by ISO 7064 MOD 97-10 (python-stdnum).
    """
    body = "".join(letter for letter in number.upper() if letter.isascii() and letter.isalnum())
    if not body or len(body) > LONGEST:
        return ""
    return f"RF{mod_97_10.calc_check_digits(body + 'RF')}{body}"


def printed(reference: str) -> str:
    """In groups of four, as people read it."""
    return str(iso11649.format(reference)) if reference else ""
