"""Files of readings: through the same door, counted alike, resumed, repeated, taken back, given out again."""

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from typer.testing import CliRunner, Result

from api.commands import backfill, bulk
from core.clock import now
from core.database import transaction
from core.store import draw_knowledge
from ingest.bulk import run
from ingest.bulk.chunk import AT_ONCE
from ingest.bulk.item import Item
from ingest.bulk.run import Order, Report
from ingest.rollup import run as rollup
from ingest.store import backfill as backfills
from tests.stories.ingesting import START, count, declare, ending, eventually, reasons, stamp

pytestmark = pytest.mark.services
HEADER = "device,register,at,value,unit\n"
PROGRAM = "from api.main import app; app()"


def lines(device: str, numbers: Iterable[int]) -> list[str]:
    """Rows ten minutes apart; n metres at the n-th."""
    return [f"{device},odometer,{stamp(START + n * timedelta(minutes=10))},{n / 1000:.3f},km\n" for n in numbers]


def table(path: Path, rows: Iterable[str], header: str = HEADER) -> Path:
    path.write_text(header + "".join(rows))
    return path


def import_(command: CliRunner, *words: object) -> Result:
    return command.invoke(bulk.readings, ["import", *map(str, words)])


def sums(result: Result) -> tuple[int, int, int, int]:
    """Received, stored, duplicate, quarantined, as the command says."""
    found = re.search(
        r"([\d,]+) received = ([\d,]+) stored \+ ([\d,]+) duplicate \+ ([\d,]+) quarantined", result.output
    )
    assert found, result.output
    received, stored, duplicate, quarantined = (int(part.replace(",", "")) for part in found.groups())
    return received, stored, duplicate, quarantined


def name_of(result: Result) -> str:
    found = re.search(r"bf_\w{26}", result.output)
    assert found, result.output
    return found[0]


