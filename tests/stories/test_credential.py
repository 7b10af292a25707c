"""Accounts at a real broker: a device writes its own readings and nobody else's."""

import time
from collections.abc import Iterator
from pathlib import Path
from socket import create_server

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from api.commands import ingest
from embedded.services import Services
from ingest.broker import Account, Tls, access_file, configuration, password_hash
from tests.stories.guarded import Guarded, as_root_too
from tests.stories.ingesting import declare, ending, eventually, ingesting, message, odometer

pytestmark = pytest.mark.services
NOT_AUTHORIZED = 0x87


@pytest.fixture
def command(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", environment["YARDSTICK_DATABASE_URL"])
    return CliRunner()


def call(command: CliRunner, *words: str) -> str:
    done = command.invoke(ingest.device, ["credential", *words])
    assert done.exit_code == 0, done.output
    return done.output.strip()


@pytest.fixture
def port() -> int:
    with create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


@pytest.fixture
def guarded(servers: Services, tmp_path: Path, port: int) -> Iterator[Guarded]:
    made = Guarded(str(servers.broker.command[0]), tmp_path / "broker", port)
    yield made
    made.stop()


def test_a_device_writes_its_own_readings_only_until_it_is_revoked(
    engine: Engine, command: CliRunner, guarded: Guarded, tmp_path: Path, port: int, unique: str
) -> None:
    one, two = f"one-{unique}", f"two-{unique}"
    declare(engine, [one, two])
    first, second = call(command, "create", one), call(command, "create", two)
    reader = call(command, "create", "ingester", "--ingester")
    assert command.invoke(ingest.device, ["credential", "create", "nobody"]).exit_code == 2
    assert "3 accounts" in call(command, "export", str(guarded.folder), "--port", str(port),
                                "--data", str(tmp_path))  # fmt: skip
    as_root_too(guarded.folder)
    guarded.start()
    assert guarded.reason(one, second, "x") > 0x7F  # another's password
    with ingesting(engine, f"mqtt://ingester:{reader}@127.0.0.1:{port}", "in"):
        topic, payload = message(one, odometer(1), seq=1)
        assert guarded.reason(one, first, topic, payload) == 0
        assert guarded.reason(two, second, topic, payload) == NOT_AUTHORIZED
        assert guarded.reason(one, first, f"yardstick/{one}/receipt") == NOT_AUTHORIZED
        eventually(lambda: ending(engine).stored == 1)
    assert ending(engine).received == 1
    call(command, "revoke", one)
    assert command.invoke(ingest.device, ["credential", "revoke", one]).exit_code == 2
    call(command, "export", str(guarded.folder), "--port", str(port), "--data", str(tmp_path))
    guarded.reload()
    time.sleep(0.5)
    assert guarded.reason(one, first, f"yardstick/{one}/readings") > 0x7F


def test_the_files_say_what_they_must() -> None:
    # The digest of Mosquitto's own mosquitto_passwd form: 64 octets, base64.
    hashed = password_hash("secret", bytes(12)).split("$")
    assert (hashed[1:4], len(hashed[4])) == (["7", "101", "AAAAAAAAAAAAAAAA"], 88)
    text = configuration("/etc/y", port=8883, data="/d", tls=Tls("/c/ca.crt", "/c/s.crt", "/c/s.key", clients=True))
    for line in (
        "allow_anonymous false",
        "max_queued_messages 2000000000",
        "persistence true",
        "require_certificate true",
    ):
        assert line in text.splitlines()
    text = access_file([Account("b", "ingester"), Account("a", "ingester"), Account("d", "device")])
    assert text.startswith("user a\ntopic read yardstick/+/readings\n")
    assert "user d" not in text  # what a device may do is said for all of them
    assert access_file([Account("x", "device", is_open=False)]).startswith("user x\ntopic deny #\n")


def test_an_edge_node_may_speak_for_itself_and_its_devices() -> None:
    text = access_file([Account(name, "device") for name in ("plant.line4", "plant.line4.press", ".x", "y.")])
    assert text.count("user ") == 1
    rules = text.partition("user plant.line4\n")[2].partition("\n\n")[0].splitlines()
    assert rules == [
        "topic write spBv1.0/plant/NBIRTH/line4",
        "topic write spBv1.0/plant/NDATA/line4",
        "topic write spBv1.0/plant/NDEATH/line4",
        "topic write spBv1.0/plant/DBIRTH/line4/+",
        "topic write spBv1.0/plant/DDATA/line4/+",
        "topic write spBv1.0/plant/DDEATH/line4/+",
        "topic read spBv1.0/plant/NCMD/line4",
        "topic read spBv1.0/plant/DCMD/line4/+",
        "topic read spBv1.0/STATE/+",
    ]
