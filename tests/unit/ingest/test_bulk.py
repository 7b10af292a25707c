"""What rows, lines and packs of a file say, told exactly."""

import io
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.commands.bulk_file import Written, format_of, identity, opened
from core.problem import Problem
from core.time import micros, zone
from ingest.bulk import pack, parquet
from ingest.bulk.chunk import Rules, chunks, judged, kept
from ingest.bulk.item import CannotRead, Item, Record
from ingest.bulk.layout import Layout, fit
from ingest.bulk.table import Table
from ingest.bulk.when import reader
from ingest.reason import Reason, Rejected
from ingest.registry import Registry, register

HEADER = "device,register,at,value,unit\n"
AT = "2026-06-01T00:00:00Z"
BERLIN = zone("Europe/Berlin")
RULES = Rules(
    Registry({"D": {"r": register(1, "r", kind="counter", unit="page", resolution=Decimal(1))}}, {}, 0),
    micros(datetime(2026, 6, 2, tzinfo=UTC)),
    (micros(datetime(2025, 1, 1, tzinfo=UTC)), micros(datetime(2026, 6, 2, tzinfo=UTC))),
    things=True,
)


def items(text: str, **how: Any) -> list[Item]:
    return [item for record in Table(text.splitlines(keepends=True), Layout(**how)).records() for item in record]


def fault(item: Item) -> tuple[Reason, str]:
    assert item.fault is not None
    return item.fault.reason, item.fault.detail


def test_a_row_is_one_reading_and_knows_its_line() -> None:
    text = f"{HEADER}D,r,{AT},1.50,km\n\nD,s,{AT},running,\n"
    assert items(text) == [Item(2, "D", "r", AT, "1.50", "km"), Item(4, "D", "s", AT, "running")]


def test_columns_may_stand_in_any_order_and_others_are_not_read() -> None:
    text = f"value,remark,at,status,register,device\n1,x,{AT},S,r,D\n"
    assert items(text) == [Item(2, "D", "r", AT, "1", "", "S")]


def test_columns_and_constants_are_named() -> None:
    text = f"Zeit;Stand\n{AT};1\n"
    how = {"columns": {"at": "Zeit", "value": "Stand"}, "constants": {"device": "D", "register": "r", "unit": "m"}}
    assert items(text, delimiter=";", **how) == [Item(2, "D", "r", AT, "1", "m")]
    assert items(f"{AT}|1\n", delimiter="|", header=("Zeit", "Stand"), **how) == [Item(1, "D", "r", AT, "1", "m")]


def test_a_quoted_cell_may_hold_anything_and_a_broken_row_refuses_itself() -> None:
    text = f'{HEADER}"D","r","{AT}","1","k""m,\nx"\nD,r,{AT}\n"D"x,r,{AT},1,km\nD,r,{AT},2,km\n'
    whole, short, torn, good = items(text)
    assert whole.unit == 'k"m,\nx'
    assert fault(short) == (Reason.BAD_READING, "the row has 3 cells, the header 5")
    assert (short.place, short.value) == (4, f'["D", "r", "{AT}"]')
    assert (fault(torn)[0], torn.place, torn.value) == (Reason.BAD_READING, 5, f'"D"x,r,{AT},1,km\n')
    assert good == Item(6, "D", "r", AT, "2", "km")


@pytest.mark.parametrize(
    ("header", "how", "problem"),
    [
        (
            ["device", "at", "value"],
            {},
            Problem(
                "header",
                "no column 'register'; there are device, at, value",
                "name it by --map register=COLUMN, or give all rows one by --register",
            ),
        ),
        (
            ["device", "register", "at", "at", "value"],
            {},
            Problem("header", "the column 'at' is there 2 times", "give each its own name"),
        ),
        (
            ["device", "register", "at", "value"],
            {"columns": {"unit": "Einheit"}},
            Problem(
                "header",
                "no column 'Einheit'; there are device, register, at, value",
                "name it by --map unit=COLUMN, or give all rows one by --unit",
            ),
        ),
        (
            ["device", "at"],
            {"wide": True},
            Problem("header", "no column is left for a register", "leave --wide out if each row is one reading"),
        ),
    ],
)
def test_a_header_that_does_not_fit_is_a_problem(header: list[str], how: dict[str, Any], problem: Problem) -> None:
    assert fit(Layout(**how), header) == (problem,)


def test_a_wide_row_has_a_reading_for_each_cell_that_says_something() -> None:
    text = f"at,odometer,hours,remark\n{AT},1.5,2,x\n{AT},,3,\n"
    how = {
        "wide": True,
        "units": {"odometer": "km", "hours": "h"},
        "ignored": ("remark",),
        "constants": {"device": "D"},
    }
    assert items(text, **how) == [
        Item(2, "D", "odometer", AT, "1.5", "km"),
        Item(2, "D", "hours", AT, "2", "h"),
        Item(3, "D", "hours", AT, "3", "h"),
    ]


@pytest.mark.parametrize(
    ("value", "read"),
    [("1234,5", "1234.5"), ("-0,5", "-0.5"), ("7", "7"), ("1.234,5", None), ("1,234,5", None), ("1.5", None)],
)
def test_a_decimal_comma_is_a_comma_and_parts_no_thousands(value: str, read: str | None) -> None:
    (item,) = items(f"device;register;at;value\nD;r;{AT};{value}\n", delimiter=";", decimal_comma=True)
    assert item.value == (read or value)
    assert (item.fault is None) == (read is not None)


