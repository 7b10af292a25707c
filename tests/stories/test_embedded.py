"""The embedded services on this machine: what starts, what ends, and what is repaired."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import psycopg
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from sqlalchemy import make_url

from embedded.browser import DRIVER
from embedded.bundle import MARKER, provide
from embedded.place import home, make_open
from embedded.server import as_server_user, give, server_environment
from embedded.services import Services, start

pytestmark = [
    pytest.mark.services,
    pytest.mark.skipif("YARDSTICK_DATABASE_URL" in os.environ, reason="this machine brings its own services"),
]

FAST = {"fsync": "off"}
ROOT = Path(__file__).parents[2]


def _connect(url: str) -> psycopg.Connection:
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(plain, autocommit=True)


def _living(instance: Path) -> list[str]:
    """Command lines of living processes that name the instance or work in it."""
    found = []
    for proc in Path("/proc").glob("[0-9]*"):
        try:
            line, folder = (proc / "cmdline").read_text().replace("\0", " "), (proc / "cwd").readlink()
        except OSError:
            continue
        if str(instance) in line or instance in folder.parents:
            found.append(line)
    return found


def _wait_until_none_lives(instance: Path) -> None:
    deadline = time.monotonic() + 15
    while living := _living(instance):
        assert time.monotonic() < deadline, living
        time.sleep(0.05)


def _publish_and_receive(services: Services, payload: bytes) -> bytes:
    received: list[bytes] = []
    subscribed, arrived = threading.Event(), threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="story", protocol=mqtt.MQTTv5)

    def on_subscribe(*_: object) -> None:
        subscribed.set()

    def on_message(_client: mqtt.Client, _user: object, message: mqtt.MQTTMessage) -> None:
        received.append(bytes(message.payload))
        arrived.set()

    client.on_subscribe, client.on_message = on_subscribe, on_message
    url = make_url(services.broker_url)
    client.connect(url.host or "", url.port or 0)
    client.loop_start()
    try:
        client.subscribe("story", qos=1)
        assert subscribed.wait(10)
        client.publish("story", payload, qos=1)
        assert arrived.wait(10)
    finally:
        client.disconnect()
        client.loop_stop()
    return received[0]


def test_each_start_begins_with_a_fresh_database_and_leaves_no_process_and_no_folder() -> None:
    for _ in range(2):
        with start(settings=FAST) as services, _connect(services.database_url) as connection:
            assert connection.execute("SELECT to_regclass('reading')").fetchone() == (None,)
            connection.execute("CREATE EXTENSION timescaledb")
            connection.execute("CREATE TABLE reading (at TIMESTAMPTZ NOT NULL, value BIGINT)")
            connection.execute("SELECT create_hypertable('reading', by_range('at'))")
            connection.execute("INSERT INTO reading VALUES ('2026-06-01Z', 1), ('2026-07-01Z', 2)")
            assert connection.execute("SELECT count(*) FROM show_chunks('reading')").fetchone() == (2,)
            assert len(_living(services.instance)) >= 2
        assert _living(services.instance) == []
        assert not services.instance.exists()


def test_the_broker_speaks_mqtt_5_and_passes_a_payload_of_a_megabyte() -> None:
    with start(settings=FAST) as services:
        assert _publish_and_receive(services, b"x" * 1_000_000) == b"x" * 1_000_000


def test_an_instance_of_ones_own_keeps_its_data_over_a_crash_and_a_new_start(open_folder: Path) -> None:
    instance = open_folder / "instance"
    with start(instance) as services:
        with _connect(services.database_url) as connection:
            connection.execute("CREATE TABLE kept (n INT)")
            connection.execute("INSERT INTO kept VALUES (17)")
        services.database.stop(signal.SIGKILL)
        services.database.start()
        with _connect(services.database_url) as connection:
            assert connection.execute("SELECT n FROM kept").fetchone() == (17,)
    with start(instance, fresh=False) as services, _connect(services.database_url) as connection:
        assert connection.execute("SELECT n FROM kept").fetchone() == (17,)
    with start(instance) as services, _connect(services.database_url) as connection:
        assert connection.execute("SELECT to_regclass('kept')").fetchone() == (None,)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_servers_end_with_their_owner_however_it_ends(ending: signal.Signals) -> None:
    command = [sys.executable, "-m", "embedded", "up"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as owner:
        assert owner.stdout
        instance = Path(owner.stdout.readline().split("host=")[1].split("/socket")[0])
        assert owner.stdout.readline().startswith("export YARDSTICK_BROKER_URL='mqtt://127.0.0.1:")
        assert len(_living(instance)) >= 2
        owner.send_signal(ending)
        owner.wait(15)
    _wait_until_none_lives(instance)
    assert instance.exists() == (ending == signal.SIGKILL)
    with start(settings=FAST):
        assert not instance.exists()


def test_a_server_that_outlived_its_owner_is_ended_by_the_next_start_and_others_are_not(open_folder: Path) -> None:
    """Where the kernel's signal did not arrive, e.g. because the owner was killed before it was set."""
    instance = open_folder / "instance"
    with start(instance) as services:
        command, configuration = services.broker.command, instance / "mosquitto.conf"
    stranger_configuration = open_folder / "mosquitto.conf"
    stranger_configuration.write_text(f"listener 0 {open_folder}/stranger\n")
    give(open_folder)
    left, stranger = (
        subprocess.Popen(
            as_server_user([command[0], "-c", c]), cwd=folder, env=server_environment(), stderr=subprocess.DEVNULL
        )
        for c, folder in ((configuration, instance / "broker"), (stranger_configuration, open_folder))
    )
    try:
        with start(instance):
            assert left.wait(1) is not None
        assert stranger.poll() is None
    finally:
        left.kill()
        stranger.kill()
        left.wait()
        stranger.wait()


def test_two_starts_do_not_share_an_instance(open_folder: Path) -> None:
    with start(open_folder / "instance", settings=FAST):
        with pytest.raises(Exception, match="is in use by another start"), start(open_folder / "instance"):
            pass
        with start(settings=FAST) as other, _connect(other.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_socket_whose_path_would_be_too_long_lies_elsewhere_and_is_removed(open_folder: Path) -> None:
    instance = open_folder / ("long" * 30)
    with start(instance, settings=FAST) as services:
        sockets = Path(str(make_url(services.database_url).query["host"]))
        assert instance not in sockets.parents
        with _connect(services.database_url) as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
    assert not sockets.exists()


@pytest.mark.slow
def test_a_damaged_or_half_made_package_folder_is_made_again(
    open_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YARDSTICK_HOME", str(open_folder))
    half = make_open(home() / "packages/.new-of-a-start-that-died")
    (half / "cut-short.deb").write_bytes(b"!<arch>")
    said: list[str] = []

    folder = provide(DRIVER, say=said.append)
    assert not half.exists()
    assert any(line.startswith("Downloaded ") for line in said)

    said.clear()
    assert provide(DRIVER, say=said.append) == folder
    assert said == []

    library = next(folder.rglob("libatomic.so.1.*"))
    whole = library.read_bytes()
    library.write_bytes(whole[:1000])
    assert provide(DRIVER, say=said.append) == folder
    assert said[0] == f"{folder} is damaged; it is fetched again."
    assert library.read_bytes() == whole
    assert (folder / MARKER).exists()


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that the servers' user can reach; pytest's own are closed to others."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="yardstick-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
