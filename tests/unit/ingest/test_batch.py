"""Messages on their way into a batch: topics, faults of our own, and the numbers of rows."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from core.time import micros
from ingest import batch
from ingest.batch import Arrival, Batch, Origin, device_of, examine, pack
from ingest.reason import Reason
from ingest.registry import Registry, register

NOW = micros(datetime(2026, 7, 1, 12, tzinfo=UTC))
ODOMETER = register(5, "odometer", kind="counter", unit="km", resolution=Decimal("0.001"))
REGISTRY = Registry({"T1": {"odometer": ODOMETER}}, {"running": 1}, 0)
PAYLOAD = (
    b'{"v":1,"boot":"b","seq":9,"readings":['
    b'{"register":"odometer","at":"2026-07-01T11:00:00Z","value":"x","unit":"km"},'
    b'{"register":"odometer","at":"2026-07-01T11:00:00Z","value":"1.5","unit":"km"}]}'
)


def arrival(topic: bytes = b"yardstick/T1/readings", payload: bytes = PAYLOAD) -> Arrival:
    return Arrival(1, 7, 1, topic, payload, NOW)


@pytest.mark.parametrize(
    ("topic", "device"),
    [
        (b"yardstick/T1/readings", "T1"),
        ("yardstick/Tür/readings".encode(), "Tür"),
        (b"yardstick/\xff/readings", None),
        (b"yardstick/T1/readings/x", None),
        (b"other/T1/readings", None),
        (b"", None),
    ],
)
def test_the_device_is_the_middle_level_of_the_topic(topic: bytes, device: str | None) -> None:
    assert device_of(topic) == device


def test_a_topic_that_is_no_text_is_a_bad_topic() -> None:
    (rejected,) = examine(arrival(b"yardstick/\xff/readings"), REGISTRY).rejected
    assert (rejected.reason, rejected.item, rejected.detail) == (Reason.BAD_TOPIC, -1, r"b'yardstick/\xff/readings'")


def test_an_unknown_device_is_one_refused_message_however_many_items_it_has() -> None:
    examined = examine(arrival(b"yardstick/T9/readings"), REGISTRY)
    assert [(one.reason, one.item) for one in examined.rejected] == [(Reason.UNKNOWN_DEVICE, -1)]
    assert examined.is_unknown


def test_a_fault_of_our_own_refuses_the_message_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(batch, "judge", broken)
    (rejected,) = examine(arrival(), REGISTRY).rejected
    assert (rejected.reason, rejected.detail) == (Reason.POISON, "ZeroDivisionError: division by zero")


def test_rows_are_numbered_over_the_batch_and_know_where_they_came_from() -> None:
    whole = Batch()
    for _ in range(2):
        whole.add(arrival(), examine(arrival(), REGISTRY))
    assert whole.origins == [Origin(0, 1), Origin(1, 1)]
    assert [(number, one.reason, one.item) for number, one in whole.refused] == [
        (0, Reason.BAD_VALUE, 0),
        (1, Reason.BAD_VALUE, 0),
    ]
    assert [int.from_bytes(row[6:10]) for row in whole.rows] == [0, 1]
    assert (whole.newest, whole.octets, whole.is_full) == (NOW - 3_600_000_000, 2 * len(PAYLOAD), False)


def test_a_row_is_what_binary_copy_takes() -> None:
    y2k = 946_684_800_000_000
    (row,) = pack([(0, 5, y2k + 10, -2, "S", "1 mi")], 3, received_at=y2k + 11, seq=4)
    expected = b"\x00\x08"  # eight columns, each with its length before it
    for octets in (
        (3).to_bytes(4), (5).to_bytes(4), (10).to_bytes(8), (-2).to_bytes(8, signed=True), (11).to_bytes(8),
        (4).to_bytes(8), b"S", b"1 mi",
    ):  # fmt: skip
        expected += len(octets).to_bytes(4) + octets
    assert row == expected
