"""The main job of the demonstration: readings over MQTT, periods closed on schedule, invoices issued."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from time import monotonic, sleep
from typing import Any

from rich.progress import Progress
from sqlalchemy import Engine

from api.demo.children import Children
from api.demo.prepare import SELLER
from billing import run as billing
from billing.store import view as invoices
from contracts.store import view as contracts
from contracts.store.view import PeriodView
from core import clock
from core.database import transaction
from ingest.store import view as ingest
from ingest.store.view import IngestTotal
from simulators.run import Upload, upload_history
from simulators.scenario import Scenario

PREPARER, APPROVER = "person:anna", "person:bela"
SINCE_EVER = datetime(2000, 1, 1, tzinfo=UTC)
SLOWEST = 300
"""Seconds after which a phase has failed."""


class DemoStuck(RuntimeError):
    """A phase of the demonstration did not end in time."""


@dataclass(frozen=True)
class Stage:
    """What the phases work with."""

    engine: Engine
    scenario: Scenario
    children: Children
    broker_url: str
    progress: Progress


def take_in(stage: Stage) -> tuple[Upload, IngestTotal]:
    """Upload the past and wait until every item has arrived. Returns what was sent and what became of it."""
    progress = stage.progress
    sent = progress.add_task("readings sent", total=None)
    upload = upload_history(
        stage.scenario, stage.broker_url, progress=lambda _, readings: progress.update(sent, completed=readings)
    )
    progress.update(sent, total=upload.readings, completed=upload.readings)
    stored = progress.add_task("readings taken in", total=upload.readings)

    def arrived() -> bool:
        total = _total(stage.engine)
        progress.update(stored, completed=total.received)
        return total.received >= upload.readings

    _wait(stage, arrived, "taking in the readings")
    return upload, _total(stage.engine)


def close(stage: Stage) -> list[str]:
    """Wait until the scheduler has closed every period whose cut-off has passed. Returns their labels, in order."""
    at = clock.now()
    task = stage.progress.add_task("periods closed on schedule", total=None)

    def closed() -> bool:
        due = [period for period in _periods(stage.engine) if period.cutoff_at <= at]
        done = sum(period.closed_at is not None for period in due)
        stage.progress.update(task, total=len(due), completed=done)
        return bool(due) and done == len(due)

    _wait(stage, closed, "closing periods")
    return sorted({period.label for period in _periods(stage.engine) if period.closed_at})


def bill(stage: Stage, labels: Sequence[str]) -> list[dict[str, Any]]:
    """One run a month, prepared by one person and approved by another. Returns the documents of the invoices."""
    task = stage.progress.add_task("billing runs", total=len(labels))
    for label in labels:
        run = billing.bill_period(stage.engine, entity=SELLER, label=label, at=clock.now(), by=PREPARER).run
        billing.approve(stage.engine, run.public_id, at=clock.now(), by=APPROVER, hash=run.hash)
        billing.issue(stage.engine, run.public_id, at=clock.now(), by=PREPARER)
        stage.progress.advance(task)
    with transaction(stage.engine) as connection:
        listed = reversed(invoices.invoices(connection, most=10_000))
        whole = [invoices.invoice(connection, each.public_id) for each in listed]
    return [invoice.document for invoice in whole if invoice]


def _periods(engine: Engine) -> list[PeriodView]:
    with transaction(engine) as connection:
        return [
            period
            for contract in contracts.contracts(connection)
            for period in contracts.periods(connection, contract.id)
        ]


def _total(engine: Engine) -> IngestTotal:
    with transaction(engine) as connection:
        return ingest.ingest_total(connection, since=SINCE_EVER)


def _wait(stage: Stage, done: Callable[[], bool], what: str) -> None:
    deadline = monotonic() + SLOWEST
    while not done():
        stage.children.check()
        if monotonic() > deadline:
            raise DemoStuck(f"{what} did not end within {SLOWEST} s; see the logs in {stage.children.folder}")
        sleep(0.2)
