"""A billing run over HTTP: two people of finance, each command once, on the state that was looked at."""

import html
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import Engine

from api import authentication
from api.store import Role
from contracts.store import contract as contract_store
from core.database import transaction
from tests.fleet import PASSWORD
from tests.served import AT, serving
from tests.stories.story import Story
from tests.stories.test_billing import fees
from tests.stories.test_consolidated import sharing

pytestmark = pytest.mark.services
SELLER = "Truck Supplier GmbH"
PEOPLE: dict[str, tuple[Role, str]] = {
    "anna": ("finance", "Truck Supplier"),
    "bert": ("finance", "Truck Supplier"),
    "carl": ("finance", "Tyre Supplier"),
    "dora": ("customer", "Haulier"),
}


@pytest.fixture
def clients(engine: Engine, database: str) -> Iterator[dict[str, httpx.Client]]:
    """Programs of four people, on two contracts whose October is closed."""
    story = Story(engine)
    story.set_up()
    sharing(story, "true")
    fees(story, 2, month="2026-11-05")
    found = {}
    with transaction(engine) as connection:
        parties = contract_store.ensure_parties(connection, ["Truck Supplier", "Tyre Supplier", "Haulier"], AT)
        for name, (role, party) in PEOPLE.items():
            _, found[name] = authentication.new_key(
                connection,
                name=name,
                role=role,
                party=parties[party],
                at=AT,
                made_by=f"person:{name}",
            )
    with serving(database) as address:
        made = {
            name: httpx.Client(base_url=address, headers={"Authorization": f"Bearer {key}"}, timeout=60)
            for name, key in found.items()
        }
        yield made
        for client in made.values():
            client.close()


def post(
    client: httpx.Client, path: str, key: str, body: dict[str, str] | None = None, tag: str = ""
) -> httpx.Response:
    headers = {"Idempotency-Key": key} | ({"If-Match": tag} if tag else {})
    return client.post(f"/v1/billing-runs{path}", headers=headers, json=body)


def until(client: httpx.Client, run: str, wanted: Callable[[dict[str, Any]], bool]) -> httpx.Response:
    """The run, once it is as wanted."""
    for _ in range(300):
        found = client.get(f"/v1/billing-runs/{run}")
        if wanted(found.json()):
            return found
        time.sleep(0.1)
    raise AssertionError(found.json())


