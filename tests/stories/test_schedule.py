"""The ticker: one of many does a job at a time, and a restart goes on with what is due."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from contracts.jobs import CLOSING, Job, Ticker, alone, fitting, standing, tick
from core.database import connect
from ingest.store import retention
from tests.stories.story import Story, case, local

pytestmark = pytest.mark.services
SCHEDULE = [sys.executable, "-c", "from api.commands.schedule import app; app()", "--interval", "1"]


@pytest.fixture
def other_engine(database: str) -> Iterator[Engine]:
    engine = connect(database, role="yardstick_worker")
    yield engine
    engine.dispose()


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for it."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.05)


def test_a_job_that_somebody_runs_is_left_alone(engine: Engine, other_engine: Engine) -> None:
    clock = lambda: local("2026-06-10")  # noqa: E731
    with (
        alone(engine, CLOSING) as first,
        alone(other_engine, CLOSING) as second,
        alone(other_engine, standing(1)) as other,
    ):
        assert (first, second, other) == (True, False, True)
        assert tick(other_engine, CLOSING, clock) is None
    assert tick(other_engine, CLOSING, clock) == 0


def test_two_schedulers_never_run_one_job_at_once(engine: Engine, other_engine: Engine) -> None:
    running, overlaps, runs = threading.Semaphore(1), list[int](), dict[int, int]()

    def work(of: Engine, _: datetime) -> int:
        if not running.acquire(blocking=False):
            overlaps.append(1)
            return 0
        runs[id(of)] = runs.get(id(of), 0) + 1
        time.sleep(0.03)
        running.release()
        return 1

    job = Job("probe", 99, work)
    tickers = [Ticker(e, lambda: local("2026-06-10"), interval=0.05, jobs=(job,)) for e in (engine, other_engine)]
    for ticker in tickers:
        ticker.start()
    until(lambda: sum(runs.values()) >= 30)
    for ticker in tickers:
        ticker.stop()
    assert not overlaps
    assert len(runs) == 2, "both had their turns"


def test_a_job_that_fails_is_tried_again(engine: Engine) -> None:
    tries = list[int]()

    def work(_: Engine, __: datetime) -> int:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("the first time it fails")
        return 1

    ticker = Ticker(engine, lambda: local("2026-06-10"), interval=0.05, jobs=(Job("probe", 98, work),))
    ticker.start()
    until(lambda: len(tries) >= 3)
    ticker.stop()


def test_chunks_are_fitted_to_what_comes_once_a_day(engine: Engine) -> None:
    story, noon = Story(engine), local("2026-06-10 12:00")

    def stored(day: int, readings: int) -> None:
        story.rows(
            """INSERT INTO ingest.batch (known, at, client, messages, received, stored, duplicate, quarantined)
            VALUES (core.draw_knowledge(), :at, 'test', 1, :n, :n, 0, 0) RETURNING 1""",
            at=noon + timedelta(days=day, hours=-1), n=readings,
        )  # fmt: skip

    def spans() -> timedelta:
        with engine.connect() as connection:
            return retention.chunk_interval(connection)

    def look(job: Job, days: float) -> tuple[int | None, int]:
        return tick(engine, job, lambda: noon + timedelta(days=days)), spans().days

    job = fitting()
    assert look(job, 0) == (0, 7)
    stored(0, 400_000_000)  # 57 million a day over the week
    assert look(job, 0.5) == (0, 7), "it looked half a day ago"
    assert look(job, 1) == (1, 1)
    stored(2, 300_000_000)
    assert look(fitting(), 2) == (0, 1), "another that starts looks at once, and finds nothing to do"
    assert look(job, 9) == (1, 7)
    entries = story.rows("SELECT actor, detail->>'after' FROM core.audit WHERE action = 'reading.chunk' ORDER BY id")
    assert [tuple(row) for row in entries] == [("schedule", "1 day, 0:00:00"), ("schedule", "7 days, 0:00:00")]


def test_a_fit_that_failed_is_tried_at_the_next_look(engine: Engine, admin_engine: Engine) -> None:
    job, noon = fitting(), local("2026-06-10 12:00")
    with admin_engine.begin() as connection:
        connection.execute(text("REVOKE SELECT ON ingest.batch FROM yardstick_worker"))
    with pytest.raises(ProgrammingError, match="permission denied"):
        tick(engine, job, lambda: noon)
    with admin_engine.begin() as connection:
        connection.execute(text("GRANT SELECT ON ingest.batch TO yardstick_worker"))
    assert tick(engine, job, lambda: noon) == 0


def test_a_scheduler_is_watched(environment: dict[str, str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"

    def answer(path: str) -> str:
        try:
            return httpx.get(f"http://{address}/{path}").text
        except httpx.ConnectError:
            return ""

    with subprocess.Popen(SCHEDULE, env=environment | {"YARDSTICK_SCHEDULE_HTTP": address}) as program:
        try:
            until(lambda: 'yardstick_job_runs_total{job="refresh standing",outcome="done"}' in answer("metrics"))
            assert "yardstick_contracts_failing 0.0" in answer("metrics")
            assert answer("healthz") == answer("readyz") == '{"status": "ok"}'
            last = f'yardstick_job_last_success_timestamp_seconds{{job="{CLOSING.name}"}} '
            until(lambda: last in answer("metrics"))
            assert abs(float(answer("metrics").partition(last)[2].split()[0]) - time.time()) < 30
        finally:
            program.terminate()


def test_a_killed_scheduler_is_replaced_and_the_next_goes_on(engine: Engine, environment: dict[str, str]) -> None:
    story = Story(engine)
    names = [f"T{n}" for n in range(1, 41)]
    story.assets(*names)
    texts = [case("w04-uptime")[0].replace("C-04", f"C-{name}").replace("T1", name) for name in names]
    story.contract(*texts)
    due = "SELECT count(*) FROM contracts.period WHERE cutoff_at <= now()"
    closed = "SELECT count(*) FROM contracts.period WHERE closed_at IS NOT NULL"
    first = subprocess.Popen(SCHEDULE, env=environment)
    until(lambda: story.rows(closed)[0][0] > 0)
    first.kill()
    first.wait()
    second = subprocess.Popen(SCHEDULE, env=environment)
    until(lambda: 0 < story.rows(due)[0][0] == story.rows(closed)[0][0], seconds=60)
    until(lambda: story.rows("SELECT count(*) FROM contracts.standing")[0][0] == len(names))
    second.send_signal(signal.SIGTERM)
    assert second.wait(timeout=20) == 0
    assert (
        story.rows(
            "SELECT count(*) FROM (SELECT period FROM contracts.evaluation GROUP BY 1 HAVING count(*) > 1) AS x"
        )[0][0]
        == 0
    )
    assert datetime.now(UTC) > local("2026-01-01")
    assert os.environ.get("YARDSTICK_DATABASE_URL") != environment["YARDSTICK_DATABASE_URL"]
