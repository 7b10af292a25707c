"""Message numbers: runs of them, who takes part, and what a receipt says."""

import pytest

from ingest.sequence import LARGEST_SEQ, Receipt, Run, is_numbered, runs


def test_numbers_become_runs_of_each_device_and_boot_in_any_order() -> None:
    numbers = [("B", "x", 4), ("A", "x", 7), ("A", "x", 3), ("A", "y", 1), ("A", "x", 2), ("A", "x", 3)]
    assert list(runs(numbers)) == [Run("A", "x", 2, 3), Run("A", "x", 7, 7), Run("A", "y", 1, 1), Run("B", "x", 4, 4)]
    assert list(runs([])) == []


@pytest.mark.parametrize(
    ("boot", "seq", "takes_part"),
    [
        ("a7", 1, True),
        ("a7", 0, False),
        ("", 1, False),
        ("x" * 64, LARGEST_SEQ, True),
        ("x" * 65, 1, False),
        ("a", LARGEST_SEQ + 1, False),
        ("a\0", 1, False),
        ("\ud800", 1, False),
    ],
)
def test_a_number_from_one_and_a_short_printable_boot_take_part(boot: str, seq: int, *, takes_part: bool) -> None:
    assert is_numbered(boot, seq) is takes_part


def test_a_receipt_is_json_on_the_device_s_topic() -> None:
    receipt = Receipt("T1", "a7", 17, ((19, 20),))
    assert receipt.topic == "yardstick/T1/receipt"
    assert receipt.payload == b'{"v":1,"boot":"a7","seq":17,"missing":[[19,20]]}'
