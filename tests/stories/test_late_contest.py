"""What was billed is contested in time, by whichever door; later it is refused with what would be right."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from click.testing import CliRunner
from sqlalchemy import Engine

from api import authentication
from api.main import load
from api.store import Role
from billing.contests.run import in_time
from contracts import run as contracts
from contracts.stated.run import By, state
from contracts.store import view
from contracts.store.reporting import Taken
from core.database import transaction
from tests.served import AT, serving
from tests.stories.story import Story, case

pytestmark = pytest.mark.services
ISSUED = datetime(2024, 7, 5, 10, tzinfo=UTC)
# Issued on 5 July at 12:00 in Berlin, and 14 days
MESSAGE = "2024-06 could be contested until 2024-07-19 12:00 (Europe/Berlin)"
WHO: tuple[tuple[Role, str], ...] = (("customer", "Haulier"), ("operator", "Truck Supplier"))
BY = By("person:anna", "the file", ISSUED)


def contested(first: str, last: str, status: str = "disputed") -> dict[str, Any]:
    one = {"asset": "T1", "from": first, "to": last, "category": "fault", "party": "provider", "status": status}
    return {"schema": "facts/1", "contract": "C-04", "facts": {"attributions": [one]}}


@pytest.fixture
def story(engine: Engine) -> Story:
    """June of 2024 is billed, July is not."""
    told = Story(engine)
    told.assets("T1")
    text = case("w04-uptime")[0].replace("2026-", "2024-").replace("2025-12", "2023-12")
    told.contract(text.replace("decimals: 2}", "decimals: 2, dispute_window: P14D}"))
    told.set_up()
    facts = {"schema": "facts/1", "contract": "C-04", "facts": {"otherwise": "running"}}
    assert isinstance(state(engine, facts, BY), Taken)
    contracts.close_due_periods(engine, at=ISSUED)
    told.issue(told.bill("Truck Supplier GmbH", "2024-06", ISSUED).run.public_id, ISSUED)
    contracts.extend_periods(engine, at=datetime(2024, 8, 1, tzinfo=UTC))
    return told


def test_a_contest_is_recorded_until_its_time_is_over(story: Story) -> None:
    june, july = contested("2024-06-03", "2024-06-04"), contested("2024-07-03", "2024-07-04")
    both = contested("2024-06-30", "2024-07-02")
    last, over = datetime(2024, 7, 19, 9, 59, 59, tzinfo=UTC), datetime(2024, 7, 19, 10, tzinfo=UTC)
    assert isinstance(state(story.engine, june, BY, contests=in_time(last)), Taken)
    assert isinstance(state(story.engine, june, BY, contests=in_time(over)), Taken), "it stands already"
    assert isinstance(state(story.engine, july, BY, contests=in_time(over)), Taken), "it is not billed yet"
    (problem,) = state(story.engine, both, BY, contests=in_time(over))  # type: ignore[misc]
    assert (problem.place, problem.message) == ("attributions, T1 from 2024-06-30", MESSAGE)
    assert problem.remedy == ("contest the time from 2024-07-01 on; a decision is stated as accepted or determined")
    decided = contested("2024-06-30", "2024-07-02", "determined")
    assert isinstance(state(story.engine, decided, BY, contests=in_time(over)), Taken)


def test_every_door_refuses_it(
    story: Story, database: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", environment["YARDSTICK_DATABASE_URL"])
    file = tmp_path / "facts.yaml"
    given = contested("2024-06-03", "2024-06-04")
    file.write_text(yaml.safe_dump(given))
    fields = [f"{name}={value}" for name, value in given["facts"]["attributions"][0].items()]
    for words in (["import-facts", str(file)], ["record", str(file)], ["fact", "C-04", "attributions", *fields]):
        refused = CliRunner().invoke(load("contract"), words)
        assert (refused.exit_code, refused.output.count(MESSAGE)) == (1, 1), refused.output
    with transaction(story.engine) as connection:
        parties = view.parties(connection)
        (contract,) = view.contracts(connection)
        keys = [
            authentication.new_key(connection, name=party, role=role, party=parties[party], at=AT)[1]
            for role, party in WHO
        ]
    with serving(database) as address:
        for key in keys:
            answer = httpx.post(
                f"{address}/v1/contracts/{contract.public_id}/facts",
                json={"facts": given["facts"], "reason": "not ours"},
                headers={"Authorization": f"Bearer {key}", "Idempotency-Key": secrets.token_hex(8)},
            )
            assert answer.status_code == 422, answer.text
            assert MESSAGE in answer.text
    assert story.rows("SELECT count(*) FROM contracts.attribution")[0][0] == 0
