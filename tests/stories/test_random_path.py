"""Random contracts and facts through the whole path: what all documents bill for a period is what the pure engine says.

Four months of many contracts in one database. In each run some readings, cases, decisions and index values of earlier
months have just become known, so that the bills of those months are corrected. The oracle evaluates every month anew
from the facts files as of each run, month after month, and never sees a database. `RANDOM_PATHS=2,3,4` and
`RANDOM_CONTRACTS=40` ask for other and for more contracts.
"""

import json
import os
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from random import Random
from typing import Any, TypeAlias

import pytest
from sqlalchemy import Engine

from billing import run as billing
from contracts import engine as evaluating
from contracts import run as contracts
from contracts.carry import joined, read_carry
from contracts.document import Version, from_canonical
from contracts.evaluation import Evaluation
from contracts.facts import Carried
from contracts.facts_document import FactsDocument, facts_for, lists_for, read_facts
from contracts.facts_model import FactLists
from contracts.stated.run import By, state
from contracts.store.reporting import Taken
from contracts.text import TextDocument
from contracts.words import Context
from core.database import transaction
from core.time import Period, micros
from ingest import catalogue
from ingest import run as ingesting
from ingest.correction.run import Wanted, correct
from tests.stories.random_told import RUNS, Told, random_contract
from tests.stories.story import BERLIN, SIGNED, Story, local

pytestmark = pytest.mark.services
MONTHS = ("2026-03", "2026-04", "2026-05", "2026-06")
SEEDS = tuple(map(int, os.environ.get("RANDOM_PATHS", "1").split(",")))
MANY = int(os.environ.get("RANDOM_CONTRACTS", "6"))
SELLER = "Truck Supplier GmbH"
Sums: TypeAlias = dict[tuple[str, str, str], Fraction]
"""What is billed by period, clause and asset."""


# ---- the pure engine, from facts files


def agreed(told: Told) -> tuple[Version, ...]:
    return from_canonical(told.versions)


def lists_of(told: Told, versions: tuple[Version, ...], run: int) -> FactLists:
    raw = {"otherwise": "running", **told.known(run)}
    source = TextDocument({"schema": "facts/1", "contract": told.name, "facts": raw}, {})
    document = read_facts(source, versions)
    assert isinstance(document, FactsDocument), document
    return lists_for(document, None, Context(versions[0].zone, "EUR"))


def chain(told: Told, run: int) -> dict[str, Evaluation]:
    """Every month so far, as known by a run."""
    versions, found = agreed(told), {}
    lists, carried = lists_of(told, versions, run), None
    for label in MONTHS[: run + 1]:
        period = Period.parse(label, BERLIN)
        end, as_of = period.span.end, micros(RUNS[run])
        facts = facts_for(lists, evaluating.needs(versions, period, end), versions, as_of=as_of)
        facts = facts_for(lists, evaluating.needs(versions, period, end, facts), versions, as_of=as_of)
        left: tuple[Carried, ...] = facts.carried if carried is None else joined(carried, ())
        found[label] = evaluating.evaluate(versions, replace(facts, carried=left), period, end)
        carried = read_carry(found[label].left)
    return found


def sums_of(evaluations: dict[str, Evaluation]) -> Sums:
    sums: Counter[tuple[str, str, str]] = Counter()
    for label, evaluation in evaluations.items():
        for line in evaluation.lines:
            sums[label, line.clause, line.owner] += line.amount.fraction  # type: ignore[assignment]
    return {key: amount for key, amount in sums.items() if amount}  # type: ignore[misc]


# ---- the whole path


