"""JSON as the database gives it."""

from math import inf

from core.database import read_json


def test_reads_bytes_and_text_alike() -> None:
    assert read_json(b'{"a": [1, 0.5, "1850.00 EUR", null, true]}') == {"a": [1, 0.5, "1850.00 EUR", None, True]}
    assert read_json('{"a": "\u20ac"}') == {"a": "€"}
    assert read_json(b"123456789012345678901234567890") == 123456789012345678901234567890


def test_number_that_no_float_holds_is_read_all_the_same() -> None:
    """The database keeps any number of digits, and one such value in a message must not make a list unreadable."""
    assert read_json(b'[1, "x", ' + b"9" * 400 + b".5]") == [1, "x", inf]