def stored(engine: Engine) -> list[tuple[str, datetime, int]]:
    """Every reading as it counts: register, instant, ticks."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("""SELECT g.name, e.at, e.value FROM ingest.register AS g
                CROSS JOIN LATERAL ingest.effective(g.id, '2000-01-01', '2100-01-01', 1000000) AS e ORDER BY 1, 2""")
        )
        return [(row.name, row.at, row.value) for row in rows]


def kept(engine: Engine) -> set[tuple[str, bytes, str, bytes]]:
    with engine.connect() as connection:
        rows = connection.execute(text("SELECT topic, payload_hash, reason, payload FROM ingest.quarantine"))
        return {(row.topic, bytes(row.payload_hash), row.reason, bytes(row.payload)) for row in rows}


def test_each_row_ends_in_one_place_and_the_same_file_again_stores_nothing(
    engine: Engine, command: CliRunner, device: str, tmp_path: Path
) -> None:
    bad = [
        f"{device},odometer,{stamp(START)},x,km\n",  # no number
        f"{device},odometer,2020-01-01T00:00:00Z,1,km\n",  # too old
        f"{device},odometer,{stamp(START)},9.5,km\n",  # conflicts with the first row
        f"{device},wheel,{stamp(START)},1,km\n",
        f"ghost,odometer,{stamp(START)},1,km\n",
        f"{device},odometer\n",
        f"{device},state,{stamp(START)},running,\n",
    ]
    file = table(tmp_path / "a.csv", [*lines(device, range(10)), *bad, *lines(device, [3])])
    first = import_(command, file)
    assert (first.exit_code, sums(first)) == (0, (18, 11, 1, 6))
    assert reasons(engine) == dict.fromkeys(
        ("bad_value", "too_old", "conflict", "unknown_register", "unknown_device", "bad_reading"), 1
    )
    assert "a.csv:12: 'x' is no decimal number" in first.output
    assert "a.csv:14: 9.500 km was sent where 0.000 km stands; the first stands" in first.output
    assert "--since allows an import to go back further" in first.output
    assert "the row has 2 cells, the header 5" in first.output
    assert stored(engine)[:2] == [("odometer", START, 0), ("odometer", START + timedelta(minutes=10), 1)]
    again = import_(command, file)
    assert (again.exit_code, sums(again)) == (0, (18, 0, 18, 0))
    assert tuple(ending(engine)) == (36, 11, 19, 6)


def test_history_needs_leave_and_a_reason(engine: Engine, command: CliRunner, device: str, tmp_path: Path) -> None:
    file = table(tmp_path / "a.csv", [f"{device},odometer,2020-01-01T00:00:00Z,1.5,km\n"])
    refused = import_(command, file, "--since", "2019-12-31")
    assert (refused.exit_code, "--note" in refused.output) == (2, True)
    done = import_(command, file, "--since", "2019-12-31", "--note", "the old system's year", "--by", "anna")
    assert sums(done) == (1, 1, 0, 0)
    with engine.connect() as connection:
        kept_ = connection.execute(text("SELECT public_id, author, reason, since FROM ingest.backfill")).one()
        audited = connection.execute(text("SELECT action, actor, object FROM core.audit WHERE action ~ 'backfill'"))
        assert [tuple(row) for row in audited] == [
            ("backfill.open", "anna", kept_.public_id),
            ("backfill.close", "anna", kept_.public_id),
        ]
    assert (kept_.public_id, kept_.author, kept_.reason) == (name_of(done), "anna", "the old system's year")


def test_a_dry_run_says_what_would_happen_and_changes_nothing(
    engine: Engine, command: CliRunner, device: str, tmp_path: Path
) -> None:
    import_(command, table(tmp_path / "first.csv", [*lines(device, range(3)), f"{device},odometer,x,1,km\n"]))
    before = ending(engine), count(engine, "ingest.backfill")
    rows = [*lines(device, range(6)), *lines(device, [5]), f"{device},odometer,{stamp(START)},9,km\n"]
    bad = [f"{device},odometer,x,1,km\n", f"{device},odometer,y,1,km\n", f"{device},odometer,y,1,km\n"]
    file = table(tmp_path / "second.csv", rows + bad)
    dry = import_(command, file, "--dry-run")
    assert (dry.exit_code, sums(dry)) == (1, (11, 3, 6, 2))
    assert (ending(engine), count(engine, "ingest.backfill")) == before
    assert sums(import_(command, file)) == sums(dry)
    again = import_(command, file, "--dry-run")  # what is refused is in quarantine by now, and would be refused again
    assert (again.exit_code, sums(again)) == (1, (11, 0, 11, 0))
    sound = table(tmp_path / "third.csv", lines(device, range(6)))
    assert import_(command, sound, "--dry-run").exit_code == 0


def test_a_conflict_of_states_is_told_by_their_names(command: CliRunner, device: str, tmp_path: Path) -> None:
    rows = [f"{device},state,{stamp(START)},{name},\n" for name in ("running", "idle")]
    done = import_(command, table(tmp_path / "a.csv", rows))
    assert "a.csv:3: idle was sent where running stands; the first stands" in done.output


@pytest.mark.parametrize(
    ("header", "row", "words", "said"),
    [
        ("device,register,at,reading,unit\n", "D,odometer,A,1.5,km\n", [], "--map value=COLUMN"),
        (HEADER, "ghost,odometer,A,1,km\n", [], "no device 'ghost' is registered"),
        ("device,at,odometer,remark\n", "D,A,1,x\n", ["--wide", "--unit", "odometer=km"], "--ignore 'remark'"),
        ("device,at,odometer\n", "D,A,1\n", ["--wide", "--unit", "state=km"], "no column 'state'"),
        (HEADER, "D,odometer,A,1,km\n", ["--map", "when=at"], "no such field"),
        (HEADER, "D,odometer,A,1,km\n", ["--zone", "Berlin"], "no IANA zone"),
        (HEADER, "D,odometer,A,1,km\n", ["--format", "parquet"], "Parquet"),
        (HEADER, "D,odometer,A,1,km\n", ["--encoding", "klingon"], "unknown encoding"),
        ("", "", [], "the file is empty"),
    ],
)
def test_what_cannot_be_right_stops_and_saves_nothing(  # the table has as many columns
    engine: Engine,
    command: CliRunner,
    device: str,
    tmp_path: Path,
    *,
    header: str,
    row: str,
    words: list[str],
    said: str,
) -> None:
    file = table(tmp_path / "a.csv", [row.replace("D,", f"{device},", 1).replace("A", stamp(START))], header)
    stopped = import_(command, file, *words)
    assert (stopped.exit_code, said in stopped.output) == (2, True), stopped.output
    assert (count(engine, "ingest.batch"), count(engine, "ingest.backfill")) == (0, 0)


def test_a_quote_left_open_stops_and_says_what_is_in(command: CliRunner, device: str, tmp_path: Path) -> None:
    good, rest = lines(device, range(1500)), lines(device, range(1500, 3000))
    file = table(tmp_path / "a.csv", [*good, f'"{device},odometer\n', *rest])
    stopped = import_(command, file)
    assert stopped.exit_code == 2
    assert re.search(r"a\.csv: line \d+: field larger .* is a quote left open before\?", stopped.output)
    assert "a.csv: 1,500 records before it are imported" in stopped.output
    assert sums(import_(command, table(file, lines(device, range(3000))))) == (3000, 1500, 1500, 0)


def test_an_import_that_will_not_go_on_is_closed_and_its_file_begins_anew(
    engine: Engine, command: CliRunner, device: str, tmp_path: Path
) -> None:
    rows = [*lines(device, range(1500)), '"', *lines(device, range(1500, 3000))]  # it cannot be read on
    file = table(tmp_path / "a.csv", rows)
    stopped = name_of(import_(command, file))
    assert name_of(import_(command, file)) == stopped  # it would go on
    assert call(command, "close", stopped, "--note", " ").exit_code == 2
    closed = call(command, "close", stopped, "--note", "the logger is gone")
    assert f"{stopped}: closed with 1,500 readings" in closed.output
    assert count(engine, "ingest.reading") == 1500
    with transaction(engine) as connection:
        assert backfills.named(connection, stopped).status == "closed"
    again = call(command, "close", stopped, "--note", "again")
    assert (again.exit_code, "this needs one that is open" in again.output) == (2, True)
    assert name_of(import_(command, file)) != stopped
    assert "1,500 readings are void" in call(command, "revert", stopped, "--note", "wrong truck").output


def test_local_times_decimal_commas_and_other_columns_are_read_as_told(
    engine: Engine, command: CliRunner, device: str, tmp_path: Path
) -> None:
    day = START.strftime("%d.%m.%Y")
    rows = [f"{day} 12:00;1,5\n", f"{day} 12:00;1,5\n", f"{day} 13:00;1.500,5\n", f"{day} 25:00;1\n"]
    file = table(tmp_path / "a.csv", rows, "Zeit;Stand\n")
    words = ["--map", "at=Zeit", "--map", "value=Stand", "--device", device, "--register", "odometer", "--unit", "km"]
    how = ["--delimiter", ";", "--decimal-comma", "--zone", "Europe/Berlin", "--time-format", "%d.%m.%Y %H:%M"]
    done = import_(command, file, *words, *how)
    assert (sums(done), reasons(engine)) == ((4, 1, 1, 2), {"bad_value": 1, "bad_time": 1})
    ((_, at, ticks),) = stored(engine)
    assert (at.utcoffset(), at.hour in (10, 11), ticks) == (timedelta(0), True, 1500)


def test_a_wall_clock_that_is_skipped_or_shown_twice_is_refused(
    engine: Engine, command: CliRunner, device: str, tmp_path: Path
) -> None:
    walls = ["2026-03-29 01:59", "2026-03-29 02:30", "2026-10-25 02:30", "2026-10-25 02:30+01:00", "2026-10-25 03:00"]
    file = table(tmp_path / "a.csv", [f"{device},odometer,{wall},{n},km\n" for n, wall in enumerate(walls)])
    since = ["--since", "2026-01-01", "--note", "history"]
    done = import_(command, file, "--zone", "Europe/Berlin", *since)
    assert (sums(done), reasons(engine)) == ((5, 3, 0, 2), {"bad_time": 2})
    assert [at.isoformat() for _, at, _ in stored(engine)] == [
        "2026-03-29T00:59:00+00:00",
        "2026-10-25T01:30:00+00:00",
        "2026-10-25T02:00:00+00:00",
    ]


def test_a_wide_table_has_a_register_in_each_column(
    engine: Engine, command: CliRunner, device: str, tmp_path: Path
) -> None:
    rows = [f"{device},{stamp(START)},1.5,running,ok\n", f"{device},{stamp(START + timedelta(hours=1))},,idle,\n"]
    file = table(tmp_path / "a.csv", rows, "device,at,odometer,state,remark\n")
    done = import_(command, file, "--wide", "--unit", "odometer=km", "--ignore", "remark")
    assert sums(done) == (3, 3, 0, 0)
    assert [(name, ticks) for name, _, ticks in stored(engine)] == [("odometer", 1500), ("state", 1), ("state", 2)]


def test_json_lines_and_senml_are_read_as_messages_are(
    engine: Engine, command: CliRunner, device: str, tmp_path: Path
) -> None:
    item = {"device": device, "register": "odometer", "at": stamp(START), "value": "1.5", "unit": "km"}
    two = {**item, "at": stamp(START + timedelta(hours=1)), "value": 2}
    file = tmp_path / "a.jsonl"
    file.write_text(f"{json.dumps(item)}\n\n{json.dumps(two)}\n{{}}\nno json\n{json.dumps(item)},{json.dumps(two)}\n")
    done = import_(command, file)
    assert (sums(done), reasons(engine)) == ((5, 2, 0, 3), {"bad_reading": 2, "not_json": 1})
    pack = [
        {"bn": f"{device}/", "bt": int(START.timestamp()) + 7200, "n": "odometer", "u": "m", "v": 2500},
        {"n": "state", "vs": "running"},
        {"n": "odometer", "u": "m", "v": 1, "t": -int(START.timestamp())},  # relative to a receipt
    ]
    senml = tmp_path / "a.senml"
    senml.write_text(json.dumps(pack, indent=1))
    assert sums(import_(command, senml)) == (3, 2, 0, 1)
    senml.write_text(f"{json.dumps(pack)}\n{json.dumps(pack)}\n")
    assert sums(import_(command, senml)) == (6, 0, 6, 0)
    assert [ticks for name, _, ticks in stored(engine) if name == "odometer"] == [1500, 2000, 2500]


def test_parquet_is_exact_and_floats_need_leave(
    engine: Engine, command: CliRunner, device: str, tmp_path: Path
) -> None:
    arrow = pytest.importorskip("pyarrow", reason="pip install 'yardstick[parquet]'")
    from pyarrow import parquet

    file = tmp_path / "a.parquet"
    times = arrow.array([START + timedelta(hours=n) for n in range(3)], arrow.timestamp("ns", "Europe/Berlin"))
    columns = {"register": ["odometer"] * 3, "at": times, "unit": ["km"] * 3}
    floats = arrow.array([1.1, 1.5, None], arrow.float64())
    parquet.write_table(arrow.table({**columns, "value": floats}), file)
    refused = import_(command, file, "--device", device)
    assert (refused.exit_code, "'value' (64 bits) holds binary floats" in refused.output) == (2, True)
    allowed = import_(command, file, "--device", device, "--allow-float")
    assert (sums(allowed), reasons(engine)) == ((3, 2, 0, 1), {"bad_value": 1})
    with engine.connect() as connection:
        raw = connection.execute(text("SELECT raw FROM ingest.reading ORDER BY at")).scalars().all()
    assert raw == ["1.1 km as float64", "1.5 km as float64"]
    exact = arrow.array([1100, 1500, 1700], arrow.decimal128(20, 3)).cast(arrow.decimal128(20, 3))
    decimals = arrow.array([*map(__import__("decimal").Decimal, ("1.100", "1.500", "1.700"))], exact.type)
    parquet.write_table(arrow.table({**columns, "value": decimals}), file)
    assert sums(import_(command, file, "--device", device)) == (3, 1, 2, 0)
    assert [ticks for _, _, ticks in stored(engine)] == [1100, 1500, 1700]


def test_an_import_that_is_killed_goes_on_where_it_was(
    engine: Engine, environment: dict[str, str], device: str, tmp_path: Path, command: CliRunner
) -> None:
    rows = 4 * AT_ONCE
    file = tmp_path / "a.csv"
    with file.open("w") as out:
        out.write(HEADER)
        for n in range(rows):
            at = (START + n * timedelta(seconds=20)).strftime("%Y-%m-%dT%H:%M:%SZ")
            out.write(f"{device},odometer,{at},{'x' if n % 1000 == 7 else n},km\n")
    words = [sys.executable, "-c", PROGRAM, "readings", "import", str(file)]
    kills = 0
    for wanted in (1, 2, 3):

        def so_many(wanted: int = wanted) -> bool:
            return count(engine, "ingest.batch") >= wanted

        running = subprocess.Popen(words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(so_many)
        running.send_signal(signal.SIGKILL)
        kills += running.wait(30) == -signal.SIGKILL
    done = import_(command, file)
    assert kills == 3
    assert re.search(r"after [\d,]+ records before", done.output)
    with transaction(engine) as connection:
        (one,) = backfills.newest(connection, most=5)
        whole = backfills.sums(connection, one.id)
    assert (one.status, one.records, one.public_id) == ("closed", rows, name_of(done))
    assert whole == (rows, rows - rows // 1000, 0, rows // 1000) == tuple(ending(engine))
    assert count(engine, "ingest.reading") == rows - rows // 1000
    assert sums(import_(command, file)) == (rows, 0, rows, 0)


def test_two_imports_of_one_file_cannot_both_take_it(
    engine: Engine, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = Order("a.csv", b"same", "test", "")
    records = [[Item(n, device, "odometer", stamp(START + n * timedelta(minutes=1)), str(n), "km")] for n in range(20)]

    def meanwhile(_: Report) -> None:
        monkeypatch.setattr(run, "_close", lambda *_: None)
        run.take_in(engine, records, order, now(), tell=lambda _: None, most=5)

    with pytest.raises(run.Busy, match="another import of this file is running"):
        run.take_in(engine, records, order, now(), tell=meanwhile, most=5)
    assert count(engine, "ingest.reading") == 20
    assert tuple(ending(engine)) == (20, 20, 0, 0)


def values(engine: Engine) -> list[int]:
    return [ticks for _, _, ticks in stored(engine)]


def call(command: CliRunner, *words: str) -> Result:
    return command.invoke(backfill.backfill, list(words))


def test_an_import_is_taken_back_and_brought_back(
    engine: Engine, command: CliRunner, device: str, tmp_path: Path
) -> None:
    import_(command, table(tmp_path / "a.csv", lines(device, [0, 4])))
    name = name_of(import_(command, table(tmp_path / "b.csv", lines(device, range(5)))))
    with engine.connect() as connection:
        then = connection.execute(text("SELECT n FROM core.knowledge")).scalar_one()
    assert call(command, "revert", name, "--note", " ").exit_code == 2
    assert "3 readings are void" in call(command, "revert", name, "--note", "wrong truck").output
    assert values(engine) == [0, 4]
    assert call(command, "revert", name, "--note", "again").exit_code == 2
    with engine.connect() as connection:
        before = connection.execute(
            text("""SELECT e.value FROM ingest.register AS g CROSS JOIN LATERAL
                ingest.effective(g.id, '2000-01-01', '2100-01-01', :then) AS e ORDER BY e.at"""),
            {"then": then},
        )
        assert before.scalars().all() == [0, 1, 2, 3, 4]  # as known before, nothing has changed
    assert "3 readings count again" in call(command, "restore", name, "--note", "it was right").output
    assert values(engine) == [0, 1, 2, 3, 4]
    assert "reverted" not in call(command, "list").output


def test_after_a_revert_the_right_file_takes_its_place(
    engine: Engine, command: CliRunner, device: str, tmp_path: Path
) -> None:
    wrong = table(tmp_path / "a.csv", [line.replace(",km", ",mi") for line in lines(device, [1, 2])])
    first = name_of(import_(command, wrong))
    assert values(engine) == [2, 3]  # 0.001 mi = 1.609 m, 0.002 mi = 3.219 m, half-up to a metre
    call(command, "revert", first, "--note", "miles")
    right = table(tmp_path / "b.csv", lines(device, [1, 2, 3]))
    done = import_(command, right)
    assert (sums(done), values(engine)) == ((3, 3, 0, 0), [1, 2, 3])
    assert sums(import_(command, right)) == (3, 0, 3, 0)
    assert sums(import_(command, wrong)) == (2, 0, 0, 2)  # another value than what counts now
    call(command, "revert", name_of(done), "--note", "that neither")
    assert values(engine) == []
    restored = call(command, "restore", first, "--note", "x")
    assert "0 readings count again" in restored.output  # somebody has decided since
    assert "3 readings count again" in call(command, "restore", name_of(done), "--note", "x").output
    assert values(engine) == [1, 2, 3]


def test_what_somebody_decides_while_a_revert_looks_stands(
    engine: Engine, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.backfill import run as undoing
    from ingest.store import review

    records = [[Item(n, device, "odometer", stamp(START + n * timedelta(minutes=1)), str(n), "km")] for n in range(3)]
    name = run.take_in(engine, records, Order("a", b"a", "test", ""), now(), tell=lambda _: None).backfill
    undoing.revert(engine, name, now(), author="test", reason="x")
    draw = draw_knowledge

    def meanwhile(connection: Connection) -> int:
        monkeypatch.setattr(undoing, "draw_knowledge", draw)
        with transaction(engine) as other:
            number = other.execute(text("SELECT id FROM ingest.register WHERE name = 'odometer'")).scalar_one()
            review.override(other, [(number, START, 9)], known=draw(other), author="anna", reason="paper")
        return draw(connection)

    monkeypatch.setattr(undoing, "draw_knowledge", meanwhile)
    assert undoing.restore(engine, name, now(), author="test", reason="x") == 2
    assert values(engine) == [9, 1000, 2000]


def test_roll_ups_follow_an_import_its_revert_and_its_restoration(
    engine: Engine, command: CliRunner, device: str, tmp_path: Path
) -> None:
    """Hours of the odometer: the readings in each, and what its last says; rolled up is as rebuilt at every step."""

    def hours() -> list[tuple[int, int]]:
        assert rollup.roll_up(engine, now()) >= 0
        assert rollup.verify(engine) == []
        with engine.connect() as connection:
            rows = connection.execute(
                text("SELECT readings, last_value FROM ingest.usage_hour WHERE superseded IS NULL ORDER BY hour")
            )
            return [(row.readings, row.last_value) for row in rows]

    import_(command, table(tmp_path / "a.csv", lines(device, [0, 6])))
    whole = [(1, 0), (1, 6)]
    assert hours() == whole
    name = name_of(import_(command, table(tmp_path / "b.csv", lines(device, range(12)))))
    assert hours() == [(6, 5), (6, 11)]
    call(command, "revert", name, "--note", "wrong truck")
    assert hours() == whole
    call(command, "restore", name, "--note", "right")
    assert hours() == [(6, 5), (6, 11)]


def newest(engine: Engine) -> list[tuple[datetime, int]]:
    with engine.connect() as connection:
        return [(row.at, row.value) for row in connection.execute(text("SELECT at, value FROM ingest.latest"))]


def test_the_newest_reading_is_one_that_counts(engine: Engine, command: CliRunner, device: str, tmp_path: Path) -> None:
    import_(command, table(tmp_path / "a.csv", lines(device, [1, 2])))
    second = name_of(import_(command, table(tmp_path / "b.csv", lines(device, [2, 3, 4]))))
    at = [START + n * timedelta(minutes=10) for n in range(6)]
    assert newest(engine) == [(at[4], 4)]
    call(command, "revert", second, "--note", "wrong")
    assert newest(engine) == [(at[2], 2)]
    call(command, "restore", second, "--note", "right")
    assert newest(engine) == [(at[4], 4)]
    call(command, "revert", second, "--note", "wrong")
    import_(command, table(tmp_path / "c.csv", [line.replace("0.003", "0.007") for line in lines(device, [3])]))
    assert newest(engine) == [(at[3], 7)]


def test_a_revert_that_is_cut_short_is_finished_by_the_next(
    engine: Engine, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ingest.backfill import run as undoing

    records = [[Item(n, device, "odometer", stamp(START + n * timedelta(minutes=1)), str(n), "km")] for n in range(20)]
    name = run.take_in(engine, records, Order("a", b"a", "test", ""), now(), tell=lambda _: None, most=5).backfill
    whole, done = undoing._undo, list[int]()

    def cut(*given: object, **named: object) -> int:
        if len(done) == 2:
            raise KeyboardInterrupt
        done.append(whole(*given, **named))  # type: ignore[arg-type]
        return done[-1]

    monkeypatch.setattr(undoing, "_undo", cut)
    with pytest.raises(KeyboardInterrupt):
        undoing.revert(engine, name, now(), author="test", reason="x")
    monkeypatch.undo()
    assert len(values(engine)) == 10
    assert undoing.revert(engine, name, now(), author="test", reason="x") == 10
    assert (values(engine), count(engine, "ingest.reading_override")) == ([], 20)


def test_quarantined_rows_are_corrected_like_any_other(
    engine: Engine, command: CliRunner, device: str, tmp_path: Path
) -> None:
    from api.commands import ingest
    from ingest.store import review

    import_(command, table(tmp_path / "a.csv", [f"{device},odometer,{stamp(START)},x,km\n"]))
    with transaction(engine) as connection:
        (entry,) = review.find(connection, most=2)
    done = command.invoke(
        ingest.readings, ["quarantine", "correct", entry.reference, "value=1.25", "--note", "read from paper"]
    )
    assert (done.exit_code, values(engine)) == (0, [1250])


def test_history_that_was_refused_is_replayed_with_its_import_s_leave(
    engine: Engine, command: CliRunner, device: str, unique: str, tmp_path: Path
) -> None:
    from api.commands import ingest

    rows = [f"{name},odometer,2020-01-01T00:00:00Z,1.5,km\n" for name in (device, f"new-{unique}")]
    file = table(tmp_path / "a.csv", [*rows, f"{device},odometer,2018-12-31T00:00:00Z,1,km\n"])
    done = import_(command, file, "--since", "2019-01-01", "--note", "history")
    assert (sums(done), reasons(engine)) == ((3, 1, 0, 2), {"unknown_device": 1, "too_old": 1})
    declare(engine, [f"new-{unique}"])
    replayed = command.invoke(ingest.readings, ["quarantine", "replay", "--apply"])
    assert "closed: 1; stored 1, duplicate 0" in replayed.output
    assert "still refused: 1" in replayed.output
    assert values(engine) == [1500, 1500]


def test_a_large_file_of_which_nothing_fits_stops_and_saves_nothing(
    engine: Engine, command: CliRunner, device: str, tmp_path: Path
) -> None:
    old = [f"{device},odometer,2020-01-01T00:{n // 60:02}:{n % 60:02}Z,{n},km\n" for n in range(1000)]
    stopped = import_(command, table(tmp_path / "a.csv", old))
    assert (stopped.exit_code, count(engine, "ingest.quarantine")) == (2, 0)
    assert "a.csv: line 2: too_old" in stopped.output
    assert "none of the first 1,000 readings would be stored" in stopped.output
    mended = import_(command, table(tmp_path / "b.csv", [*old, *lines(device, [1])]))
    assert sums(mended) == (1001, 1, 0, 1000)


def test_a_file_may_begin_with_strangers(engine: Engine, command: CliRunner, device: str, tmp_path: Path) -> None:
    file = table(tmp_path / "a.csv", [*lines("ghost", range(1200)), *lines(device, range(3))])
    assert sums(import_(command, file, "--dry-run")) == (1203, 3, 0, 1200)
    assert sums(import_(command, file)) == (1203, 3, 0, 1200)
    assert reasons(engine) == {"unknown_device": 1200}