@pytest.mark.parametrize(
    ("text", "pattern", "read"),
    [
        ("2026-06-01T00:00:00Z", "", "2026-06-01T00:00:00Z"),  # an instant stays as it is
        ("2026-06-01 00:00", "", "2026-05-31T22:00:00+00:00"),
        ("2026-06-01", "", "2026-05-31T22:00:00+00:00"),
        ("2026-10-25 01:59:59.5", "", "2026-10-24T23:59:59.500000+00:00"),
        ("2026-10-25 03:00", "", "2026-10-25T02:00:00+00:00"),
        ("01.06.2026 14:30", "%d.%m.%Y %H:%M", "2026-06-01T12:30:00+00:00"),
    ],
)
def test_a_wall_clock_of_a_zone_is_an_instant(text: str, pattern: str, read: str) -> None:
    found = reader(BERLIN, pattern)
    assert found is not None
    assert found(text) == read


@pytest.mark.parametrize(
    ("text", "pattern", "said"),
    [
        ("2026-03-29 02:30", "", "never occurs in Europe/Berlin"),
        ("2026-10-25 02:30", "", "occurs twice in Europe/Berlin"),
        ("25.10.2026 02:30", "%d.%m.%Y %H:%M", "occurs twice in Europe/Berlin"),
        ("2026-06-31", "", "is no time"),
        ("2026-06-01", "%d.%m.%Y", "is not written as %d.%m.%Y"),
    ],
)
def test_a_wall_clock_that_names_no_instant_is_refused(text: str, pattern: str, said: str) -> None:
    found = reader(BERLIN, pattern)
    assert found is not None
    refused = found(text)
    assert isinstance(refused, Rejected)
    assert (refused.reason, said in refused.detail) == (Reason.BAD_TIME, True), refused.detail


def test_without_a_zone_times_are_left_to_the_door() -> None:
    assert reader(None) is None
    found = judged(next(chunks([[Item(1, "D", "r", "2026-06-01 00:00:00", "1", "page")]])), RULES)
    ((_, rejected),) = found.refused
    assert (rejected.reason, "has no zone" in rejected.detail) == (Reason.BAD_TIME, True)


def cbor_pack(value: int) -> bytes:
    """[{n: "D/r", t: 1780272000 s, u: "count", v: value}]; 1780272000 s are 2026-06-01T00:00:00Z."""
    return bytes.fromhex("81a40063442f720165636f756e74061a6a1ccb8002") + bytes([value])


def test_a_sequence_of_cbor_packs_is_read_pack_by_pack() -> None:
    payload = cbor_pack(3) + cbor_pack(4)
    (one,), (two,) = pack.senml_cbor(payload, "")
    assert (one, two.value, two.place) == (Item(1, "D", "r", "2026-06-01T00:00:00+00:00", "3", "count"), "4", 2)
    found = judged(next(chunks([[one], [two]])), RULES)  # a count is in the register's unit
    assert (len(found.rows), found.refused) == (2, [])
    with pytest.raises(CannotRead, match="pack 3: byte"):
        list(pack.senml_cbor(payload + b"\x81", ""))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"device":"D","register":"r","at":"x","value":1,"at":"y"}', Reason.BAD_READING),
        (b'{"register":"r","at":"x","value":true}', Reason.BAD_VALUE),
        (b'{"device":7,"register":"r","at":"x","value":1}', Reason.BAD_READING),
        (b'{"register":"r","at":"x","value":1}],"boot":"b","more":[0', Reason.BAD_ENVELOPE),
        (b"\xff", Reason.NOT_UTF8),
        (b'{"register":"r","at":"x","value":1,"y":' + b"[" * 5000 + b"]" * 5000 + b"}", Reason.NOT_JSON),
    ],
)
def test_a_line_that_is_no_reading_is_refused_by_itself(line: bytes, reason: Reason) -> None:
    good = b'{"device":"D","register":"r","at":"2026-06-01T00:00:00Z","value":1.10,"unit":"km"}'
    (bad,), (item,) = pack.json_lines([line, good], "")
    assert fault(bad)[0] is reason
    assert item == Item(2, "D", "r", AT, "1.10", "km")


def test_the_format_is_told_by_the_extension_and_never_guessed() -> None:
    assert format_of(Path("a.CSV")) is Written.CSV
    with pytest.raises(CannotRead, match="names no format; give --format"):
        format_of(Path("a.txt"))


def test_a_line_without_an_end_does_not_fill_memory() -> None:
    with opened(_file(b"x" * 300_000), Written.JSON_LINES, Layout(), "") as source, pytest.raises(CannotRead):
        list(source.records)


def _file(content: bytes) -> Any:
    return io.BufferedReader(io.BytesIO(content))


def test_a_file_is_the_same_if_its_content_is_and_it_is_read_alike() -> None:
    def of(content: bytes, **how: Any) -> bytes:
        return identity(_file(content), Written.CSV, Layout(**how), "utf-8")

    assert of(b"a") == of(b"a")
    assert len({of(b"a"), of(b"b"), of(b"a", decimal_comma=True), of(b"a", zone=BERLIN), of(b"a", wide=True)}) == 5


@given(
    st.binary(max_size=300), st.sampled_from([Written.CSV, Written.JSON_LINES, Written.SENML_JSON, Written.SENML_CBOR])
)
def test_whatever_a_file_holds_every_item_has_its_place(content: bytes, written: Written) -> None:
    start = HEADER.encode() if written is Written.CSV else b""
    with opened(_file(start + content), written, Layout(), "utf-8-sig") as source:
        records: Iterable[Record] = source.records
        with suppress(CannotRead):
            for chunk in chunks(records, most=3):
                found = judged(chunk, RULES)
                assert len(found.rows) + len(found.refused) == len(chunk.items)
                assert all(kept(item).payload for item in chunk.items)


def test_parquet_without_pyarrow_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(CannotRead, match=r"pip install 'yardstick\[parquet\]'"):
        parquet.Table(io.BytesIO(), Layout())
