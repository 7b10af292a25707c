"""Parquet files as tables: exact columns as they are, binary floats only where somebody allows them.

pyarrow is an optional package: it is larger than all the others together, and few need it.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, BinaryIO

from ingest.bulk.item import CannotRead, Item, Record
from ingest.bulk.layout import Columns, Layout, fit, taker
from ingest.wire.message import Binary, shortest

AT_ONCE = 10_000
_WIDTHS = {"halffloat": 2, "float": 4, "double": 8}
"""Octets of Arrow's binary floats."""


class Table:
    """A Parquet file that is being read. size, read: rows. Raises CannotRead if its columns do not fit."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        self._file = _open(file)
        self._names = list(self._file.schema_arrow.names)
        found = fit(layout, self._names)
        if not isinstance(found, Columns):
            raise CannotRead("\n".join(map(str, found)))
        self._columns = found
        self._floats = _floats(self._file.schema_arrow, layout, found)
        self._take = taker(layout, found)
        self.registers = tuple(found.registers)
        self.size = int(self._file.metadata.num_rows)
        self.read = 0

    def records(self) -> Iterator[Record]:
        """Each row's items; its place is the row's number, from 1. Raises CannotRead."""
        from pyarrow import ArrowException

        names, places = self._names, (*self._columns.places.values(), *self._columns.registers.values())
        used = sorted({n for n in places if n < len(names)})
        try:
            for batch in self._file.iter_batches(batch_size=AT_ONCE, columns=[names[n] for n in used]):
                yield from self._of(batch, used)
        except (ArrowException, OSError) as error:
            raise CannotRead(f"after row {self.read}: {error}") from None

    def _of(self, batch: Any, used: Sequence[int]) -> Iterator[Record]:
        cells = {n: _texts(batch.column(self._names[n]), self._floats.get(n, 0)) for n in used}
        unused = [""] * batch.num_rows
        for row in zip(*(cells.get(n, unused) for n in range(len(self._names))), strict=True):
            self.read += 1
            yield [_marked(item, self._columns, self._floats) for item in self._take(self.read, list(row))]


def _open(file: BinaryIO) -> Any:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise CannotRead("Parquet needs the package pyarrow; install it: pip install 'yardstick[parquet]'") from None
    try:
        return parquet.ParquetFile(file)
    except (ArrowException, OSError) as error:
        raise CannotRead(f"it is no Parquet file: {error}") from None


def _floats(schema: Any, layout: Layout, columns: Columns) -> dict[int, int]:
    """Width in octets of each column of values that is a binary float. Raises CannotRead unless they are allowed."""
    places = columns.registers.values() if layout.wide else (columns.places["value"],)
    found = {n: _WIDTHS[str(schema.field(n).type)] for n in places if str(schema.field(n).type) in _WIDTHS}
    if found and not layout.binary:
        named = ", ".join(f"{schema.field(n).name!r} ({8 * width} bits)" for n, width in found.items())
        raise CannotRead(
            f"the column {named} holds binary floats, which are no exact decimals; write decimal128, int64 or text, or "
            "give --allow-float: each then counts as the shortest decimal that reads back as the same float"
        )
    return found


def _texts(column: Any, width: int) -> list[str]:
    """Cells as text, exact; null as an empty one."""
    if width:
        return ["" if value is None else shortest(value, width=width) for value in column.to_pylist()]
    from pyarrow import string, timestamp, types

    if types.is_timestamp(column.type):  # finer digits are cut off, as at the door
        column = column.cast(timestamp("us", column.type.tz and "UTC"), safe=False)
    return ["" if text is None else text for text in column.cast(string()).to_pylist()]


def _marked(item: Item, columns: Columns, floats: Mapping[int, int]) -> Item:
    place = columns.registers.get(item.register, columns.places.get("value"))
    if place is None or place not in floats or item.fault:
        return item
    return item._replace(value=Binary.of(item.value, f"float{8 * floats[place]}"))
