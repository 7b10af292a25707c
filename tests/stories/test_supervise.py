"""Several ingesters under one supervisor."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from api.commands.supervise import nth
from tests.stories.ingesting import PROGRAM, count, declare, ending, eventually, packs, publish

pytestmark = pytest.mark.services


def children(of: int) -> list[int]:
    """Processes that this one started."""
    return [int(n) for n in Path(f"/proc/{of}/task/{of}/children").read_text().split()]


def test_each_process_is_watched_at_a_port_of_its_own() -> None:
    assert [nth("127.0.0.1:9464", n) for n in (1, 2, 3)] == ["127.0.0.1:9464", "127.0.0.1:9465", "127.0.0.1:9466"]
    assert (nth(":9464", 2), nth("", 2)) == (":9465", "")


def test_one_that_dies_is_started_again_and_all_end_with_the_supervisor(
    engine: Engine, broker: str, unique: str, environment: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    named = environment | {"YARDSTICK_INGEST_CLIENT": f"in-{unique}", "YARDSTICK_INGEST_GROUP": unique}
    names = [f"dev{n}-{unique}" for n in range(4)]
    declare(engine, names)
    with log.open("wb") as said:
        supervisor = subprocess.Popen([sys.executable, "-c", PROGRAM, "--processes", "2"], env=named, stderr=said)
    try:
        eventually(lambda: log.read_bytes().count(b"Subscribed") == 2)
        first, second = children(supervisor.pid)
        os.kill(first, signal.SIGKILL)
        eventually(lambda: log.read_bytes().count(b"Subscribed") == 3)
        assert b"ended with -9; it is started again" in log.read_bytes()
        assert first not in children(supervisor.pid)
        assert second in children(supervisor.pid)
        publish(broker, packs(names, 100, per_pack=10), client_id=unique)
        eventually(lambda: count(engine, "ingest.reading") == 400)
        running = children(supervisor.pid)
    finally:
        supervisor.send_signal(signal.SIGTERM)
        assert supervisor.wait(30) == 0
    assert not [pid for pid in running if Path(f"/proc/{pid}").exists()]
    assert ending(engine).stored == 400
