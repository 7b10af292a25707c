"""Accounts at a real broker: a device writes its own readings and nobody else's."""

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from socket import create_connection, create_server
from typing import Any

import pytest
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine
from typer.testing import CliRunner

from api.commands import ingest
from embedded.services import Services
from ingest.broker import Tls, access_file, configuration, password_hash
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


class Guarded:
    """A broker with the exported files."""

    def __init__(self, program: str, folder: Path, port: int) -> None:
        self.command = [program, "-c", str(folder / "mosquitto.conf")]
        self.port = port
        self.running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.stop()
        self.running = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        eventually(self.answers, seconds=10)

    def answers(self) -> bool:
        try:
            create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True

    def stop(self) -> None:
        if self.running:
            self.running.terminate()
            self.running.wait(10)

    def reason(self, name: str, password: str, topic: str, payload: bytes = b"{}") -> int:
        """The broker's answer to a message, or to the connection if that is refused."""
        client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
        client.username_pw_set(name, password)
        answers: list[int] = []
        there = threading.Event()

        def take(*found: Any) -> None:
            answers.append(found[3].value)
            there.set()

        client.on_connect = client.on_publish = take
        client.connect("127.0.0.1", self.port)
        client.loop_start()
        assert there.wait(10)
        there.clear()
        if answers == [0]:
            client.publish(topic, payload, qos=1)
            assert there.wait(10)
        client.disconnect()
        client.loop_stop()
        return answers[-1]


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
    assert "3 accounts" in call(command, "export", str(guarded.command[2]).rpartition("/")[0], "--port", str(port),
                                "--data", str(tmp_path))  # fmt: skip
    if os.geteuid() == 0:  # it would become a user who cannot read the test's folder
        with Path(guarded.command[2]).open("a") as configuration_file:
            configuration_file.write("user root\n")
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
    call(command, "export", str(guarded.command[2]).rpartition("/")[0], "--port", str(port), "--data", str(tmp_path))
    assert guarded.running
    guarded.running.send_signal(1)  # SIGHUP
    time.sleep(0.5)
    assert guarded.reason(one, first, f"yardstick/{one}/readings") > 0x7F


def test_the_files_say_what_they_must() -> None:
    # The digest of Mosquitto's own mosquitto_passwd form: 64 octets, base64.
    hashed = password_hash("secret", bytes(12)).split("$")
    assert (hashed[1:4], len(hashed[4])) == (["7", "101", "AAAAAAAAAAAAAAAA"], 88)
    text = configuration("/etc/y", port=8883, data="/d", tls=Tls("/c/ca.crt", "/c/s.crt", "/c/s.key", clients=True))
    for line in ("allow_anonymous false", "max_queued_messages 0", "persistence true", "require_certificate true"):
        assert line in text.splitlines()
    assert access_file(["b", "a"]).startswith("user a\ntopic read yardstick/+/readings\n")
