"""The demonstration under fire: its ingester is killed again and again, and the bill is still the truth."""

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from rich.progress import Progress
from sqlalchemy import Engine, text

from api.demo import main_job
from api.demo.children import Children
from api.demo.main_job import Stage
from api.demo.prepare import prepare
from api.demo.summary import billed_months, compare
from contracts import run as agreements
from core import clock
from simulators.run import Upload, upload_history
from simulators.scenario import Scenario, demo
from simulators.truck import Truck

KILLS = 5
QUIET = 5
PATIENCE = 120
pytestmark = [pytest.mark.services, pytest.mark.slow]


def test_killing_the_ingester_in_the_middle_of_the_demo_loses_and_doubles_nothing(
    engine: Engine, broker: str, environment: dict[str, str], tmp_path: Path
) -> None:
    scenario = demo(clock.now())
    prepare(engine, scenario, at=clock.now())
    with Children(tmp_path, environment) as children:
        start_ingester(children, run=0)
        killed_at = []
        with ThreadPoolExecutor(1) as meanwhile:
            uploading = meanwhile.submit(upload_history, scenario, broker)
            for run in range(1, KILLS + 1):
                await_stored(engine, run * scenario.readings() // (KILLS + 1))
                children.kill(f"ingest-{run - 1}")
                killed_at.append(stored(engine))
                start_ingester(children, run)
            upload = uploading.result()
        await_quiet(engine)

        assert killed_at == sorted(killed_at)
        assert killed_at[-1] < scenario.readings(), "it was killed too late to be in the middle"
        assert stored(engine) == scenario.readings()
        assert quarantined(engine) == injected(upload)

        agreements.close_due_periods(engine, at=clock.now())
        stage = Stage(engine, scenario, children, broker, Progress(disable=True))
        invoices = main_job.bill(stage, main_job.close(stage))
        rows = compare(scenario, invoices)
    assert len(rows) == 52
    assert [row for row in rows if row.difference] == []
    # The months add up to what they make together: what the odometer shows at its end less what it showed at its start.
    months = billed_months(scenario, invoices)
    start, end = months[0][0], months[-1][1]
    driven = {row.asset: row.billed * 1000 for row in rows if row.unit == "km"}
    assert driven == {asset: odometer(scenario, asset, end) - odometer(scenario, asset, start) for asset in driven}


def odometer(scenario: Scenario, asset: str, at: datetime) -> int:
    truck = scenario.device(asset)
    assert isinstance(truck, Truck)
    return truck.odometer_at(at)


def start_ingester(children: Children, run: int) -> None:
    children.start(f"ingest-{run}", "ingest")
    children.await_log(f"ingest-{run}", "Subscribed")


def await_stored(engine: Engine, least: int) -> None:
    since = time.monotonic()
    while stored(engine) < least:
        assert time.monotonic() - since < PATIENCE, f"fewer than {least} readings came in {PATIENCE} s"
        time.sleep(0.1)


def await_quiet(engine: Engine) -> None:
    """Wait until nothing has arrived for so long that nothing more will."""
    before, since = received(engine), time.monotonic()
    while time.monotonic() - since < QUIET:
        time.sleep(0.2)
        if (now := received(engine)) != before:
            before, since = now, time.monotonic()


def injected(upload: Upload) -> int:
    """Everything sent on purpose that must not be stored."""
    items: Counter[str] = Counter()
    for fault in upload.injected:
        items[fault.kind] += fault.items
    return items.total() - items["duplicate"]


def received(engine: Engine) -> int:
    return count(engine, "SELECT coalesce(sum(received), 0) FROM ingest.batch")


def stored(engine: Engine) -> int:
    return count(engine, "SELECT count(*) FROM ingest.reading")


def quarantined(engine: Engine) -> int:
    return count(engine, "SELECT count(*) FROM ingest.quarantine")


def count(engine: Engine, question: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(question)).scalar_one())
