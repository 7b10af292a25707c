"""Leitweg-IDs: by which public buyers in Germany route an invoice (BT-10 of XRechnung)."""

from __future__ import annotations

from stdnum.de import leitweg


def leitweg_fault(text: str) -> str:
    """What is wrong with one; empty if nothing is. Rule: KoSIT, check digits by ISO 7064 MOD 97-10 (python-stdnum)."""
    if leitweg.is_valid(text):
        return ""
    return f"{text!r} is no Leitweg-ID: its form or its check digits are wrong; write it as 991-01484-64"
