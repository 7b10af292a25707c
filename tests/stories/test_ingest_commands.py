"""Devices, quarantine and decoding on the command line."""

import json
import re
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from api.commands import ingest
from tests.stories.ingesting import START, ending, eventually, ingesting, message, odometer, publish, stamp

pytestmark = pytest.mark.services
DEVICES = """
devices:
  - device: TRK-1
    model: gateway 4
    asset: T1
    position: vehicle
    registers:
      - {register: odometer, kind: counter, unit: km, resolution: "1 m"}
      - {register: state, kind: state}
"""


@pytest.fixture
def command(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    for name in ("YARDSTICK_DATABASE_URL", "YARDSTICK_BROKER_URL", "YARDSTICK_INGEST_CLIENT"):
        monkeypatch.setenv(name, environment[name])
    monkeypatch.setenv("COLUMNS", "200")
    return CliRunner()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "devices.yaml"
    path.write_text(DEVICES)
    return path


def test_registering_twice_changes_nothing(command: CliRunner, file: Path, engine: Engine) -> None:
    first, second = (command.invoke(ingest.device, ["register", str(file)]) for _ in range(2))
    assert "1 devices, 1 assets, 2 registers, 2 declarations, 1 bindings" in first.output
    assert "0 devices, 0 assets, 0 registers, 0 declarations, 0 bindings" in second.output
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM ingest.binding")).scalar_one() == 1


def test_what_a_register_is_never_changes_but_its_physics_may(command: CliRunner, file: Path) -> None:
    command.invoke(ingest.device, ["register", str(file)])
    file.write_text(DEVICES.replace('resolution: "1 m"', 'resolution: "1 m", max_rate: "100 km/h"'))
    assert "0 registers, 1 declarations" in command.invoke(ingest.device, ["register", str(file)]).output
    file.write_text(DEVICES.replace('resolution: "1 m"', 'resolution: "10 m"'))
    refused = command.invoke(ingest.device, ["register", str(file)])
    assert (refused.exit_code, "TRK-1/odometer: is a counter in ticks of 0.001 km already" in refused.output) == (
        2,
        True,
    )


def test_a_second_device_at_the_same_place_waits_until_the_first_has_gone(command: CliRunner, file: Path) -> None:
    command.invoke(ingest.device, ["register", str(file)])
    second = DEVICES.replace("TRK-1", "TRK-2").replace("position: vehicle", 'position: vehicle\n    from: "2026-06-01"')
    file.write_text(second)
    refused = command.invoke(ingest.device, ["register", str(file)])
    assert (refused.exit_code, "overlaps another" in refused.output) == (2, True)
    file.write_text(DEVICES.replace("position: vehicle", 'position: vehicle\n    to: "2026-06-01"'))
    assert "1 bindings" in command.invoke(ingest.device, ["register", str(file)]).output
    file.write_text(second)
    assert "1 devices, 0 assets" in command.invoke(ingest.device, ["register", str(file)]).output


def test_a_broken_file_lists_its_problems_and_saves_nothing(command: CliRunner, file: Path, engine: Engine) -> None:
    file.write_text(DEVICES.replace("unit: km", "unit: parsec").replace("asset: T1", "asset: ''"))
    refused = command.invoke(ingest.device, ["register", str(file)])
    assert (refused.exit_code, "devices[0].asset" in refused.output) == (2, True)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM ingest.device")).scalar_one() == 0


def test_quarantine_is_listed_with_what_would_be_right(
    command: CliRunner, file: Path, engine: Engine, broker: str, unique: str
) -> None:
    file.write_text(DEVICES.replace("TRK-1", f"TRK-{unique}"))
    command.invoke(ingest.device, ["register", str(file)])
    with ingesting(engine, broker, f"in-{unique}"):
        publish(broker, [message(f"TRK-{unique}", odometer(0), odometer(1, unit="l"))], client_id=unique)
        eventually(lambda: ending(engine).received == 2)
    shown = command.invoke(ingest.readings, ["quarantine", "list", "--reason", "wrong_unit"]).output
    assert "'l' does not convert to km" in shown
    assert "wrong_unit: The unit does not convert to the register's; send one of its dimension" in shown
    assert "wrong_unit" not in command.invoke(ingest.readings, ["quarantine", "list", "--device", "other"]).output
    listed = command.invoke(ingest.device, ["list"]).output
    assert re.search(rf"TRK-{unique}.*gateway 4.*T1.*vehicle.*odometer, state.*{stamp(START)[:10]}", listed)


def test_decoding_shows_readings_and_refusals(command: CliRunner, file: Path, tmp_path: Path) -> None:
    command.invoke(ingest.device, ["register", str(file)])
    payload = tmp_path / "payload.json"
    sent = message("TRK-1", odometer(0, "1", unit="mi"), odometer(1, "x"))
    payload.write_bytes(sent.payload)
    plain = command.invoke(ingest.readings, ["decode", str(payload)])
    assert (plain.exit_code, plain.output.splitlines()[0]) == (0, f"0: odometer = 1 mi at {stamp(START)}")
    judged = command.invoke(ingest.readings, ["decode", str(payload), "--device", "TRK-1"])
    assert judged.exit_code == 1
    assert "= 1609 ticks (from 1 mi)" in judged.output
    assert "1: bad_value: 'x' is no decimal number. The value is not an exact decimal number" in judged.output
    payload.write_text(json.dumps([1]))
    forced = command.invoke(ingest.readings, ["decode", "--format", "yardstick", str(payload)])
    assert "message: bad_envelope: it is a list, no object" in forced.output


@pytest.mark.parametrize(
    ("payload", "lines"),
    [
        (
            b'[{"bn":"T1/","bt":1780272000,"n":"odometer","u":"g","v":1.5}]',
            ["senml-json, by its looks:", "0: T1/odometer = 0.0015 kg at 2026-06-01T00:00:00+00:00"],
        ),
        (
            bytes.fromhex("81a400617201626b6d02f93e00221a6a1ccb80"),
            ["senml-cbor, by its looks:", "0: r = 1.5 km at 2026-06-01T00:00:00+00:00 (binary)"],
        ),
        (
            b'{"specversion":"1.0","id":"7","source":"/a","type":"t","data":{"v":1,"boot":"","seq":0,"readings":[]}}',
            ["cloudevent, by its looks:", "event 7 of /a, yardstick:"],
        ),
    ],
)
def test_decoding_tells_the_format_by_its_looks(payload: bytes, lines: list[str], tmp_path: Path) -> None:
    file = tmp_path / "payload"
    file.write_bytes(payload)
    shown = CliRunner().invoke(ingest.readings, ["decode", str(file)])
    assert (shown.exit_code, shown.output.splitlines()) == (0, lines)


def test_decoding_sparkplug_shows_the_metrics_of_a_birth(tmp_path: Path) -> None:
    golden = json.loads((Path(__file__).parents[1] / "golden/sparkplug.json").read_text())
    file = tmp_path / "birth"
    file.write_bytes(bytes.fromhex(golden["nbirth"]))
    shown = CliRunner().invoke(ingest.readings, ["decode", "--format", "sparkplug", str(file)])
    assert shown.output.splitlines() == [
        "sparkplug:",
        "2: odometer = 412350.2 km at 2026-06-01T00:00:00+00:00 (binary)",
        "3: state = running at 2026-06-01T00:00:00+00:00",
        "4: pages = 4000000000 at 2026-06-01T00:00:00+00:00",
    ]


def test_without_a_database_the_remedy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("YARDSTICK_DATABASE_URL", raising=False)
    refused = CliRunner().invoke(ingest.device, ["list"])
    assert refused.exit_code == 2
    assert "YARDSTICK_DATABASE_URL is not set" in refused.output
    assert "make demo" in refused.output
