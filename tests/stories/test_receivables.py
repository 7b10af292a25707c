"""Finance at its desk in the portal: two people decide, every sum agrees with the ledger, and nobody else sees it."""

import re
from collections.abc import Iterator
from decimal import Decimal

import httpx
import pytest
from sqlalchemy import Engine, text

from api import authentication
from api.store import Role
from billing import run as billing
from billing.payments import run as payments
from billing.reminders import run as reminders
from billing.store import balance, dunning, payment, receivable
from billing.store import entity as entities
from contracts.store import contract as contract_store
from core.database import transaction
from core.money import Money
from tests.fleet import PASSWORD
from tests.served import AT, serving
from tests.stories.story import SIGNED, Story
from tests.stories.test_billing import JULY_5, fees
from tests.stories.test_reminder import SETUP
from tests.unit.billing.statement import camt, entry

pytestmark = pytest.mark.services
SELLER = "Truck Supplier GmbH"
PEOPLE: dict[str, tuple[Role, str]] = {
    "anna": ("finance", "Truck Supplier"),
    "bert": ("finance", "Truck Supplier"),
    "carl": ("finance", "Haulier"),
    "dora": ("customer", "Haulier"),
    "pat": ("partner", "Truck Supplier"),
    "omar": ("operator", "Truck Supplier"),
}
BOOKED = text("""
    SELECT coalesce(sum(CASE WHEN debit LIKE 'receivable:%' THEN amount ELSE 0 END), 0)
        - coalesce(sum(CASE WHEN credit LIKE 'receivable:%' THEN amount ELSE 0 END), 0) FROM billing.transfer
""")


@pytest.fixture
def people(engine: Engine, database: str) -> Iterator[dict[str, httpx.Client]]:
    """Six people who are signed in, on three invoices of 2201.50 that were due on 4 August; it is 21 November."""
    story = Story(engine)
    assert not isinstance(billing.set_up(engine, SETUP, at=SIGNED, by="person:test"), tuple)
    fees(story, 3)
    story.issue(story.bill(SELLER, "2026-06", JULY_5).run.public_id, JULY_5)
    with transaction(engine) as connection:
        parties = contract_store.ensure_parties(connection, ["Truck Supplier", "Haulier"], AT)
        for name, (role, party) in PEOPLE.items():
            given = {"password": PASSWORD, "role": role, "party": parties[party], "at": AT}
            authentication.new_person(connection, name=name, title=name.capitalize(), **given)  # type: ignore[arg-type]
    with serving(database) as address:
        clients = {name: httpx.Client(base_url=address, timeout=60) for name in PEOPLE}
        for name, client in clients.items():
            assert client.post("/portal/sign-in", data={"name": name, "password": PASSWORD}).status_code == 303
        yield clients
        for client in clients.values():
            client.close()


def send(client: httpx.Client, path: str, **fields: str) -> httpx.Response:
    """A form of this session."""
    token = re.search(r'name="csrf" value="([^"]+)"', client.get("/portal/assets").text)
    assert token
    return client.post(path, data={"csrf": token[1], **fields})


