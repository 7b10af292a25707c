"""Whatever order, split and repetition files come in, the same readings are stored and the same are refused."""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from core.time import micros
from ingest.bulk import pack, run
from ingest.bulk.chunk import Rules, chunks, judged, kept
from ingest.bulk.item import Item, Record
from ingest.bulk.layout import Layout
from ingest.bulk.run import Order
from ingest.bulk.table import Table
from ingest.door import read_instant
from ingest.registry import Registry, register
from tests.stories.ingesting import declare

AT = datetime(2026, 6, 1, tzinfo=UTC)
DEVICES = ("D1", "D2", "ghost")
REGISTRY = Registry(
    {
        name: {
            "odometer": register(n, "odometer", kind="counter", unit="km", resolution=Decimal("0.001")),
            "state": register(n + 1, "state", kind="state", unit="", resolution=Decimal(1)),
        }
        for n, name in ((1, "D1"), (3, "D2"))
    },
    {"running": 1, "idle": 2},
    0,
)
WINDOW = (micros(AT - timedelta(days=400)), micros(AT))
HEADER = ["device", "register", "at", "value", "unit", "status"]

# Few instants and values: duplicates and contradictions are frequent.
instants = st.sampled_from(
    [f"2026-05-0{n}T00:00:00Z" for n in range(1, 6)] + ["2026-05-01T02:00:00+02:00", "2020-01-01T00:00:00Z", "x"]
)
values = st.sampled_from(["1", "1.0", "2", "0.5", "-1", "x", "", "1e3", "NaN", '"', "a,b\n"])
rows = st.tuples(
    st.sampled_from(DEVICES), st.sampled_from(["odometer", "state", "wheel"]), instants,
    st.one_of(values, st.sampled_from(["running", "idle"])), st.sampled_from(["km", "m", "", "l"]),
    st.sampled_from(["", "S", "?"]),
).map(list)  # fmt: skip
tables = st.lists(st.one_of(rows, st.lists(st.text("ab", max_size=2), max_size=7)), max_size=30)


def written(table: Sequence[Sequence[str]]) -> list[Record]:
    """Through a file and back."""
    out = io.StringIO(newline="")
    csv.writer(out).writerows([HEADER, *table])
    out.seek(0)
    return list(Table(out, Layout()).records())


Rows = set[tuple[bytes, ...]]


def judge(records: Sequence[Record], most: int) -> tuple[set[tuple[int, bytes]], set[tuple[str, bytes, str]]]:
    """What of records may be stored (without its number in the batch), and what is refused as what."""
    stored: set[tuple[int, bytes]] = set()
    refused: set[tuple[str, bytes, str]] = set()
    for chunk in chunks(records, most=most):
        found = judged(chunk, Rules(REGISTRY, micros(AT), WINDOW))
        assert len(found.rows) + len(found.refused) == len(chunk.items)
        assert sorted([*found.sources, *(index for index, _ in found.refused)]) == list(range(len(chunk.items)))
        stored |= {(0, row[10:]) for row in found.rows}
        for index, rejected in found.refused:
            topic, key, _ = kept(chunk.items[index])
            refused.add((topic, key, rejected.reason.value))
    return stored, refused


@given(tables, st.data())
def test_order_split_and_repetition_do_not_matter_at_the_door(table: list[list[str]], data: st.DataObject) -> None:
    shuffled = data.draw(
        st.permutations(table + data.draw(st.lists(st.sampled_from(table), max_size=5) if table else st.just([])))
    )
    cut = data.draw(st.integers(0, len(shuffled)))
    first = judge(written(table), 1000)
    parts = [judge(written(part), data.draw(st.integers(1, 9))) for part in (shuffled[:cut], shuffled[cut:])]
    assert (parts[0][0] | parts[1][0], parts[0][1] | parts[1][1]) == first


