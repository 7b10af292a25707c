"""Worked cases through the database: contract imported, facts recorded, devices heard; the same hash as from files."""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from contracts import check, engine, run
from contracts.document import Agreement, Version, read_agreement
from contracts.evaluation import Evaluation
from contracts.facts_document import FactsDocument, facts_for, lists_for, read_facts
from contracts.facts_model import Example, FactLists, ReadingFact
from contracts.stated.run import By, state
from contracts.store.reporting import Taken
from contracts.text import read
from contracts.words import Context
from core.database import transaction
from core.time import Period, instant, micros
from core.units import Quantity
from ingest import catalogue
from ingest import run as ingesting
from ingest.batch import Arrival, Batch, examine
from ingest.store.register import snapshot
from tests.stories.story import CASES, SIGNED, Story

pytestmark = pytest.mark.services
NOW = datetime(2030, 1, 1, tzinfo=UTC)
# What cannot go through the database, by file and example, and why.
CANNOT: Mapping[tuple[str, str], str] = {}
KIND = {"counter_delta": "counter", "state_time": "state"}


@dataclass(frozen=True)
class Case:
    """One example of a case file: its versions as changed by it, and the facts file that it stands in."""

    file: str
    example: Example
    versions: tuple[Version, ...]
    document: FactsDocument

    @property
    def lists(self) -> FactLists:
        first = self.versions[0]
        return lists_for(self.document, self.example, Context(first.zone, first.currency))

    @property
    def period(self) -> Period:
        first = self.versions[0]
        return Period.parse(self.example.period, first.zone, anchor_day=first.billing.anchor_day)

    def __str__(self) -> str:
        return f"{self.file}: {self.example.name}"


def cases() -> Iterator[Case]:
    for path in sorted(CASES.glob("*.yaml")):
        if not path.name.endswith(".facts.yaml"):
            agreement = read_agreement(path.read_bytes())
            assert isinstance(agreement, Agreement)
            yield from cases_of(path, agreement)


def cases_of(path: Path, agreement: Agreement) -> Iterator[Case]:
    beside = path.with_name(path.name.replace(".contract.", ".facts."))
    for source in agreement.facts if beside == path else read(beside.read_bytes())[0]:
        document = read_facts(source, agreement.versions)
        assert isinstance(document, FactsDocument)
        for example in document.file.examples:
            versions = check._versions(agreement.versions, example)
            known = [v for v in versions if example.as_of is None or v.recorded_at <= example.as_of]
            yield Case(path.name.split(".")[0], example, tuple(known), document)


def from_files(case: Case, knowledge: str) -> Evaluation:
    """As `contract evaluate` does it, under the name that the database has for what is known. What was invoiced is left
    out: differences to it are made by billing."""
    versions, asked = case.versions, case.period
    facts = facts_for(case.lists, engine.needs(versions, asked, asked.span.end), versions, as_of=case.example.as_of)
    wanted = engine.needs(versions, asked, asked.span.end, facts)
    facts = facts_for(case.lists, wanted, versions, as_of=case.example.as_of)
    return engine.evaluate(versions, replace(facts, knowledge=knowledge, invoiced=()), asked, asked.span.end)


def from_database(case: Case, story: Story) -> Evaluation:
    """Everything by the doors that people and devices use."""
    declare(case, story)
    story.contract("\n---\n".join(json.dumps(version.canonical) for version in case.versions))
    deliver(case, story)
    stated(case, story)
    run.extend_periods(story.engine, at=case.period.span.end)
    return run.evaluate_period(story.engine, case.versions[0].contract, case.example.period, at=NOW).evaluation


def stated(case: Case, story: Story) -> None:
    """The lists of the facts file as written; only what was known by the example's time."""
    raw: dict[str, Any] = deepcopy({**case.document.file.facts, **case.example.facts})
    raw.pop("invoiced", None)
    file = {"schema": "facts/1", "contract": case.versions[0].contract, "facts": raw}
    by = By("person:anna", "the worked case", SIGNED)
    given = {"counts_from": case.period.span.start, "as_of": case.example.as_of}
    taken = state(story.engine, file, by, **given)  # type: ignore[arg-type]
    assert isinstance(taken, Taken), [str(problem) for problem in taken]


