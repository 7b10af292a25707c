"""Killed anywhere in a run, or run by two at once: the same numbers and hashes, no gap, nothing twice."""

import json
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import IntegrityError

from billing import chain, worker
from billing import run as billing
from billing.state import NotPossible
from billing.store import invoice as invoices
from billing.store import issuable as issuables
from billing.store import run as runs
from billing.store.run import AlreadyOpen
from core.database import connect, transaction
from core.worker import company
from tests.stories.story import Story
from tests.stories.test_billing import ANNA, BERT, JULY_5, check_chain, fees
from tests.stories.test_consolidated import sharing

pytestmark = pytest.mark.services
SELLER = "Truck Supplier GmbH"
CONTRACTS, KILLS = 24, 20
TOGETHER = ("C-F01", "C-F07", "C-F08", "C-F24")
DOCUMENTS = CONTRACTS - len(TOGETHER) + 1
FORK = multiprocessing.get_context("fork")


PATIENCE = 0.22


@pytest.fixture
def story(engine: Engine) -> Story:
    told = Story(engine)
    told.set_up()
    return told


def work(database: str, run: str) -> None:
    """What is left of a run, one contract in each transaction."""
    engine = connect(database, role="yardstick_worker")
    state = billing.summary(engine, run).run.state
    if state == "created":
        billing.collect(engine, run, at=JULY_5, by=ANNA)
    if state in {"created", "collecting"}:
        billing.calculate(engine, run, at=JULY_5, by=ANNA, most=1, workers=2)
    if state in {"created", "collecting", "in_review"}:
        billing.approve(engine, run, at=JULY_5, by=BERT)
    billing.issue(engine, run, at=JULY_5, by=BERT, most=1, workers=2)


def killed(database: str, run: str, seconds: float) -> bool:
    """Work for so long, then die, a worker first; or end in order before."""
    process = FORK.Process(target=work, args=(database, run))
    process.start()
    process.join(seconds * 0.7)
    kill_workers(process.pid)
    process.join(seconds * 0.3)
    process.kill()
    process.join()
    return process.exitcode != 0