@given(
    st.lists(
        st.lists(st.builds(Item, st.integers(1, 9), st.just("D"), st.just("r"), st.just("t"), st.just("v")), max_size=4)
    ),
    st.integers(1, 5),
    st.data(),
)
def test_chunks_hold_every_record_once_and_go_on_where_they_were(
    records: list[Record], most: int, data: st.DataObject
) -> None:
    whole = list(chunks(records, most=most))
    assert [item for chunk in whole for item in chunk.items] == [item for record in records for item in record]
    assert all(one.upto == two.after for one, two in pairwise(whole))
    assert [chunk.after for chunk in whole[:1]] + [chunk.upto for chunk in whole[-1:]] in ([], [0, len(records)])
    done = data.draw(st.integers(0, len(whole)))
    after = whole[done - 1].upto if done else 0
    assert [chunk.items for chunk in chunks(records, after=after, most=most)] == [c.items for c in whole[done:]]


@given(rows)
def test_a_line_of_json_says_what_a_row_says(row: list[str]) -> None:
    fields = {name: value for name, value in zip(HEADER, row, strict=True) if value or name not in ("unit", "status")}
    line = json.dumps(fields).encode()
    ((of_line,),) = pack.json_lines([line], "")
    ((of_row,),) = written([row])
    assert of_line[1:] == of_row[1:]


@pytest.mark.services
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tables, st.randoms(use_true_random=False))
def test_the_same_is_stored_whatever_the_files(engine: Engine, table: list[list[str]], random: object) -> None:
    """Of contradictions the first stands, which is a matter of order: one of them, and the others are refused."""
    shuffle, randint = random.shuffle, random.randint  # type: ignore[attr-defined]
    outcome = []
    for turn in range(2):
        prefix = f"p{turn}-{abs(hash(str(table))) % 10**9}-{randint(0, 10**9)}-"
        declare(engine, [prefix + "D1", prefix + "D2"])
        mine = [[prefix + row[0], *row[1:]] if len(row) == 6 and row[0] in DEVICES else row for row in table]
        files = [mine]
        if turn:
            shuffle(mine)
            cut = randint(0, len(mine))
            files = [mine[:cut], mine[cut:], mine[: cut // 2], mine]
        for n, file in enumerate(files):
            order = Order("a.csv", f"{prefix}{n}".encode(), "test", "")
            run.take_in(engine, known_first(prefix, written(file)), order, AT, tell=lambda _: None, most=randint(1, 9))
        outcome.append(books(engine, prefix))
    assert outcome[0] == outcome[1]


def known_first(prefix: str, records: list[Record]) -> list[Record]:
    """A file of strangers alone is refused as a whole; this one is not."""
    return [[Item(0, prefix + "D1", "state", "2026-05-09T00:00:00Z", "running")], *records]


def books(engine: Engine, prefix: str) -> tuple[object, ...]:
    """All values that files say of a register and an instant, in ticks, one of which stands; and other refusals."""
    said = defaultdict[tuple[str, str, int], set[int]](set)
    with engine.connect() as connection:
        readings = connection.execute(
            text("""SELECT d.name, g.name, r.at, r.value FROM ingest.reading AS r
                JOIN ingest.register AS g ON g.id = r.register JOIN ingest.device AS d ON d.id = g.device
                WHERE starts_with(d.name, :prefix)"""),
            {"prefix": prefix},
        )
        for device, register_name, at, ticks in readings:
            said[device.removeprefix(prefix), register_name, micros(at)].add(ticks)
        refusals = connection.execute(
            text("""SELECT device, reason, detail, convert_from(payload, 'UTF8') FROM ingest.quarantine
                WHERE starts_with(device, :prefix)"""),
            {"prefix": prefix},
        )
        others = []
        for device, reason, detail, payload in refusals:
            item = json.loads(payload)
            if reason == "conflict":
                key = (device.removeprefix(prefix), item["register"], read_instant(item["at"]))
                assert key in said
                said[key].add(int(detail.partition(" ")[0]))
            else:
                others.append((device.removeprefix(prefix), reason, payload))
    return dict(said), sorted(others)
