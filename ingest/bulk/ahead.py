"""A look at the first records of a file, before anything of it is saved."""

from collections.abc import Iterable, Iterator, Sequence

from ingest.bulk.chunk import Rules, chunks, judged
from ingest.bulk.item import Hopeless, Record
from ingest.reason import SENTENCE, shown

LOOKED_AT = 1000
"""Records that are looked at."""


class Ahead:
    """Records of which the first were looked at."""

    def __init__(self, records: Iterable[Record]) -> None:
        self._rest = iter(records)
        self._seen: list[Record] = []

    def first(self, most: int) -> Sequence[Record]:
        """So many of them."""
        for _, record in zip(range(most), self._rest, strict=False):
            self._seen.append(record)
        return self._seen

    def all(self) -> Iterator[Record]:
        """All of them, once."""
        while self._seen:
            yield self._seen.pop(0)
        yield from self._rest


def refuse_hopeless(source: Ahead, rules: Rules) -> None:
    """A file of which nothing fits is a mistake in the call, not a million entries in quarantine. Raises Hopeless."""
    looked_at = source.first(LOOKED_AT)
    chunk = next(chunks(looked_at), None)
    found = judged(chunk, rules) if chunk else None
    if found is None or found.rows or not found.refused:
        return
    item, (_, rejected) = found.chunk.items[0], found.refused[0]
    count = f"{len(found.chunk.items):,} readings"
    if found.is_strange:
        raise Hopeless(
            f"line {item.place}: no device {shown(item.device)} is registered, nor any other of the first {count}; "
            "register them, or name the column by --map device=COLUMN"
        )
    if len(looked_at) == LOOKED_AT:
        raise Hopeless(
            f"line {item.place}: {rejected.reason.value}: {rejected.detail}; none of the first {count} would be "
            f"stored. {SENTENCE[rejected.reason]}"
        )
