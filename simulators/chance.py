"""Chance that is the same on every machine and Python version: bytes of a hash."""

from hashlib import shake_256


def dice(count: int, *names: object) -> bytes:
    """Return `count` bytes that depend on the names alone."""
    return shake_256("/".join(map(str, names)).encode()).digest(count)


def pick(sides: int, *names: object) -> int:
    """Return a number in [0, sides) that depends on the names alone."""
    return int.from_bytes(dice(8, *names), "big") % sides
