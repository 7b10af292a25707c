"""JSON as the database gives it."""

from math import inf

import pytest

from core.database import InexactNumber, read_exact_json, read_json


def test_reads_bytes_and_text_alike() -> None:
    assert read_json(b'{"a": [1, 0.5, "1850.00 EUR", null, true]}') == {"a": [1, 0.5, "1850.00 EUR", None, True]}
    assert read_json('{"a": "\u20ac"}') == {"a": "€"}
    assert read_json(b"123456789012345678901234567890") == 123456789012345678901234567890


def test_number_that_no_float_holds_is_read_all_the_same() -> None:
    """The database keeps any number of digits, and one such value in a message must not make a list unreadable."""
    assert read_json(b'[1, "x", ' + b"9" * 400 + b".5]") == [1, "x", inf]


@pytest.mark.parametrize("number", ["0.5", "1e3", "-1850.00", "1E-7", "9" * 400 + ".5"])
def test_where_money_is_computed_from_a_float_is_refused_at_any_depth(number: str) -> None:
    with pytest.raises(InexactNumber, match="stored as texts"):
        read_exact_json(f'{{"lines": [{{"steps": [{{"values": {{"rate": {number}}}}}]}}]}}')


def test_texts_and_whole_numbers_are_read_where_money_is_computed() -> None:
    assert read_exact_json(b'{"a": [1, "0.5", null, true]}') == {"a": [1, "0.5", None, True]}