def declare(case: Case, story: Story) -> None:
    """An asset card for each covered asset, and every device of which there are readings."""
    covered = sorted({item.asset for version in case.versions for item in version.coverage})
    registers = [{"register": "card", "kind": "gauge", "unit": "event"}]
    cards = [{"device": f"{a}-card", "asset": a, "position": "card", "registers": registers} for a in covered]
    read_at = [device(case, asset, name) for asset, name in sorted(devices(case))]
    file = {"devices": cards + [one for one, _ in read_at], "bindings": [bound for _, bound in read_at]}
    found = catalogue.read(json.dumps(file))
    assert isinstance(found, catalogue.Catalogue), found
    ingesting.declare(story.engine, found, SIGNED, author="person:test")


def devices(case: Case) -> set[tuple[str, str]]:
    lists = case.lists
    exchanged = {(e.asset, name) for e in lists.exchanges for name in (e.old_device, e.new_device)}
    return {(reading.asset, reading.device) for reading in lists.readings} | exchanged


def device(case: Case, asset: str, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A device with the registers that it was read at, and from when to when it served."""
    lists = case.lists
    paths = {r.path for r in lists.readings if (r.asset, r.device) == (asset, name)}
    removed = [e for e in lists.exchanges if (e.asset, e.old_device) == (asset, name)]
    fitted = [e for e in lists.exchanges if (e.asset, e.new_device) == (asset, name)]
    paths |= {e.path for e in [*removed, *fitted]}
    (position,) = {path.partition("/")[0] for path in paths}
    made: dict[str, Any] = {"device": name, "registers": [register(case, path) for path in sorted(paths)]}
    bound: dict[str, Any] = {"device": name, "asset": asset, "position": position}
    for e in removed:
        bound |= {"to": f"{instant(e.at):%Y-%m-%dT%H:%M:%SZ}", "closing": {tail(e.path): str(e.end_value)}}
    for e in fitted:
        bound |= {"from": f"{instant(e.at):%Y-%m-%dT%H:%M:%SZ}", "opening": {tail(e.path): str(e.start_value)}}
    return made, bound


def register(case: Case, path: str) -> dict[str, str]:
    measure = next(m for v in case.versions for m in v.measures if m.register_path == path)
    kind = KIND.get(measure.kind, "gauge")
    return {"register": tail(path), "kind": kind} | ({} if kind == "state" else {"unit": str(measure.unit)})


def tail(path: str) -> str:
    return path.partition("/")[2]


def deliver(case: Case, story: Story) -> None:
    """Readings through the door, each device in one message."""
    for asset, name in sorted(devices(case)):
        mine = [r for r in case.lists.readings if (r.asset, r.device) == (asset, name) and known(r, case)]
        if mine:
            received = instant(max(r.at for r in mine)) + timedelta(minutes=1)
            payload = {"v": 1, "boot": "a", "seq": 1, "readings": [item(r) for r in mine]}
            send(story.engine, name, json.dumps(payload).encode(), received)


def known(reading: ReadingFact, case: Case) -> bool:
    limit = case.example.as_of
    return limit is None or reading.recorded_at is None or reading.recorded_at <= limit


def item(reading: ReadingFact) -> dict[str, str]:
    at = f"{instant(reading.at):%Y-%m-%dT%H:%M:%S.%fZ}"
    if isinstance(reading.value, Quantity):
        value, unit = f"{reading.value.magnitude:f}", reading.value.unit
        return {"register": tail(reading.path), "at": at, "value": value, "unit": unit}
    return {"register": tail(reading.path), "at": at, "value": reading.value}


def send(of: Engine, name: str, payload: bytes, received: datetime) -> None:
    with transaction(of) as connection:
        registry = snapshot(connection, received)
    arrival = Arrival(1, 1, 1, f"yardstick/{name}/readings".encode(), payload, micros(received))
    batch = Batch()
    batch.add(arrival, examine(arrival, registry))
    assert not batch.refused, batch.refused
    ingesting.write(of, batch, received, client="test")


@pytest.mark.parametrize("case", list(cases()), ids=str)
def test_the_database_gives_the_same_hash_as_the_files(case: Case, engine: Engine) -> None:
    if (case.file, case.example.name) in CANNOT:
        pytest.skip(CANNOT[case.file, case.example.name])
    found = from_database(case, Story(engine))
    expected = from_files(case, found.knowledge)
    assert found.to_json() == expected.to_json()
    assert found.result_hash == expected.result_hash
