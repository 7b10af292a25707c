"""Facts over HTTP: who may state what, once for each key, refused by handler and by database."""

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from api import authentication
from api.store import Role
from contracts import run
from contracts.store import view
from core.database import connect, transaction
from tests.served import AT, serving
from tests.stories.story import Story, case

pytestmark = pytest.mark.services
PEOPLE: dict[str, tuple[Role, str]] = {
    "ops": ("operator", "Truck Supplier"),
    "fin": ("finance", "Truck Supplier"),
    "anna": ("customer", "Haulier"),
    "buyer": ("finance", "Haulier"),
    "other": ("finance", "Tyre Supplier"),
}
OPENED = {"tickets": [{"ticket": "K1", "asset": "T1", "opened": "2026-06-03 08:15"}]}
STOP = {"states": [{"asset": "T1", "from": "2026-06-03 08:15", "to": "2026-06-04", "state": "fault"}]}


@dataclass(frozen=True)
class Desk:
    """A server, a key for each person, and the contract's public id."""

    address: str
    keys: dict[str, str]
    contract: str
    story: Story

    def post(self, who: str, path: str, body: Any, key: str | None = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.keys[who]}", "Idempotency-Key": key or secrets.token_hex(8)}
        return httpx.post(self.address + path, json=body, headers=headers)

    def state(self, who: str, facts: Any, key: str | None = None) -> httpx.Response:
        return self.post(who, f"/v1/contracts/{self.contract}/facts", {"facts": facts, "reason": "call"}, key)

    def facts(self, who: str = "fin") -> list[dict[str, Any]]:
        path = f"{self.address}/v1/contracts/{self.contract}/facts"
        found: list[dict[str, Any]] = httpx.get(path, headers={"Authorization": f"Bearer {self.keys[who]}"}).json()[
            "items"
        ]
        return found


@pytest.fixture
def desk(engine: Engine, database: str) -> Iterator[Desk]:
    story = Story(engine)
    story.assets("T1")
    story.contract(case("w07-breakdown")[0])
    tyres = case("w01-km-amended")[0]
    story.contract(tyres)
    keys = {}
    with transaction(engine) as connection:
        parties = view.parties(connection)
        (contract,) = [one for one in view.contracts(connection) if one.name == "C-07"]
        for name, (role, party) in PEOPLE.items():
            party_id = parties[party]
            _, keys[name] = authentication.new_key(connection, name=name, role=role, party=party_id, at=AT)
    with serving(database) as address:
        yield Desk(address, keys, contract.public_id, story)


def test_a_customer_opens_a_case_and_the_provider_closes_it(desk: Desk) -> None:
    opened = desk.state("anna", OPENED)
    assert opened.status_code == 200, opened.text
    assert list(opened.json()["facts"]) == ["ticket_time"]
    closed = {"tickets": [{"ticket": "K1", "asset": "T1", "closed": "2026-06-06 10:00"}]}
    assert desk.state("ops", closed).status_code == 200
    assert [(f["kind"], f["fields"]["moment"], f["author"][:4]) for f in desk.facts()] == [
        ("ticket_time", "opened", "key:"),
        ("ticket_time", "closed", "key:"),
    ]
    run.extend_periods(desk.story.engine, at=AT)
    found = run.evaluate_period(desk.story.engine, "C-07", "2026-06", at=AT).evaluation
    # 73.75 h are 49.75 h beyond 24 h: three started days of 150.00
    assert [str(line.amount) for line in found.lines] == ["-450.00 EUR"]


def test_the_same_key_states_once_and_another_request_needs_another_key(desk: Desk) -> None:
    first, again = (desk.state("ops", OPENED, key="k-1") for _ in range(2))
    assert first.json() == again.json()
    assert len(desk.facts()) == 1
    other = desk.state("ops", STOP, key="k-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key")
    path = f"{desk.address}/v1/contracts/{desk.contract}/facts"
    without = httpx.post(path, json={"facts": OPENED}, headers={"Authorization": f"Bearer {desk.keys['ops']}"})
    assert without.status_code == 422


