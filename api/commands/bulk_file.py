"""A file of readings, opened: its records, how far it is read, and what makes it the same file again."""

import hashlib
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from functools import partial
from io import BufferedReader
from pathlib import Path
from typing import NamedTuple, TypeVar

from ingest.bulk import pack, parquet
from ingest.bulk.item import CannotRead, Record
from ingest.bulk.layout import Layout
from ingest.bulk.table import Table
from ingest.wire.message import LARGEST


class Written(StrEnum):
    """What a file may be written in."""

    CSV = "csv"
    PARQUET = "parquet"
    JSON_LINES = "jsonl"
    SENML_JSON = "senml-json"
    SENML_CBOR = "senml-cbor"


EXTENSIONS = {
    ".csv": Written.CSV,
    ".parquet": Written.PARQUET,
    ".jsonl": Written.JSON_LINES,
    ".ndjson": Written.JSON_LINES,
    ".senml": Written.SENML_JSON,
    ".senmlc": Written.SENML_CBOR,
}
SENML = (Written.SENML_JSON, Written.SENML_CBOR)
Line = TypeVar("Line", str, bytes)


class Opened(NamedTuple):
    """records: to be read once; size and position: octets, or rows; registers: that columns of a wide table name."""

    records: Iterable[Record]
    size: int
    position: Callable[[], int]
    registers: tuple[str, ...] = ()


def format_of(path: Path) -> Written:
    """By the extension. Raises CannotRead."""
    found = EXTENSIONS.get(path.suffix.lower())
    if found is None:
        known = ", ".join(EXTENSIONS)
        raise CannotRead(f"{path.suffix or 'no extension'} names no format; give --format, or one of {known}")
    return found


def identity(file: BufferedReader, written: Written, layout: Layout, how: str) -> bytes:
    """Of the file's content and of how it is read. Leaves the file at its start."""
    digest = hashlib.file_digest(file, "sha256").digest()
    file.seek(0)
    return hashlib.sha256(digest + layout.identity + f"{written.value} {how}".encode()).digest()


@contextmanager
def opened(file: BufferedReader, written: Written, layout: Layout, encoding: str) -> Iterator[Opened]:
    """The records of a file. Raises CannotRead; so may reading them."""
    size, device = file.seek(0, io.SEEK_END), layout.constants.get("device", "")
    file.seek(0)
    if written is Written.CSV:
        # An octet that does not decode refuses its row, not the file.
        text = io.TextIOWrapper(file, encoding, errors="surrogateescape", newline="")
        try:
            table = Table(_lines(text.readline, ""), layout)
            yield Opened(table.records(), size, file.tell, tuple(table.columns.registers))
        finally:
            text.detach()
    elif written is Written.PARQUET:
        rows = parquet.Table(file, layout)
        yield Opened(rows.records(), rows.size, lambda: rows.read, rows.registers)
    elif written is Written.SENML_CBOR:
        yield Opened(pack.senml_cbor(file.read(), device), size, file.tell)
    else:
        decode = pack.json_lines if written is Written.JSON_LINES else pack.senml_json
        yield Opened(decode(_lines(file.readline, b""), device), size, file.tell)


def _lines(read: Callable[[int], Line], end: Line) -> Iterator[Line]:
    """Lines that fit into memory, whatever the file is."""
    for number, line in enumerate(iter(partial(read, LARGEST), end), 1):
        if len(line) == LARGEST:
            raise CannotRead(f"line {number}: longer than {LARGEST} characters; is it the format that is meant?")
        yield line
