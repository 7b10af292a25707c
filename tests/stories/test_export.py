"""Readings given out as a table: what was imported comes out, and what comes out can be imported."""

import csv
import io
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from api.commands import bulk
from core.clock import now
from core.database import connect, transaction
from core.store import current_knowledge, draw_knowledge
from ingest import catalogue, run
from ingest.store import review
from tests.stories.ingesting import START, stamp

pytestmark = pytest.mark.services
DEVICES = {
    "devices": [
        {
            "device": name,
            "asset": "T1",
            "position": "vehicle",
            **span,
            "registers": [
                {"register": "odometer", "kind": "counter", "unit": "km", "resolution": "1 m"},
                {"register": "ink", "kind": "gauge", "unit": "ml", "minimum": "-5 ml"},
                {"register": "hours", "kind": "counter", "unit": "s"},
                {"register": "state", "kind": "state"},
            ],
        }
        for name, span in (
            ("OLD", {"to": stamp(START + timedelta(hours=5))}),
            ("NEW", {"from": stamp(START + timedelta(hours=5))}),
        )
    ]
}
COLUMNS = ["device", "register", "at", "value", "unit", "status", "received_at", "raw", "received_value"]


@pytest.fixture
def command(database: str, engine: Engine, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", database)
    declare(engine)
    return CliRunner()


def declare(engine: Engine) -> None:
    found = catalogue.of(DEVICES)
    assert isinstance(found, catalogue.Catalogue), found
    run.declare(engine, found, now(), author="test")


def table(path: Path) -> Path:
    """Two devices of one asset, one after the other; converted, rounded, negative and stated values."""
    rows = [["device", "register", "at", "value", "unit", "status"]]
    for n in range(10):
        device, at = ("OLD", "NEW")[n >= 5], stamp(START + n * timedelta(hours=1))
        rows += [
            [device, "odometer", at, f"{n}.000", "km", "S"],
            [device, "odometer", at.replace("Z", ".000001Z"), f"{n + 0.5}", "mi", ""],
            [device, "ink", at, f"{-n}.129" if n < 4 else "1E+2", "ml", "U"],
            [device, "hours", at, str(n), "h", ""],
            [device, "state", at, "running" if n % 2 else "idle", "", "S"],
        ]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def call(command: CliRunner, *words: object) -> Result:
    return command.invoke(bulk.readings, list(map(str, words)))


def export(command: CliRunner, *words: object) -> list[dict[str, str]]:
    done = call(command, "export", *words)
    assert done.exit_code == 0, done.output
    return list(csv.DictReader(io.StringIO(done.stdout)))


def everything(engine: Engine) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        rows = connection.execute(
            text("""SELECT d.name, g.name, r.at, r.value, r.time_status FROM ingest.reading AS r
                JOIN ingest.register AS g ON g.id = r.register JOIN ingest.device AS d ON d.id = g.device
                ORDER BY 1, 2, 3""")
        )
        return [tuple(row) for row in rows]


def test_what_is_exported_can_be_imported_and_is_the_same(
    engine: Engine,
    admin_engine: Engine,
    command: CliRunner,
    tmp_path: Path,
) -> None:
    first = call(command, "import", table(tmp_path / "a.csv"))
    assert "50 received = 50 stored" in first.output
    before = everything(engine)
    out = tmp_path / "out.csv"
    assert call(command, "export", "T1", "--output", out).exit_code == 0
    assert out.read_text().splitlines()[0].split(",") == COLUMNS
    with admin_engine.begin() as connection:
        connection.execute(text("TRUNCATE ingest.reading, ingest.latest"))
    again = call(command, "import", out)
    assert "50 received = 50 stored + 0 duplicate + 0 quarantined" in again.output
    assert (everything(engine), len(before)) == (before, 50)
    assert "0 stored + 50 duplicate" in call(command, "import", out).output


def test_the_period_the_register_and_the_time_of_knowledge_choose(
    engine: Engine, command: CliRunner, tmp_path: Path
) -> None:
    call(command, "import", table(tmp_path / "a.csv"))
    words = ["T1", "--register", "vehicle/odometer", "--since", stamp(START), "--before"]
    hour = stamp(START + timedelta(hours=1))
    rows = export(command, *words, hour)
    assert [(row["value"], row["unit"], row["raw"]) for row in rows] == [("0", "km", ""), ("0.805", "km", "0.5 mi")]
    assert [row["device"] for row in export(command, *words, stamp(START + timedelta(hours=5, seconds=1)))][-3:] == [
        "OLD",
        "NEW",
        "NEW",
    ]
    with transaction(engine) as connection:
        then = current_knowledge(connection)
        number = connection.execute(text("SELECT id FROM ingest.register WHERE name = 'odometer' ORDER BY id")).scalar()
        register = int(number or 0)
        corrections = [(register, START, 7), (register, START + timedelta(microseconds=1), None)]
        known = draw_knowledge(connection)
        review.override(connection, corrections, known=known, author="anna", reason="read from paper")
    corrected = export(command, *words, hour)
    assert [(row["value"], row["received_value"]) for row in corrected] == [("0.007", "0")]
    assert [row["value"] for row in export(command, *words, hour, "--known", then)] == ["0", "0.805"]
    assert [row["value"] for row in export(command, *words, hour, "--as-received")] == ["0", "0.805"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["T9"], "there is no such asset"),
        (["T1", "--register", "odometer"], "it has vehicle/hours, vehicle/ink, vehicle/odometer, vehicle/state"),
        (["T1", "--since", "yesterday"], "is no time"),
    ],
)
def test_what_is_not_there_is_said(command: CliRunner, words: list[str], said: str) -> None:
    refused = call(command, "export", *words)
    assert (refused.exit_code, said in refused.output) == (2, True), refused.output


def test_a_party_sees_no_backfill(database: str, command: CliRunner, tmp_path: Path) -> None:
    call(command, "import", table(tmp_path / "a.csv"))
    api = connect(database, role="yardstick_api")
    with api.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM ingest.backfill")).scalar_one() == 0
    api.dispose()
