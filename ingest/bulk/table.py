"""Delimited text: one reading in a row, or one register in a column."""

import csv
from collections.abc import Iterable, Iterator

from ingest.bulk.item import CannotRead, Record, unreadable
from ingest.bulk.layout import Columns, Layout, Take, fit, taker

MOST_OF_A_LINE = 200
csv.field_size_limit(1 << 16)


class _Lines:
    """The lines of a file; remembers the last one as evidence."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.last = ""

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        self.last = line = next(self._lines)
        return line


class Table:
    """A table that is being read. lines: with their line ends. Raises CannotRead if the header does not fit."""

    def __init__(self, lines: Iterable[str], layout: Layout) -> None:
        self._lines = _Lines(lines)
        self._rows = csv.reader(self._lines, delimiter=layout.delimiter, strict=True)
        header = list(layout.header) or self._first()
        found = fit(layout, [name.strip() for name in header])
        if not isinstance(found, Columns):
            raise CannotRead("\n".join(map(str, found)))
        self.columns = found
        self._take: Take = taker(layout, found)

    def _first(self) -> list[str]:
        try:
            return next(self._rows)
        except StopIteration:
            raise CannotRead(
                "line 1: the file is empty; begin it with the header device,register,at,value,unit"
            ) from None
        except csv.Error as error:
            raise CannotRead(f"line 1: {error}; check --delimiter and the quotes") from None

    def records(self) -> Iterator[Record]:
        """Each row's items; a row that is none is refused by itself."""
        rows, take = self._rows, self._take
        while True:
            try:
                for row in rows:
                    yield take(rows.line_num, row)
            except csv.Error as error:
                if "field larger" in str(error):
                    raise CannotRead(f"line {rows.line_num}: {error}; is a quote left open before?") from None
                yield [unreadable(rows.line_num, self._lines.last[:MOST_OF_A_LINE], str(error))]
            else:
                return