def kill_workers(pid: int | None) -> int:
    """Kill the processes that one has started. Returns how many there were."""
    try:
        found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for child in found:
            os.kill(int(child), signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return len(found)


def issued(story: Story, run: str) -> dict[str, tuple[Any, ...]]:
    rows = story.rows("""
        SELECT i.document ->> 'contract', i.number, i.content_hash, i.net, i.gross
        FROM billing.invoice AS i JOIN billing.run AS r ON r.id = i.run WHERE r.public_id = :run
    """, run=run)  # fmt: skip
    return {row[0]: tuple(row[1:]) for row in rows}


@pytest.mark.slow
@pytest.mark.timeout(300)  # on a busy machine a run gets nowhere before it is killed
def test_killed_at_twenty_random_points_a_run_ends_as_if_nothing_had_been(story: Story, database: str) -> None:
    sharing(story, f"{{pool: [{', '.join(TOGETHER)}]}}")
    fees(story, CONTRACTS)
    chance = random.Random(6)  # noqa: S311 - where to kill
    kills, points, count = 0, set(), 0
    for label in ("2026-01", "2026-02", "2026-03", "2026-04", "2026-05", "2026-06"):
        reference = billing.summary(story.engine, story.bill(SELLER, label, JULY_5).run.public_id)
        billing.cancel(story.engine, reference.run.public_id, at=JULY_5, by=ANNA)
        run = billing.create(story.engine, entity=SELLER, label=label, at=JULY_5, by=ANNA)
        patience = PATIENCE
        while killed(database, run, chance.uniform(0.03, patience)):
            done = billing.summary(story.engine, run).run
            point = ((label, done.state, story.rows("SELECT count(*) FROM billing.invoice")[0][0],
                        story.rows("SELECT count(*) FROM billing.draft WHERE state <> 'collected'")[0][0]))  # fmt: skip
            patience = patience * 1.2 if point in points else PATIENCE  # a busy machine gets nowhere in a short time
            points.add(point)
            kills += 1
        again = billing.summary(story.engine, run)
        assert (again.run.state, again.run.hash) == ("issued", reference.run.hash)
        seen = [billing.preview(story.engine, reference.run.public_id, d["contract_name"]) for d in reference.drafts]
        assert {name: row[1] for name, row in issued(story, run).items()} == {
            document["contract"]: chain.content_hash(document) for document in seen if document is not None
        }
        count += DOCUMENTS
        assert sorted(row[0] for row in issued(story, run).values()) == [
            f"TS-2026-{n:05}" for n in range(count - DOCUMENTS + 1, count + 1)
        ]
        if kills >= KILLS:
            break
    assert kills >= KILLS
    assert {point[1] for point in points} >= {"collecting", "issuing"}, sorted(points)
    check_chain(story, count)
    pairs = billing.reconcile(story.engine, run)
    assert all(pair.agrees for pair in pairs)


def test_a_worker_that_is_killed_leaves_its_contracts_to_the_others(story: Story, database: str) -> None:
    fees(story, CONTRACTS)
    reference = story.bill(SELLER, "2026-01", JULY_5).run
    billing.collect(story.engine, reference.public_id, at=JULY_5, by=ANNA)
    process, kills = FORK.Process(target=calculate, args=(database, reference.public_id)), 0
    process.start()
    while process.is_alive() and not kills:
        kills = kill_workers(process.pid)
    process.join(20)
    again = billing.summary(story.engine, reference.public_id)
    assert (kills, process.exitcode) == (1, 0)
    assert (again.run.state, again.run.revision, again.run.hash) == ("in_review", 2, reference.hash)


def test_numbers_are_the_same_whoever_issues(story: Story, database: str) -> None:
    sharing(story, f"{{pool: [{', '.join(TOGETHER)}]}}")
    fees(story, CONTRACTS)
    given: list[dict[str, int]] = []
    for label, workers, kill in (("2026-01", 1, False), ("2026-02", 2, False), ("2026-03", 2, True)):
        run = story.bill(SELLER, label, JULY_5).run.public_id
        billing.approve(story.engine, run, at=JULY_5, by=BERT)
        process, kills = FORK.Process(target=issue, args=(database, run, workers)), 0
        process.start()
        while kill and process.is_alive() and not kills:
            kills = kill_workers(process.pid)
        process.join(20)
        assert (kills, process.exitcode) == (int(kill), 0)
        given.append({name: int(row[0].rpartition("-")[2]) for name, row in issued(story, run).items()})
    one, two, without = given
    assert two == {name: n + DOCUMENTS for name, n in one.items()}
    assert without == {name: n + 2 * DOCUMENTS for name, n in one.items()}
    assert [name for name, _ in sorted(one.items(), key=lambda item: item[1])][-1] == ", ".join(TOGETHER)
    check_chain(story, 3 * DOCUMENTS)


def test_drafts_that_somebody_has_in_hand_are_left_to_them(story: Story) -> None:
    fees(story, 6)
    run = begun(story, "2026-01")
    with transaction(story.engine) as connection:
        found = runs.read(connection, run)
        *_, last = issuables.chunks(connection, found, 2)
        assert len(issuables.take(connection, found, last)) == 2
        assert worker.issue(story.engine, run, at=JULY_5, by=BERT, most=2) == 4
        connection.rollback()
    assert billing.issue(story.engine, run, at=JULY_5, by=BERT, most=2) == 2
    check_chain(story, 6)


def begun(story: Story, label: str) -> str:
    """A run of which nothing is issued yet, and issuing has begun."""
    run = story.bill(SELLER, label, JULY_5).run.public_id
    billing.approve(story.engine, run, at=JULY_5, by=BERT)
    with transaction(story.engine) as connection:
        found = runs.read(connection, run, lock="update")
        runs.begin_issue(connection, found, state="issuing", day=JULY_5.date())
    return run


def laid_down_meanwhile(story: Story, run: str, change: Callable[[Connection], object]) -> int:
    """How many are issued where something else commits after the first four were laid down, or stop at it."""
    with ThreadPoolExecutor(1) as pool:
        with transaction(story.engine) as connection:
            change(connection)
            issuing = pool.submit(worker.issue, story.engine, run, at=JULY_5, by=BERT, most=4)
            while not story.rows("SELECT pid FROM pg_locks WHERE NOT granted"):
                assert not issuing.done()
                time.sleep(0.005)
        return issuing.result()


def test_what_was_laid_down_for_an_earlier_day_is_laid_down_anew(story: Story) -> None:
    fees(story, 6)
    run, day = begun(story, "2026-06"), date(2026, 7, 7)

    def later(connection: Connection) -> None:
        entity = runs.read(connection, run).entity
        series = invoices.lock_series(connection, entity=entity, kind="invoice", year=2026)
        invoices.advance(connection, series, issued=0, day=day, chain_hash="")

    assert laid_down_meanwhile(story, run, later) == 6
    assert billing.issue(story.engine, run, at=JULY_5, by=BERT) == 0
    check_chain(story, 6)
    # Of each a fee against revenue, and its tax: two transfers.
    rows = "SELECT count(*), min(posted_on), max(posted_on) FROM billing.transfer"
    assert tuple(story.rows(rows)[0]) == (12, day, day)
    assert {document["issue"]["issue_date"] for document in story.invoices()} == {"2026-07-07"}


def test_a_period_that_is_invoiced_while_it_is_laid_down_is_set_aside(story: Story) -> None:
    fees(story, 6)
    story.issue(story.bill(SELLER, "2026-05", JULY_5).run.public_id, JULY_5)
    run = begun(story, "2026-06")
    elsewhere = """
        INSERT INTO billing.invoice_part (invoice, n, contract, label, bills, revision, evaluation, net)
        SELECT p.invoice, 2, c.id, '2026-06', true, 1, p.evaluation, 0
        FROM billing.invoice_part AS p, contracts.contract AS c WHERE c.name = 'C-F02' AND p.contract <> c.id LIMIT 1
    """
    assert laid_down_meanwhile(story, run, lambda connection: connection.exec_driver_sql(elsewhere)) == 5
    (left,) = (d for d in billing.summary(story.engine, run).drafts if d["state"] != "issued")
    assert (left["contract_name"], left["state"], left["reason"]) == (
        "C-F02", "failed", "period 2026-06 was invoiced by another run",
    )  # fmt: skip
    check_chain(story, 11)


def test_what_is_laid_down_without_its_document_is_refused(story: Story) -> None:
    fees(story, 1)
    story.issue(story.bill(SELLER, "2026-06", JULY_5).run.public_id, JULY_5)
    for table, change, what in (
        ("line", {"invoice": 999}, "a line of part 1 of document 999 is refused"),
        ("line", {"part": 2, "n": 2}, "a line of part 2 of document [0-9]+ is refused"),
        ("tax_total", {"invoice": 999}, "a row of tax_total is refused: document 999 has no part"),
        ("transfer", {"invoice": 999, "n": 99}, "a row of transfer is refused: document 999 has no part"),
        ("invoice_part", {"invoice": 999, "bills": False}, "invoice_part_invoice_fkey"),
    ):
        statement = f"""
            INSERT INTO billing.{table} SELECT (jsonb_populate_record(r, '{json.dumps(change)}')).*
            FROM billing.{table} AS r LIMIT 1
        """  # noqa: S608 - only constants
        with pytest.raises(IntegrityError, match=what), transaction(story.engine) as connection:
            connection.exec_driver_sql(statement)


def test_beside_threads_a_new_process_takes_part(story: Story) -> None:
    fees(story, 3)
    run = billing.create(story.engine, entity=SELLER, label="2026-01", at=JULY_5, by=ANNA)
    billing.collect(story.engine, run, at=JULY_5, by=ANNA)

    def others() -> list[int]:
        with company(story.engine, 1, worker.take_part, (run, JULY_5, 1)) as told:
            pass
        return told

    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(others).result() == [3]
    assert billing.calculate(story.engine, run, at=JULY_5, by=ANNA).run.state == "in_review"


def test_a_process_that_fails_says_nothing_and_is_named(story: Story, caplog: pytest.LogCaptureFixture) -> None:
    with company(story.engine, 1, worker.take_part, ("run_none", JULY_5, 1)) as told:
        pass
    assert told == []
    assert "failed with exit code 1; what it had begun is undone and done again here" in caplog.text


def calculate(database: str, run: str) -> None:
    billing.calculate(connect(database, role="yardstick_worker"), run, at=JULY_5, by=ANNA, most=1, workers=2)


def issue(database: str, run: str, workers: int) -> None:
    billing.issue(connect(database, role="yardstick_worker"), run, at=JULY_5, by=BERT, most=2, workers=workers)


def test_of_two_approvers_one_approves(story: Story) -> None:
    fees(story, 2)
    run = story.bill(SELLER, "2026-06", JULY_5).run.public_id

    def approve(by: str) -> str:
        try:
            billing.approve(story.engine, run, at=JULY_5, by=by)
        except NotPossible:
            return "late"
        return by

    with ThreadPoolExecutor(2) as pool:
        said = set(pool.map(approve, [BERT, "person:carl"]))
    assert said - {"late"} == {billing.summary(story.engine, run).run.approved_by}
    assert "late" in said


def test_of_two_runs_for_a_period_one_is_created(story: Story) -> None:
    fees(story, 2)

    def bill(_: int) -> str:
        try:
            return story.bill(SELLER, "2026-06", datetime(2026, 7, 5, 10, tzinfo=UTC)).run.public_id
        except AlreadyOpen:
            return "late"

    with ThreadPoolExecutor(2) as pool:
        said = list(pool.map(bill, range(2)))
    assert said.count("late") == 1
