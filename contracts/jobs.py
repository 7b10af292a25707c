"""The ticker: says when to look for due work. What is due stands in tables, so that a restart loses nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING, TypeAlias

from apscheduler.schedulers.background import BackgroundScheduler
from sqlalchemy import text

from contracts import worker
from contracts.standing import run as standings
from core.clock import now
from ingest.certificate import run as certificates
from ingest.meter import run as meters
from ingest.retention import run as retention
from ingest.rollup import run as rollups

if TYPE_CHECKING:
    from sqlalchemy import Engine

Clock: TypeAlias = Callable[[], datetime]
LOG = logging.getLogger(__name__)
DAILY = timedelta(days=1)
LOCK_SPACE = 726930
"""First half of the advisory locks of jobs; the second half is the job's number."""
LOCK = text("SELECT pg_try_advisory_lock(:space, :job)")
UNLOCK = text("SELECT pg_advisory_unlock(:space, :job)")


@dataclass(frozen=True, slots=True)
class Job:
    """Recurring work. number: of its lock, never reused; work: returns how much was done."""

    name: str
    number: int
    work: Callable[[Engine, datetime], int]


def closing(workers: int) -> Job:
    """Close periods after their cut-off, many of them in so many processes."""
    return Job("close due periods", 2, lambda engine, at: worker.close_due_periods(engine, at=at, workers=workers))


CLOSING = closing(1)
ROLLING_UP = Job("roll up readings", 8, rollups.roll_up)
SILENCE = Job("look for silent devices", 20, meters.watch)
ENDINGS = Job("look for certificates that end", 21, certificates.watch)


def fitting(columnstore_after: int = 0) -> Job:
    """Once a day, and at the start, fit how much time chunks span and which of them are compressed; see the settings.

    What failed is tried again at the next look.
    """
    fitted: list[datetime] = []

    def work(engine: Engine, at: datetime) -> int:
        if fitted and at - fitted[-1] < DAILY:
            return 0
        _, before, after = retention.fit_chunks(engine, at)
        if notice := retention.fit_columnstore(engine, at, days=columnstore_after).notice:
            LOG.warning(notice)
        fitted[:] = [at]
        return int(before != after)

    return Job("fit chunks of readings", 22, work)


def standing(interval: float, *, most: int = 3000) -> Job:
    """Evaluate running periods whose standing is due and older than about `interval` seconds, at most so many at once.

    What another scheduler has just refreshed is not due again, so that live pages are told once an interval; and the
    work ends before the next look, so that every look begins with those who wait longest.
    """
    age = timedelta(seconds=interval * 0.9)

    def work(engine: Engine, at: datetime) -> int:
        end = now() + age
        return standings.refresh(engine, at=at, older_than=age, most=most, in_time=lambda: now() < end)

    return Job("refresh standing", 1, work)


@contextmanager
def alone(engine: Engine, job: Job) -> Iterator[bool]:
    """Whether nobody else runs this job now; if so, nobody will until the block ends.

    The lock belongs to a session of its own: a killed process loses it with its connection.
    """
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = {"space": LOCK_SPACE, "job": job.number}
        free = bool(connection.execute(LOCK, key).scalar_one())
        try:
            yield free
        finally:
            if free:
                connection.execute(UNLOCK, key)


def tick(engine: Engine, job: Job, clock: Clock) -> int | None:
    """Do what is due of one job. None: somebody else is doing it."""
    with alone(engine, job) as free:
        return job.work(engine, clock()) if free else None


class Ticker:
    """Looks for due work of every job each `interval` seconds, in threads of its own, until stopped.

    workers: how many processes close many periods. ran: told after each look, with the job's name, `done`, `busy`
    (elsewhere) or `failed`, and how long it took.
    """

    def __init__(
        self,
        engine: Engine,
        clock: Clock,
        *,
        interval: float,
        jobs: tuple[Job, ...] | None = None,
        workers: int = 1,
        columnstore_after: int = 0,
        ran: Callable[[str, str, float], None] = lambda *_: None,
    ) -> None:
        self._ran = ran
        self._scheduler = BackgroundScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        )
        usual = (ROLLING_UP, closing(workers), SILENCE, ENDINGS, fitting(columnstore_after), standing(interval))
        for job in jobs or usual:
            self._scheduler.add_job(
                self._tick,
                "interval",
                seconds=interval,
                args=(engine, job, clock),
                id=job.name,
                next_run_time=now(),  # the ticker lives in real time, whatever time the work is told
            )

    def start(self) -> None:
        """Begin ticking; returns at once."""
        self._scheduler.start()

    @property
    def is_running(self) -> bool:
        """Whether it looks for work."""
        return bool(self._scheduler.running)

    def stop(self) -> None:
        """Wait for the work in hand, then stop."""
        self._scheduler.shutdown(wait=True)

    def _tick(self, engine: Engine, job: Job, clock: Clock) -> None:
        """A job that fails is tried again at the next tick: its work is still due."""
        began = monotonic()
        try:
            done = tick(engine, job, clock)
        except Exception:
            LOG.exception("job failed: %s", job.name)
            self._ran(job.name, "failed", monotonic() - began)
            return
        self._ran(job.name, "busy" if done is None else "done", monotonic() - began)
        if done:
            LOG.info("%s: %d", job.name, done)
