"""Month-end over HTTP: two people of finance; what each does is done once, and nobody else sees any of it."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from api import authentication
from api.store import Role
from billing import run as billing
from contracts.store import contract as contract_store
from core.database import transaction
from tests.served import AT, serving
from tests.stories.story import SIGNED, Story
from tests.stories.test_billing import JULY_5, fees
from tests.stories.test_reminder import SETUP
from tests.unit.billing.statement import ORIGINAL, camt, entry, returned

pytestmark = pytest.mark.services
SELLER = {"entity": "Truck Supplier GmbH"}
PEOPLE: dict[str, tuple[Role, str]] = {
    "anna": ("finance", "Truck Supplier"),
    "bert": ("finance", "Truck Supplier"),
    "carl": ("finance", "Haulier"),
    "dora": ("customer", "Haulier"),
}


class Person:
    """A program of somebody's; each command has a key of its own unless one is given."""

    def __init__(self, client: httpx.Client, name: str) -> None:
        self.client, self._name, self._count = client, name, 0

    def get(self, path: str, **asked: str) -> Any:
        return self.client.get(f"/v1/{path}", params=asked or None)

    def post(self, path: str, body: Any = None, *, key: str = "", **more: Any) -> Any:
        self._count += 1
        headers = {"Idempotency-Key": key or f"{self._name}{self._count}"} | more.pop("headers", {})
        return self.client.post(f"/v1/{path}", headers=headers, json=body, **more)

    def statement(self, *rows: str) -> Any:
        xml: Any = {"content": camt(rows), "headers": {"Content-Type": "application/xml"}, "params": SELLER}
        return self.post("bank-statements", **xml).json()


@pytest.fixture
def people(engine: Engine, database: str) -> Iterator[dict[str, Person]]:
    """Four people, on three invoices of 2201.50 that were due on 4 August; it is 21 November."""
    story = Story(engine)
    assert not isinstance(billing.set_up(engine, SETUP, at=SIGNED, by="person:test"), tuple)
    fees(story, 3)
    story.issue(story.bill(SELLER["entity"], "2026-06", JULY_5).run.public_id, JULY_5)
    keys = {}
    with transaction(engine) as connection:
        parties = contract_store.ensure_parties(connection, ["Truck Supplier", "Haulier"], AT)
        for name, (role, party) in PEOPLE.items():
            made = {"party": parties[party], "at": AT, "made_by": f"person:{name}"}
            _, keys[name] = authentication.new_key(connection, name=name, role=role, **made)  # type: ignore[arg-type]
    with serving(database) as address:
        clients = {
            name: httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=60)
            for name, key in keys.items()
        }
        yield {name: Person(client, name) for name, client in clients.items()}
        for client in clients.values():
            client.close()


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def numbers(anna: Person) -> dict[str, str]:
    """Ids of invoices by number."""
    return {one["number"]: one["id"] for one in anna.get("invoices").json()["items"]}


def test_credit_notes_by_two_people(people: dict[str, Person]) -> None:
    anna, bert, carl, dora = people.values()
    invoice = numbers(anna)["TS-2026-00001"]
    made = anna.post(f"invoices/{invoice}/credit-note", {"reason": "wrong debtor"}, key="k1")
    assert made.status_code == 201
    proposal = made.json()
    assert (proposal["kind"], proposal["state"], proposal["subject"]) == ("credit_note", "open", invoice)
    assert (proposal["detail"]["gross"], proposal["proposed_by"].split(" via ")[0]) == ("2201.50", "person:anna")
    assert made.headers["Location"] == f"/v1/proposals/{proposal['id']}"
    again = anna.post(f"invoices/{invoice}/credit-note", {"reason": "wrong debtor"}, key="k1")
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (proposal, "true")
    assert code(bert.post(f"invoices/{invoice}/credit-note", {"reason": "x"})) == (409, "already_proposed")
    path = f"proposals/{proposal['id']}"
    assert code(anna.post(f"{path}/approve")) == (403, "second_person")
    for other, refused in ((carl, (404, "not_found")), (dora, (403, "role_not_allowed"))):
        assert code(other.get(path)) == refused
        assert code(other.post(f"{path}/approve")) == refused
        assert code(other.post(f"{path}/decline", {"reason": "no"})) == refused
        assert code(other.post(f"invoices/{invoice}/credit-note", {"reason": "no"})) == refused
    assert carl.get("proposals").json()["items"] == []
    assert code(dora.get("proposals")) == (403, "role_not_allowed")
    assert [x["id"] for x in bert.get("proposals", state="open", kind="credit_note").json()["items"]] == [
        proposal["id"]
    ]
    done = bert.post(f"{path}/approve", key="k2")
    assert (done.status_code, done.json()["outcome"]) == (200, {"credit_note": "TS-C-2026-00001"})
    assert bert.post(f"{path}/approve", key="k2").json() == done.json(), "the same answer, and no second credit note"
    assert code(bert.post(f"{path}/approve")) == (409, "not_open")
    assert code(bert.post(f"{path}/decline", {"reason": "no"})) == (409, "not_open")
    assert anna.get(path).json()["state"] == "approved"
    assert code(anna.post(f"invoices/{invoice}/credit-note", {"reason": "x"})) == (409, "not_creditable")
    kinds = sorted(x["kind"] for x in dora.get("invoices").json()["items"])
    assert kinds == ["credit_note", "invoice", "invoice", "invoice"]