def hear(story: Story, told: Told, run: int) -> None:
    """What became known before a run, through the doors that devices and people use."""
    fresh = told.news(run)
    for unit in sorted({r["device"] for r in fresh.get("readings", [])}):
        mine = [r for r in fresh["readings"] if r["device"] == unit]
        rows = [(r["register"].partition("/")[2], local(r["at"]), *f"{r['value']} ".split(" ")[:2]) for r in mine]
        story._deliver(unit.removesuffix("-unit"), rows)
    with transaction(story.engine) as connection:
        for r in (fact for n, fact in told.corrected if n == run):
            at = f"{local(r['at']):%Y-%m-%dT%H:%M:%SZ}"
            wanted = Wanted(f"{r['device']}/odometer", at, r["value"], "misread")
            correct(connection, RUNS[run] - timedelta(hours=1), wanted, by="person:test")
    facts: dict[str, Any] = {name: items for name, items in fresh.items() if name not in ("readings", "exchanges")}
    if run == 0:
        facts["otherwise"] = "running"
    by = By("person:test", "random", RUNS[run] - timedelta(hours=1))
    given = {"schema": "facts/1", "contract": told.name, "facts": facts}
    taken = state(story.engine, given, by, counts_from=local(told.versions[0]["effective_from"]))
    assert isinstance(taken, Taken), [str(problem) for problem in taken]


def bill(story: Story, run: int) -> set[str]:
    """A billing run; returns contracts that are left out: credits exceed charges, and there is nothing to credit."""
    contracts.close_due_periods(story.engine, at=RUNS[run])
    done = story.bill(SELLER, MONTHS[run], RUNS[run])
    blocked = [draft for draft in done.drafts if draft["state"] in ("blocked", "failed")]
    assert {x["code"] for d in blocked for x in d["findings"] if x["severity"] == "blocking"} <= {"negative_total"}
    for draft in blocked:
        name, why = draft["contract_name"], "no invoice to credit"
        billing.exclude(story.engine, done.run.public_id, name, reason=why, at=RUNS[run], by="person:anna")
    story.issue(done.run.public_id, RUNS[run])
    return {draft["contract_name"] for draft in blocked}


def billed(story: Story) -> dict[str, Sums]:
    rows = story.rows("""
        SELECT c.name, coalesce(l.label, p.label), l.clause, l.asset, sum(l.amount)
        FROM billing.invoice_part AS p JOIN billing.line AS l ON l.invoice = p.invoice AND l.part = p.n
        JOIN contracts.contract AS c ON c.id = p.contract
        GROUP BY c.name, coalesce(l.label, p.label), l.clause, l.asset HAVING sum(l.amount) <> 0
    """)
    found: dict[str, Sums] = {}
    for name, label, clause, asset, amount in rows:
        found.setdefault(name, {})[label, clause, asset] = Fraction(amount)
    return found


def difference(one: Sums, other: Sums) -> dict[tuple[str, str, str], str]:
    keys = sorted(one.keys() | other.keys())
    pairs = {key: (one.get(key, Fraction(0)), other.get(key, Fraction(0))) for key in keys}
    return {key: f"billed {float(a):.2f}, engine {float(b):.2f}" for key, (a, b) in pairs.items() if a != b}


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_billed_of_each_month_is_what_the_engine_says(engine: Engine, seed: int) -> None:
    rng, story = Random(seed), Story(engine)  # noqa: S311 - no secret
    all_told = [random_contract(rng, n) for n in range(MANY)]
    story.set_up()
    for told in all_told:
        declared = catalogue.read(told.catalogue())
        assert isinstance(declared, catalogue.Catalogue), declared
        ingesting.declare(engine, declared, SIGNED, author="person:test")
    story.contract(*("\n---\n".join(json.dumps(version) for version in told.versions) for told in all_told))
    left_out: set[str] = set()
    for run in range(len(RUNS)):
        for told in all_told:
            hear(story, told, run)
        left_out |= bill(story, run)
        found = billed(story)
        wrong = {
            told.name: gap
            for told in all_told
            if told.name not in left_out and (gap := difference(found.get(told.name, {}), sums_of(chain(told, run))))
        }
        assert wrong == {}, f"run {run}"