def code(response: httpx.Response) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_from_creating_to_issuing(clients: dict[str, httpx.Client], engine: Engine) -> None:
    anna, bert = clients["anna"], clients["bert"]
    new = {"entity": SELLER, "period": "2026-10"}
    created = post(anna, "", "k1", new)
    assert (created.status_code, created.json()["state"]) == (201, "created")
    run = created.json()["id"]
    assert created.headers["Location"] == f"/v1/billing-runs/{run}"
    again = post(anna, "", "k1", new)
    assert (again.status_code, again.json(), again.headers["Idempotency-Replayed"]) == (201, created.json(), "true")
    assert code(post(anna, "", "k1", new | {"period": "2026-09"})) == (422, "idempotency_key")
    assert code(post(anna, "", "k2", new)) == (409, "already_open")
    assert code(post(anna, "", "k2", new | {"period": "soon"})) == (422, "invalid_period"), "what failed kept no key"
    assert code(anna.post("/v1/billing-runs", json=new)) == (422, "invalid_request")
    assert post(anna, f"/{run}/calculate", "k3").status_code == 202
    looked = until(anna, run, lambda x: x["state"] == "in_review")
    tag = looked.headers["ETag"]
    drafts = anna.get(f"/v1/billing-runs/{run}/drafts").json()["items"]
    # 1850.00 and 19 %
    assert [(x["contract"], x["state"], x["gross"]) for x in drafts] == [
        ("C-F01", "warning", "2201.50"), ("C-F02", "warning", "2201.50"),
    ]  # fmt: skip
    codes = [finding["code"] for finding in drafts[0]["findings"]]
    assert codes == ["tax_unlikely", "first_invoice"], "a Dutch haulier pays German tax"
    assert code(post(bert, f"/{run}/approve", "k4")) == (428, "precondition_required")
    assert code(post(anna, f"/{run}/approve", "k4", tag=tag)) == (403, "second_person")
    excluded = post(anna, f"/{run}/exclusions", "k5", {"contract": "C-F02", "reason": "disputed"})
    assert excluded.status_code == 200
    in_state(anna, run)
    told = anna.get(f"/v1/billing-runs/{run}/drafts").json()["items"]
    assert [x["remarks"] for x in told] == [
        ["C-F02 is not on it: excluded, disputed"], [],
    ]  # fmt: skip
    assert code(post(bert, f"/{run}/approve", "k4", tag=tag)) == (412, "precondition_failed"), "it changed since"
    assert code(post(bert, f"/{run}/issue", "k6", tag=tag)) == (412, "precondition_failed")
    tag = bert.get(f"/v1/billing-runs/{run}").headers["ETag"]
    assert code(post(bert, f"/{run}/issue", "k6", tag=tag)) == (409, "not_possible")
    approved = post(bert, f"/{run}/approve", "k4", tag=tag)
    assert (approved.status_code, approved.json()["state"]) == (200, "approved")
    tag = bert.get(f"/v1/billing-runs/{run}").headers["ETag"]
    assert post(bert, f"/{run}/issue", "k6", tag=tag).status_code == 202
    done = until(bert, run, lambda x: x["state"] == "issued").json()
    assert (done["invoices"], post(bert, f"/{run}/issue", "k6", tag=tag).status_code) == (1, 202)
    assert code(post(anna, f"/{run}/cancel", "k7")) == (409, "not_possible")
    review(anna, clients["carl"], run)
    (actor,) = {row[0] for row in Story(engine).rows("SELECT created_by FROM billing.run")}
    assert actor.startswith("person:anna via key:")


def in_state(anna: httpx.Client, run: str) -> None:
    """The drafts of one state alone; one of them is excluded."""
    found = {}
    for state in ("warning", "excluded", "blocked"):
        items = anna.get(f"/v1/billing-runs/{run}/drafts", params={"state": state}).json()["items"]
        found[state] = [x["contract"] for x in items]
    assert found == {"warning": ["C-F01"], "excluded": ["C-F02"], "blocked": []}
    assert code(anna.get(f"/v1/billing-runs/{run}/drafts", params={"state": "odd"})) == (422, "invalid_request")


def review(anna: httpx.Client, carl: httpx.Client, run: str) -> None:
    """What is looked at: by finance of the seller alone."""
    path = f"/v1/billing-runs/{run}"
    seen = anna.get(f"{path}/drafts/C-F01").json()
    assert (seen["document"]["gross"], seen["remarks"]) == ("2201.50", ["C-F02 is not on it: excluded, disputed"])
    assert code(anna.get(f"{path}/drafts/C-F99")) == (404, "not_found")
    pairs = anna.get(f"{path}/reconciliation").json()
    assert all(pair["agrees"] for pair in pairs)
    assert {"what": "EUR: lines, and net totals of documents", "left": "1850.00", "right": "1850.00",
            "agrees": True} in pairs  # fmt: skip
    assert anna.get(f"{path}/changes", params={"before": 1, "after": 1}).json() == []
    assert code(anna.get(f"{path}/changes", params={"before": 1, "after": 2})) == (404, "not_found")
    days = {"entity": SELLER, "from": "2026-01-01", "to": "2027-01-01"}
    header, *rows = anna.get("/v1/journal", params=days).text.splitlines()
    assert header == "entry,n,posted_on,debit,credit,currency,amount,document,text"
    assert len(rows) == 2, "revenue and tax"
    assert "Income:Revenue:Fixed-fee" in anna.get("/v1/journal", params=days | {"as": "beancount"}).text
    for what in (f"{path}/drafts/C-F01", f"{path}/reconciliation", f"{path}/changes?before=1&after=1"):
        assert code(carl.get(what)) == (404, "not_found")
    assert code(carl.get("/v1/journal", params=days)) == (404, "not_found")