def test_payments_their_returns_and_balances(people: dict[str, Person]) -> None:
    anna, bert, carl, dora = people.values()
    ids = numbers(anna)
    found = anna.statement(entry("B1", "2201.50", "TS-2026-00001", end_to_end="E-1"), entry("B2", "70.00", "rent"))
    assert [(x["key"], x["new"], x["matched"], x["left"]) for x in found["payments"]] == [
        ("B1/0", True, "number", "0.00"), ("B2/0", True, "none", "70.00"),
    ]  # fmt: skip
    back = returned("R1", "2204.50", "E-1", amounts=ORIGINAL.format(amount="2201.50"))
    for new in (True, False):
        (gone,) = anna.statement(back)["returns"]
        assert (gone["new"], gone["fee"], gone["code"]) == (new, "3.00", "AC04")
    broken: Any = {"content": b"<d/>", "headers": {"Content-Type": "application/xml"}, "params": SELLER}
    assert code(anna.post("bank-statements", **broken)) == (422, "refused")
    by_hand = SELLER | {"key": "H1", "received_on": "2026-11-20", "amount": "2201.50", "currency": "EUR"}
    recorded = anna.post("payments", by_hand | {"text": "TS-2026-00001"}).json()
    assert recorded["paid"] == [{"document": "TS-2026-00001", "amount": "2201.50"}]
    assert anna.post("payments", by_hand | {"text": "TS-2026-00001"}).json()["new"] is False
    assert code(anna.post("payments", by_hand | {"amount": "0.001"})) == (422, "not_payable")
    rows = {x["key"]: x for x in anna.get("payments", **SELLER).json()["items"]}
    assert {key: x["state"] for key, x in rows.items()} == {
        "B1/0": "returned", "B2/0": "unmatched", "H1": "matched",
    }  # fmt: skip
    assert anna.get(f"payments/{rows['H1']['id']}").json()["paid"] == recorded["paid"]
    assert [x["key"] for x in anna.get("payments", state="unmatched", **SELLER).json()["items"]] == ["B2/0"]
    (seen,) = anna.get("bank-returns", **SELLER).json()["items"]
    assert (seen["key"], seen["payment"]) == ("R1/0", rows["B1/0"]["id"])
    # 70.00 that nobody could tell pays the second; then it was wrong, and is sent back.
    source = f"credit-balances/{rows['B2/0']['id']}"
    applied = anna.post(f"{source}/apply", {"documents": ["TS-2026-00002"]}).json()
    assert (applied["paid"], applied["left"]) == ([{"document": "TS-2026-00002", "amount": "70.00"}], "0.00")
    assert code(anna.post(f"{source}/refund", {"reason": "rent"})) == (409, "nothing_left")
    assert anna.post(f"{source}/take-back", {"reason": "rent"}).json() == {"reopened": 1}
    refund = anna.post(f"{source}/refund", {"reason": "rent", "amount": "70.00"}).json()
    done = bert.post(f"proposals/{refund['id']}/approve").json()
    assert (done["state"], done["outcome"]["refund"][:4]) == ("approved", "rfd_")
    assert anna.get("credit-balances", **SELLER).json() == []
    # What is credited after it was paid is too much, and pays another invoice.
    note = anna.post(f"invoices/{ids['TS-2026-00001']}/credit-note", {"reason": "wrong"}).json()
    assert bert.post(f"proposals/{note['id']}/approve").status_code == 200
    (over,) = anna.get("credit-balances", **SELLER).json()
    assert (over["id"], over["kind"], over["left"]) == (ids["TS-2026-00001"], "invoice", "2201.50")
    assert anna.post(f"credit-balances/{over['id']}/apply", {"documents": ["TS-2026-00002"]}).json()["left"] == "0.00"
    assert [x["number"] for x in anna.get("overdue-invoices", **SELLER).json()] == ["TS-2026-00003"]
    assert anna.post(f"payments/{rows['H1']['id']}/return", {"reason": "returned"}).json() == {"reopened": 1}
    assert len(anna.get("overdue-invoices", **SELLER).json()) == 2, "the second is open again; the first is credited"
    for path in ("payments", "bank-returns", "credit-balances", "overdue-invoices"):
        assert code(carl.get(path, **SELLER)) == (404, "not_found")
        assert code(dora.get(path, **SELLER)) == (403, "role_not_allowed")
    for path in (f"payments/{rows['H1']['id']}/return", f"{source}/take-back", f"{source}/refund"):
        assert code(carl.post(path, {"reason": "x"})) == (404, "not_found")
        assert code(dora.post(path, {"reason": "x"})) == (403, "role_not_allowed")
    assert code(carl.post("payments", by_hand)) == (404, "not_found")