def test_two_people_decide_and_every_sum_agrees_with_the_ledger(
    people: dict[str, httpx.Client], engine: Engine
) -> None:
    anna, bert = people["anna"], people["bert"]
    invoices = {one["number"]: one["id"] for one in anna.get("/v1/invoices").json()["items"]}
    first = f"/portal/invoices/{invoices['TS-2026-00001']}"
    reminders.block(engine, "TS-2026-00002", line=None, reason="disputed", at=AT, by="person:anna")
    statement = camt([entry("B1", "2201.50", "TS-2026-00003"), entry("B2", "70.00", "rent for &lt;b&gt;")])
    payments.take_in(engine, statement, entity=SELLER, at=AT, by="person:anna")
    # 2 x 2201.50 are open since 4 August, 109 days ago.
    assert agreed(engine) == (2, "4403.00 EUR", 2, "4403.00 EUR")
    shown = anna.get("/portal/receivables").text
    for said in ("€4,403.00 in all", ">109<", "Disputed: €2,201.50", "€70.00", "rent for &lt;b&gt;", "Nothing waits"):
        assert said in shown, said
    assert "TS-2026-00003" not in shown

    assert send(anna, f"{first}/credit-note").status_code == 422, "without a reason"
    assert anna.post(f"{first}/credit-note", data={"reason": "x"}).status_code == 403, "without the session's token"
    assert send(anna, f"{first}/credit-note", reason="wrong debtor").status_code == 303
    assert send(bert, f"{first}/credit-note", reason="again").status_code == 409
    assert "waits for a second person" in bert.get(first).text
    found = re.search(r"/portal/receivables/(prp_\w+)/approve", bert.get("/portal/receivables").text)
    assert found
    path = f"/portal/receivables/{found[1]}"
    mine = anna.get("/portal/receivables").text
    assert ("another person approves it" in mine, f"{path}/approve" in mine) == (True, False)
    assert "1 proposal of somebody else" in bert.get("/portal/finance").text
    assert "of somebody else" not in anna.get("/portal/finance").text
    assert send(anna, f"{path}/approve").status_code == 403
    closed(people, first, path)

    done = send(bert, f"{path}/approve")
    assert (done.status_code, done.headers["Location"]) == (303, f"/portal/receivables?decided={found[1]}")
    assert "Credit note TS-C-2026-00001 is issued." in bert.get(done.headers["Location"]).text
    again = send(bert, f"{path}/approve")
    assert (again.status_code, "It can no longer be decided" in again.text) == (409, True)
    assert "is credited in full already" in anna.get(first).text
    assert agreed(engine) == (1, "2201.50 EUR", 1, "2201.50 EUR")
    assert "€2,201.50" in anna.get("/portal/finance").text


def closed(people: dict[str, httpx.Client], invoice: str, proposal: str) -> None:
    """What is for the seller's finance alone."""
    for name in ("dora", "pat", "omar"):
        assert people[name].get("/portal/receivables").status_code == 403, name
        for path in (
            f"{proposal}/approve",
            f"{proposal}/decline",
            f"{invoice}/credit-note",
            "/portal/receivables/letters",
        ):
            assert send(people[name], path, reason="x").status_code == 403, (name, path)
    carl = people["carl"]
    assert not set(re.findall(r"TS-\S+|prp_\w+|€\S+", carl.get("/portal/receivables").text))
    for path in (f"{proposal}/approve", f"{proposal}/decline", f"{invoice}/credit-note", "/portal/receivables/letters"):
        assert send(carl, path, reason="x").status_code == 404, path
    assert "credit-reason" not in carl.get(invoice).text


def agreed(engine: Engine) -> tuple[int, str, int, str]:
    """What is owed by the page's sums: that of payments' matching, and, with what was paid too much, of the ledger."""
    today = AT.date()
    with transaction(engine) as connection:
        seller = entities.entity_named(connection, SELLER)
        assert seller
        (found,) = receivable.sums(connection, seller.id, today)
        unpaid = payment.unpaid(connection, seller.id)
        too_much = [one.left for one in balance.overpaid(connection, seller.id)]
        charges = [one.owed.left for one in dunning.charges(connection, seller.id)]
        booked = Money(Decimal(connection.execute(BOOKED).scalar_one()), "EUR")
        listed = receivable.overdue(connection, seller.id, today, most=100)
    assert found.owed == Money.total([one.owed.left for one in unpaid], "EUR")
    assert found.owed + Money.total(charges, "EUR") == booked + Money.total(too_much, "EUR")
    assert found.overdue == Money.total([one.owed for one in listed], "EUR")
    return found.invoices, str(found.owed), found.late, str(found.overdue)


def test_letters_are_proposed_from_the_list_of_what_is_overdue(people: dict[str, httpx.Client]) -> None:
    anna, bert = people["anna"], people["bert"]
    assert send(anna, "/portal/receivables/letters", reason="they are due").status_code == 303
    shown = bert.get("/portal/receivables").text
    # Three invoices of 2201.50 to one debtor: one letter of level 1, without a fee.
    assert "level 1 · €6,604.50" in shown
    assert "€6,604.50<small>1 letter</small>" in shown
    found = re.search(r"/portal/receivables/(prp_\w+)/decline", shown)
    assert found
    declined = send(bert, f"/portal/receivables/{found[1]}/decline", reason="they called")
    assert "nothing was done" in bert.get(declined.headers["Location"]).text
    assert "Propose letters" in anna.get("/portal/receivables").text