def test_problems_are_listed_and_nothing_is_recorded(desk: Desk) -> None:
    wrong = {"tickets": [{"ticket": "K1", "asset": "T9", "opened": "2026-06-03"}], "unmet": [{"clause": "5.1"}]}
    refused = desk.state("ops", wrong)
    assert (refused.status_code, refused.json()["code"]) == (422, "refused")
    assert len(refused.json()["errors"]) >= 2
    test = {"asset": "T1", "register": "x/y", "last_tested": "2026-06-02", "tested": "2026-06-01", "error": "5 %"}
    reading = {"asset": "T1", "device": "D", "register": "x/y", "at": "2026-06-01", "value": "1 km"}
    for name, row, word in (
        ("meter_tests", test, "'x/y' is no register of this contract (it has none)"),
        ("history", {"clause": "4.1", "asset": "T1", "period": "2026-05"}, "says nothing"),
        ("readings", reading, "are not stated"),
        ("tickets", {"ticket": "K1", "asset": "T1", "opened": 5}, "opened"),
    ):
        refused = desk.state("ops", {name: [row]})
        assert (refused.status_code, word in refused.text) == (422, True), refused.text
    assert desk.facts() == []


def test_only_the_provider_states_what_decides(desk: Desk) -> None:
    decided = {"attributions": [{"asset": "T1", "from": "2026-06-03", "to": "2026-06-04", "category": "fault",
                                 "party": "provider", "status": "accepted"}]}  # fmt: skip
    disputed = {"attributions": [{**decided["attributions"][0], "status": "disputed"}]}
    assert desk.state("anna", STOP).status_code == 403
    assert desk.state("anna", decided).status_code == 403
    assert desk.state("anna", disputed).status_code == 200
    assert desk.state("buyer", STOP).status_code == 403, "finance of the customer is refused by the database"
    assert desk.state("other", STOP).status_code == 404
    assert desk.state("fin", STOP).status_code == 200


def test_a_withdrawn_fact_counts_no_more(desk: Desk) -> None:
    (fact,) = desk.state("ops", STOP).json()["facts"]["reported_state"]
    path = f"/v1/facts/{fact}/withdrawal"
    assert desk.post("anna", path, {"reason": "no"}).status_code == 403
    assert desk.post("buyer", path, {"reason": "no"}).status_code == 403
    assert desk.post("other", path, {"reason": "no"}).status_code == 404
    assert desk.post("ops", path, {"reason": "another truck"}).status_code == 200
    assert desk.post("ops", path, {"reason": "again"}).status_code == 404
    assert [f["withdrawn"] for f in desk.facts()] == ["another truck"]


def test_an_index_value_is_published_by_a_provider(desk: Desk) -> None:
    value = {"index": "electricity", "month": "2026-01", "value": "110.0", "published": "2026-02-20T08:00:00Z",
             "source": "statistics office"}  # fmt: skip
    assert desk.post("anna", "/v1/index-values", value).status_code == 403
    assert desk.post("buyer", "/v1/index-values", value).status_code == 403
    assert desk.post("fin", "/v1/index-values", value).json()["id"].startswith("idx_")
    assert desk.post("fin", "/v1/index-values", value).json() == {"id": None}, "it is the last word already"


def test_the_database_refuses_what_no_handler_lets_through(desk: Desk, database: str) -> None:
    api = connect(database, role="yardstick_api")
    party = {"party": desk.story.rows("SELECT id FROM contracts.party WHERE name = 'Haulier'")[0][0]}
    insert = """
        INSERT INTO contracts.unmet (public_id, contract, clause, asset, during, author, reason, known)
        SELECT 'unm_x', id, '5.1', 'T1', tstzrange('2026-06-01', '2026-06-02'), 'x', '', 1 FROM contracts.contract
    """
    settings = text("SELECT set_config('yardstick.party', :party, true), set_config('yardstick.role', :role, true)")
    for role in ("customer", "finance", "operator"):
        with api.connect() as connection:
            connection.execute(settings, {"party": str(party["party"]), "role": role})
            with pytest.raises(DBAPIError, match="row-level security"):
                connection.execute(text(insert))
    api.dispose()