def test_letters_blocks_accruals_and_closing(people: dict[str, Person]) -> None:
    anna, bert, carl, dora = people.values()
    ids = numbers(anna)
    block = anna.post(f"invoices/{ids['TS-2026-00003']}/blocks", {"reason": "disputed"})
    assert (block.status_code, block.json()["line"]) == (201, None)
    (due,) = anna.get("dunning-letters/due", **SELLER).json()
    assert (due["document"]["level"], due["document"]["total"]) == (1, "4403.00")
    proposed = anna.post("dunning-letters", SELLER).json()
    assert proposed["detail"]["letters"][0]["total"] == "4403.00"
    done = bert.post(f"proposals/{proposed['id']}/approve").json()
    assert done["outcome"] == {"letters": ["TS-D-2026-00001"]}
    assert code(anna.post("dunning-letters", SELLER)) == (409, "nothing_due")
    (letter,) = anna.get("dunning-letters").json()["items"]
    assert (letter["number"], letter["withdrawn"]) == ("TS-D-2026-00001", None)
    gone = anna.post(f"dunning-letters/{letter['id']}/withdraw", {"reason": "sent in error"}).json()
    assert gone == anna.get(f"dunning-letters/{letter['id']}").json()
    assert code(anna.post(f"dunning-letters/{letter['id']}/withdraw", {"reason": "x"})) == (404, "not_found")
    for other, refused in ((carl, (404, "not_found")), (dora, (403, "role_not_allowed"))):
        assert code(other.get(f"dunning-letters/{letter['id']}")) == refused
        assert code(other.post(f"blocks/{block.json()['id']}/release", {"reason": "x"})) == refused
        assert code(other.get(f"invoices/{ids['TS-2026-00003']}/blocks")) == refused
        for path, body in (("dunning-letters", {}), ("books/accruals", {"period": "2026-10"})):
            assert code(other.post(path, SELLER | body)) == refused
        assert code(other.post("books/close", SELLER | {"until": "2026-10-31"})) == refused
        assert code(other.get("books", **SELLER)) == refused
    released = anna.post(f"blocks/{block.json()['id']}/release", {"reason": "decided"}).json()
    assert anna.get(f"invoices/{ids['TS-2026-00003']}/blocks").json() == [released]
    assert released["answer"] == "decided"
    assert anna.post("books/accruals", SELLER | {"period": "2026-05"}).json() == {"contracts": 3}
    assert anna.post("books/accruals", SELLER | {"period": "2026-05"}).json() == {"contracts": 0}
    assert code(anna.post("books/close", SELLER | {"until": "2026-11-21"})) == (409, "not_over")
    shut = anna.post("books/close", SELLER | {"until": "2026-10-31"}).json()
    assert shut == anna.get("books", **SELLER).json()
    assert shut["closed_until"] == "2026-10-31"
    # 3 x 1850.00
    assert [(x["period"], x["contracts"], x["net"]) for x in shut["accruals"]] == [("2026-05", 3, "5550.00")]
    assert code(anna.post("books/accruals", SELLER | {"period": "2026-04"})) == (409, "books_closed")
