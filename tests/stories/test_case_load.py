"""Of the cases of years only those are loaded on which a clause still looks, and no evaluation notices."""

import random
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from contracts import engine as evaluating
from contracts.document import Agreement, Version, read_agreement
from contracts.facts import Needs
from contracts.reported import within
from contracts.segment import FOREVER
from contracts.stated.run import By, state, withdraw
from contracts.store import reported
from contracts.store.reported import Asked
from contracts.store.reporting import Taken
from core import store
from core.database import transaction
from core.time import Period, instant
from tests.stories.story import CASES, SIGNED, Story, local

pytestmark = pytest.mark.services
BY = By("person:test", "test", SIGNED)
MOMENTS = ("reported", "on_site", "closed")


def agreed() -> tuple[Version, ...]:
    found = read_agreement((CASES / "event.yaml").read_bytes())
    assert isinstance(found, Agreement)
    return found.versions


def told(engine: Engine) -> Story:
    story = Story(engine)
    story.assets("L1", "L2")
    story.contract("\n---\n".join((CASES / "event.yaml").read_text().split("\n---\n")[:2]))
    return story


def say(engine: Engine, **lists: list[dict[str, str]]) -> Taken:
    found = state(engine, {"schema": "facts/1", "contract": "S-EVENT", "facts": lists}, BY)
    assert isinstance(found, Taken), [str(problem) for problem in found]
    return found


def ticket(name: str, **times: str) -> dict[str, str]:
    return {"ticket": name, "asset": "L1", **times}


def needed(label: str) -> Needs:
    period = Period.parse(label, agreed()[0].zone)
    return evaluating.needs(agreed(), period, period.span.end)


def loaded(engine: Engine, needs: Needs, known: int, *, whole: bool) -> reported.Loaded:
    stops = None if whole else frozenset(stop for _, stop in needs.clocks)
    since, before = (0, FOREVER) if whole else (needs.start, needs.end)
    with transaction(engine) as connection:
        asked = [Asked(1, stops=stops)]
        return reported.load(connection, asked, since=instant(since), before=instant(before), known=known)[1]


def names(engine: Engine, label: str) -> set[str]:
    with transaction(engine) as connection:
        known = store.current_knowledge(connection)
    return {item.ticket for item in loaded(engine, needed(label), known, whole=False).reported.tickets}


def test_a_case_is_loaded_until_its_clock_has_stopped(engine: Engine) -> None:
    told(engine)
    taken = say(
        engine,
        tickets=[
            ticket("closed", reported="2026-02-02 09:00", on_site="2026-02-02 12:00", closed="2026-02-03"),
            ticket("never closed", reported="2026-02-02 09:00", on_site="2026-02-02 12:00"),
            ticket("open", reported="2026-02-02 09:00"),
            ticket("stopped as June began", reported="2026-02-02 09:00", on_site="2026-06-01"),
            ticket("stopped just before", reported="2026-02-02 09:00", on_site="2026-05-31 23:59:59.999999"),
            ticket("of July", reported="2026-07-01 09:00"),
            ticket("closed and never visited", reported="2026-02-02 09:00", closed="2026-02-03"),
        ],
        pauses=[
            {"ticket": name, "from": "2026-02-02 10:00", "to": "2026-02-02 11:00", "reason": "no_access"}
            for name in ("closed", "open")
        ],
        substitutes=[{"asset": "L1", "from": "2026-02-03", "to": "2026-02-04"}],
    )
    late = {"open", "closed and never visited"}
    assert names(engine, "2026-06") - {"of July"} == {"stopped as June began", *late}
    assert names(engine, "2026-05") - {"of July"} == {"stopped as June began", "stopped just before", *late}
    assert names(engine, "2026-07") == {"of July", *late}
    june = loaded(engine, needed("2026-06"), 10**6, whole=False).reported
    assert [item.ticket for item in june.pauses] == ["open"]
    assert len(june.substitutes) == 1, "the clock of the open case ran then"
    (stop,) = (fact for fact in taken.facts["ticket_time"] if fact == _stop_of(engine, "never closed"))
    withdraw(engine, stop, BY)
    assert "never closed" in names(engine, "2026-06"), "nobody says any more that it stopped"


def _stop_of(engine: Engine, name: str) -> str:
    found = Story(engine).rows(
        "SELECT public_id FROM contracts.ticket_time WHERE ticket = :name AND moment = 'on_site'", name=name
    )
    return str(found[0][0])


def test_what_is_loaded_for_a_period_is_all_that_concerns_it(engine: Engine) -> None:
    told(engine)
    chosen = random.Random(5)  # noqa: S311 - any will do
    start = local("2026-01-05")

    def at() -> str:
        return f"{start + timedelta(hours=chosen.randrange(24 * 210)):%Y-%m-%dT%H:%M:%SZ}"

    for _ in range(25):
        found = [
            ticket(f"K{chosen.randrange(40)}", **{moment: at() for moment in MOMENTS if chosen.random() < 0.4})
            for _ in range(6)
        ]
        lists: dict[str, Any] = {"tickets": list({one["ticket"]: one for one in found if len(one) > 2}.values())}
        lists["substitutes"] = [{"asset": "L1", "from": first, "to": last}] if (first := at()) < (last := at()) else []
        taken = say(engine, **lists)
        times = taken.facts.get("ticket_time", ())
        for fact in chosen.sample(times, k=min(2, len(times))):
            withdraw(engine, fact, BY)
    with transaction(engine) as connection:
        newest = store.current_knowledge(connection)
    sizes = set()
    for label in ("2026-02", "2026-03", "2026-05", "2026-06", "2026-07"):
        needs = needed(label)
        for known in (newest // 3, 2 * newest // 3, newest):
            bounded, whole = (loaded(engine, needs, known, whole=each).reported for each in (False, True))
            zone = agreed()[0].zone
            assert within(bounded, needs, zone) == within(whole, needs, zone)
            sizes.add(len(bounded.tickets) < len(whole.tickets))
    assert True in sizes
