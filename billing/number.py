"""Numbers of invoices: one gapless run for each seller, kind of document and year."""

from __future__ import annotations

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["invoice", "credit_note", "dunning"]
MARKS: dict[Kind, str] = {"invoice": "", "credit_note": "C-", "dunning": "D-"}
DIGITS = 5


class NoNumbers(ValueError):
    """A range of numbers that is empty or starts before one."""


def number(prefix: str, kind: Kind, *, year: int, n: int) -> str:
    """As printed: TS-2026-00184, a credit note TS-C-2026-00007, a letter TS-D-2026-00003; longer after 99,999."""
    if n < 1:
        raise NoNumbers(f"a document's number in its series is 1 or more, not {n}")
    return f"{prefix}-{MARKS[kind]}{year}-{n:0{DIGITS}}"


def following(issued: int, count: int) -> range:
    """The next numbers of a series in which so many were issued: without a gap, without a repeat."""
    if issued < 0 or count < 1:
        raise NoNumbers(f"{count} numbers after {issued} are none to give")
    return range(issued + 1, issued + count + 1)
