"""Who somebody is when two people are needed: a person and the keys that they made are one."""

from __future__ import annotations

VIA = " via "
KEY = "key:"


def human(by: str) -> str:
    """person:anna of "person:anna via key:key_1"; a key that names nobody stays as it is."""
    return by.partition(VIA)[0]


def why_not_two(first: str, second: str) -> str:
    """What speaks against these two being two people; empty if nothing does.

    A key that names nobody who made it may be anybody's, so it is no second person for anyone.
    """
    for by in (first, second):
        if human(by).startswith(KEY):
            return f"{by} does not say who made it, so it may be the same person; make a new key"
    return f"{human(first)} did both" if human(first) == human(second) else ""
