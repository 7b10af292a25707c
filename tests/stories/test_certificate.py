"""Certificates at a real broker over TLS: from the operator's authority to a stored reading, until they are revoked."""

import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from socket import create_server

import pytest
from cryptography import x509
from paho.mqtt.client import Client, MQTTv5
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import Engine, text
from typer.testing import CliRunner

from api.authority import Authority, BadAuthority
from api.commands import delivery, ingest
from core.clock import now
from embedded.services import Services
from ingest.certificate import run as certificates
from ingest.store import alarm
from simulators.publish import Files, Publisher
from simulators.wire import Message
from tests.stories.guarded import Guarded, as_root_too, certified, make_authority
from tests.stories.ingesting import Process, count, declare, ending, eventually, message, odometer

pytestmark = pytest.mark.services
NOT_AUTHORIZED = 0x87
TAKEN = (0, 0x10)
"""Written, whether or not anybody listens."""


class Operated:
    """A broker with TLS, its authority, and the commands that make and revoke certificates."""

    def __init__(self, guarded: Guarded, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.guarded = guarded
        self.authority = folder / "authority"
        self.given = folder / "given"
        self._data = folder
        make_authority(self.authority)
        monkeypatch.setenv("COLUMNS", "200")

    def call(self, *words: str, code: int = 0) -> str:
        done = CliRunner().invoke(ingest.device, list(words))
        assert done.exit_code == code, done.output
        return done.output

    def issue(self, name: str, *more: str) -> Files:
        self.call("certificate", "issue", name, "--authority", str(self.authority), "--into", str(self.given), *more)
        return self.files(name)

    def files(self, name: str) -> Files:
        return Files(str(self.authority / "ca.crt"), str(self.given / f"{name}.crt"), str(self.given / f"{name}.key"))

    def export(self) -> None:
        said = ("--port", str(self.guarded.port), "--data", str(self._data), "--client-certificates")
        signing = ("--certificates", str(self.authority), "--authority", str(self.authority))
        self.call("credential", "export", str(self.guarded.folder), *said, *signing)

    def restart(self) -> None:
        self.export()
        as_root_too(self.guarded.folder)
        self.guarded.start()


@pytest.fixture
def operated(
    servers: Services, tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Operated]:
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", environment["YARDSTICK_DATABASE_URL"])
    with create_server(("127.0.0.1", 0)) as taken:
        port = int(taken.getsockname()[1])
    guarded = Guarded(str(servers.broker.command[0]), tmp_path / "broker", port)
    yield Operated(guarded, tmp_path, monkeypatch)
    guarded.stop()


def secured(environment: dict[str, str], operated: Operated, files: Files) -> dict[str, str]:
    """The environment of an ingester that signs in by certificate."""
    own = dict(zip(("CA", "CERTIFICATE", "KEY"), map(str, files), strict=True))
    url = {"YARDSTICK_BROKER_URL": f"mqtts://127.0.0.1:{operated.guarded.port}"}
    return environment | url | {f"YARDSTICK_BROKER_{name}": value for name, value in own.items()}


def test_a_reading_goes_over_tls_and_a_device_writes_its_own_topics_only(
    engine: Engine, operated: Operated, unique: str, environment: dict[str, str], tmp_path: Path
) -> None:
    one, two = f"one-{unique}", f"two-{unique}"
    declare(engine, [one, two])
    first, second = operated.issue(one), operated.issue(two)
    reader = operated.issue("ingester", "--ingester")
    operated.call(
        "certificate", "issue", "nobody", "--authority", str(operated.authority), "--into", str(tmp_path), code=2
    )
    operated.restart()
    process = Process(secured(environment, operated, reader), tmp_path / "log")
    process.start()
    try:
        process.await_subscription()
        topic, payload = message(one, odometer(1), seq=1)
        url = f"mqtts://127.0.0.1:{operated.guarded.port}"
        with Publisher(url, f"gw-{unique}", patience=10, files=first) as gateway:
            gateway.publish(Message("gw", topic, payload, 1, "b", 1))
            gateway.drain()

            def is_receipted() -> bool:
                gateway.poll()
                return gateway.unreceipted == 0

            eventually(is_receipted)  # its receipt came to it alone
            assert gateway.sent.refused == []
        with certified(operated.guarded.port, second) as stranger:
            assert stranger is not None
            assert stranger.reason(topic, payload) == NOT_AUTHORIZED
            assert stranger.reason(f"yardstick/{two}/readings", payload) == 0
        eventually(lambda: ending(engine).received == 2)
    finally:
        process.end(signal.SIGTERM)
    assert count(engine, "ingest.reading") == 2


def test_without_a_certificate_of_the_authority_there_is_no_connection(
    engine: Engine, operated: Operated, unique: str, tmp_path: Path
) -> None:
    one = f"one-{unique}"
    declare(engine, [one])
    own = operated.issue(one)
    operated.restart()
    make_authority(tmp_path / "other")
    foreign = Authority.read(tmp_path / "other").issue(one, now(), lasts=timedelta(days=1))
    paths = str(tmp_path / "foreign.crt"), str(tmp_path / "foreign.key")
    for path, content in zip(paths, (foreign.certificate, foreign.key), strict=True):
        Path(path).write_bytes(content)
    for files in (Files(own.authority), Files(own.authority, *paths)):
        with certified(operated.guarded.port, files) as nobody:
            assert nobody is None
    with certified(operated.guarded.port, own) as device:
        assert device is not None
        assert device.reason(f"yardstick/{one}/readings") in TAKEN


def test_a_revoked_certificate_is_refused_also_on_a_connection_that_is_open(
    engine: Engine, operated: Operated, unique: str
) -> None:
    one, two = f"one-{unique}", f"two-{unique}"
    declare(engine, [one, two])
    first, second = operated.issue(one), operated.issue(two)
    operated.restart()
    with certified(operated.guarded.port, first) as open_one, certified(operated.guarded.port, second) as other:
        assert open_one is not None
        assert other is not None
        assert open_one.reason(f"yardstick/{one}/readings") in TAKEN
        operated.call("certificate", "revoke", one, "--by", "anna")
        operated.call("certificate", "revoke", one, code=2)
        operated.export()
        operated.guarded.reload()
        time.sleep(0.5)
        assert open_one.reason(f"yardstick/{one}/readings") not in TAKEN
        assert other.reason(f"yardstick/{two}/readings") in TAKEN
    with certified(operated.guarded.port, first) as again:
        assert again is None
    with certified(operated.guarded.port, second) as again:
        assert again is not None
    with certified(operated.guarded.port, operated.issue(one)) as renewed:
        assert renewed is not None  # the broker trusts it at once; it may write after the next export
    operated.export()
    operated.guarded.reload()
    time.sleep(0.5)
    with certified(operated.guarded.port, operated.files(one)) as renewed:
        assert renewed is not None
        assert renewed.reason(f"yardstick/{one}/readings") in TAKEN
    listed = operated.call("certificate", "list")
    assert [line.count("│") for line in listed.splitlines() if one in line] == [7, 7]
    asked = text("SELECT actor, action FROM core.audit WHERE object = :one AND action LIKE 'certificate.%' ORDER BY id")
    with engine.connect() as connection:
        audited = [tuple(row) for row in connection.execute(asked, {"one": one})]
    issued = ("command line", "certificate.issue")
    assert audited == [issued, ("anna", "certificate.revoke"), issued]


def test_what_ends_soon_is_told_once_and_in_time(engine: Engine, operated: Operated, unique: str) -> None:
    renewed, forgotten = f"renewed-{unique}", f"forgotten-{unique}"
    declare(engine, [renewed, forgotten])
    for name, days in ((renewed, "60"), (forgotten, "60"), (renewed, "400")):
        operated.issue(name, "--days", days)
    operated.export()
    at = now()
    assert [certificates.watch(engine, at + timedelta(days=days)) for days in (29, 31, 32)] == [0, 1, 0]
    assert certificates.watch(engine, at + timedelta(days=336)) == 1  # the list, good for 365 days
    with engine.connect() as connection:
        told = [(one.kind, one.client) for one in alarm.recent(connection)]
    assert told == [("revocation_list_ends", "broker"), ("certificate_ends", forgotten)]
    listed = CliRunner().invoke(delivery.readings, ["alarms"]).output
    assert "serial" in listed
    assert "good_until" in listed


def test_nobody_takes_over_the_session_of_another_account(
    engine: Engine, operated: Operated, unique: str, environment: dict[str, str], tmp_path: Path
) -> None:
    one = f"one-{unique}"
    declare(engine, [one])
    device = operated.issue(one)
    for n in (1, 2):
        operated.issue(f"in-{n}", "--ingester")
    operated.restart()
    names = Files(device.authority, *(str(operated.given / f"{{client}}.{kind}") for kind in ("crt", "key")))
    told = secured(environment, operated, names) | {"YARDSTICK_INGEST_CLIENT": "in-1"}
    process = Process(told, tmp_path / "log")
    process.start()
    try:
        process.await_subscription()
        with certified(operated.guarded.port, device, client_id="in-1") as thief:
            assert thief is not None
            assert thief.reason(*message(one, odometer(1))) == 0
        eventually(lambda: ending(engine).stored == 1)
        process.end(signal.SIGTERM)
        # The session outlived the thief: what comes meanwhile waits in it.
        with certified(operated.guarded.port, device, client_id="in-1") as thief:
            assert thief is not None
            assert thief.reason(*message(one, odometer(2))) == 0
        process.start()
        eventually(lambda: ending(engine).stored == 2)
        assert b"session resumed" in (tmp_path / "log").read_bytes()
        assert count(engine, "ingest.alarm") == 0
    finally:
        process.end(signal.SIGTERM)


def test_an_edge_node_writes_under_its_group_and_name_only(engine: Engine, operated: Operated, unique: str) -> None:
    node = f"plant{unique}.line4"
    declare(engine, [node])
    files = operated.issue(node)
    operated.restart()
    with certified(operated.guarded.port, files) as speaker:
        assert speaker is not None
        for topic in ("NBIRTH/line4", "DDATA/line4/press"):
            assert speaker.reason(f"spBv1.0/plant{unique}/{topic}") in TAKEN
        for topic in ("NBIRTH/line5", "DDATA/line5/press", "NCMD/line4"):
            assert speaker.reason(f"spBv1.0/plant{unique}/{topic}") == NOT_AUTHORIZED
        assert speaker.reason("spBv1.0/other/NBIRTH/line4") == NOT_AUTHORIZED


def test_a_key_is_for_its_owner_alone_and_an_authority_that_does_not_fit_is_refused(
    engine: Engine, operated: Operated, unique: str, tmp_path: Path
) -> None:
    declare(engine, [unique])
    files = operated.issue(unique, "--days", "1000")
    assert files.key is not None
    assert stat.S_IMODE(Path(files.key).stat().st_mode) == 0o600
    made = x509.load_pem_x509_certificate(Path(str(files.certificate)).read_bytes())
    assert made.subject.rfc4514_string() == f"CN={unique}"
    # A thousand days were asked for; the authority itself ends after 800.
    assert made.not_valid_after_utc == Authority.read(operated.authority).certificate.not_valid_after_utc
    make_authority(tmp_path / "other")
    (tmp_path / "other" / "ca.key").write_bytes((operated.authority / "ca.key").read_bytes())
    with pytest.raises(BadAuthority, match=r"ca.key is not the key of ca.crt"):
        Authority.read(tmp_path / "other")
    (tmp_path / "other" / "ca.crt").write_text("nonsense")
    with pytest.raises(BadAuthority, match="must be PEM files"):
        Authority.read(tmp_path / "other")


def test_simulators_speak_tls_with_a_certificate(
    engine: Engine, operated: Operated, unique: str, environment: dict[str, str]
) -> None:
    declare(engine, [unique])
    files = operated.issue(unique)
    operated.export()
    as_root_too(operated.guarded.folder)
    path = operated.guarded.folder / "mosquitto.conf"
    # Three gateways with one certificate that speak for many devices: that takes an access file of one's own.
    own = ("acl_file", "password_file", "use_username_as_clientid")
    path.write_text("".join(f"{line}\n" for line in path.read_text().splitlines() if not line.startswith(own)))
    operated.guarded.start()
    heard = set[str]()
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTv5)
    client.tls_set(*files)
    client.on_message = lambda _, __, received: heard.add(received.topic)
    client.connect("127.0.0.1", operated.guarded.port)
    client.loop_start()
    client.subscribe("yardstick/+/readings", qos=1)
    named = ("--ca", str(files.authority), "--cert", str(files.certificate), "--key", str(files.key))
    command = [sys.executable, "-m", "api.main", "simulate", "--no-history", "--interval", "1", *named]
    told = environment | {"YARDSTICK_BROKER_URL": f"mqtts://127.0.0.1:{operated.guarded.port}"}
    with subprocess.Popen(command, env=told) as simulators:
        try:
            eventually(lambda: len(heard) >= 52)
        finally:
            simulators.terminate()
    client.disconnect()
    client.loop_stop()