def test_only_finance_of_the_seller_has_a_part(clients: dict[str, httpx.Client]) -> None:
    new = {"entity": SELLER, "period": "2026-10"}
    assert code(post(clients["dora"], "", "k1", new)) == (403, "role_not_allowed")
    assert code(post(clients["carl"], "", "k1", new)) == (404, "not_found")
    run = post(clients["anna"], "", "k1", new).json()["id"]
    for act in ("calculate", "approve", "issue", "cancel"):
        assert code(post(clients["carl"], f"/{run}/{act}", f"k{act}", tag='"x"')) == (404, "not_found")
        assert code(post(clients["dora"], f"/{run}/{act}", f"k{act}", tag='"x"')) == (403, "role_not_allowed")


def test_two_people_at_the_portal(clients: dict[str, httpx.Client], engine: Engine) -> None:
    with transaction(engine) as connection:
        parties = contract_store.ensure_parties(connection, ["Truck Supplier"], AT)
        for name in ("eva", "fritz"):
            authentication.new_person(
                connection,
                name=name,
                title=name,
                password=PASSWORD,
                role="finance",
                party=parties["Truck Supplier"],
                at=AT,
            )
    run = post(clients["anna"], "", "k1", {"entity": SELLER, "period": "2026-10"}).json()["id"]
    page, address = f"/portal/billing-runs/{run}", clients["anna"].base_url

    def does(client: httpx.Client, act: str) -> int:
        text = client.get(page).text
        csrf, tag = (re.findall(rf'name="{name}" value="([^"]+)"', text)[-1] for name in ("csrf", "tag"))
        return client.post(f"{page}/{act}", data={"csrf": csrf, "tag": html.unescape(tag)}).status_code

    with httpx.Client(base_url=address, timeout=60) as eva, httpx.Client(base_url=address, timeout=60) as fritz:
        for name, client in (("eva", eva), ("fritz", fritz)):
            assert client.post("/portal/sign-in", data={"name": name, "password": PASSWORD}).status_code == 303
        assert does(eva, "calculate") == 303
        until(clients["anna"], run, lambda x: x["state"] == "in_review")
        assert "2,201.50" in eva.get(page).text
        assert eva.post(f"{page}/approve", data={"csrf": "x", "tag": "y"}).status_code == 403
        assert "is not on it" not in eva.get(page).text
        assert does(eva, "issue") == 409
        excluded = post(clients["anna"], f"/{run}/exclusions", "k5", {"contract": "C-F02", "reason": "<disputed>"})
        assert excluded.status_code == 200
        assert '<div lang="en">C-F02 is not on it: excluded, &lt;disputed&gt;</div>' in eva.get(page).text
        one = eva.get(f"{page}?state=excluded").text
        assert ("<b>C-F01</b>" in one, "<b>C-F02</b>" in one) == (False, True)
        links = re.findall(
            r'<a href="([^"]+)"(?: aria-current="true")?>((?:All|Warning|Excluded|Blocked) \d+)</a>', one
        )
        assert links == [
            (page, "All 2"),
            (f"{page}?state=warning", "Warning 1"),
            (f"{page}?state=excluded", "Excluded 1"),
        ]
        assert does(eva, "approve") == 303
        assert does(fritz, "issue") == 303
        until(clients["anna"], run, lambda x: x["state"] == "issued")
        assert "· 1 invoice<" in fritz.get(page).text
        assert f'href="{page}"' in fritz.get("/portal/billing-runs").text
        assert fritz.get("/portal/finance").text.count(f'href="{page}"') == 1
