"""The HTTP API on a real server: who sees what, and what wrong questions are answered with."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import httpx
import pytest
from sqlalchemy import Connection, text

from api import store
from core.database import transaction
from ingest.reason import Reason
from tests.fleet import PEOPLE
from tests.served import AT, Served

pytestmark = pytest.mark.services

OCTOBER_KM = 20 * 14 * 31  # 20 km in each of 14 hours of 31 days
MONEY_PATHS = ("standing", "versions", "evaluations", "invoices", "breach-reports", "v1/usage")
FINANCE_PATHS = (
    "billing-runs", "/v1/journal", "/v1/proposals", "/v1/payments", "/v1/bank-returns", "/v1/credit-balances",
    "/v1/overdue-invoices", "/v1/dunning-letters", "/v1/books", "/blocks",
)  # fmt: skip
ELSEWHERE = ("{hold}", "{proposal}", "{payment}", "{letter}", "dunning-letters/due")  # asked in stories of their own
OPERATOR_PATHS = (
    "/v1/corrections", "/v1/quarantine", "/v1/ingest/summary", "/v1/ingest/series", "/v1/silent",
)  # fmt: skip


def every_get(served: Served) -> list[str]:
    """Each GET operation of the API with the ids of the first customer's rows."""
    with served.client("anna") as client:
        paths = client.get("/openapi.json").json()["paths"]
    fleet, october = served.fleet, "C-2041 2026-10"
    ids = {
        "contract": fleet.id("contract", "C-2041"),
        "version": "1",
        "asset": fleet.id("asset", "T1"),
        "evaluation": fleet.id("evaluation", october),
        "invoice": fleet.id("invoice", october),
        "n": "1",
        "report": fleet.id("report", "T3 2026-10"),
        "run": fleet.id("run", "2026-10"),
        "name": "C-2041",
    }
    questions = {
        "/v1/billing-runs/{run}/changes": "?before=1&after=1",
        "/v1/journal": "?entity=Truck%20Supplier%20GmbH&from=2026-10-01&to=2026-12-01",
        **dict.fromkeys(
            ("/v1/payments", "/v1/bank-returns", "/v1/credit-balances", "/v1/overdue-invoices", "/v1/books"),
            "?entity=Truck%20Supplier%20GmbH",
        ),
        "/v1/usage": f"?contract={ids['contract']}&first=2026-10-01&last=2026-10-02",
        "/v1/assets/{asset}/readings": (
            "?register=vehicle/odometer&since=2026-10-01T00:00:00Z&before=2026-10-02T00:00:00Z"
        ),
        "/v1/assets/{asset}/states": "?since=2026-10-01T00:00:00Z&before=2026-10-02T00:00:00Z",
        "/v1/assets/{asset}/holds": "?since=2026-10-01T00:00:00Z&before=2026-10-02T00:00:00Z",
        "/v1/assets/{asset}/coverage": "?since=2026-10-01T00:00:00Z&before=2026-10-02T00:00:00Z",
        "/v1/assets/{asset}/clocks": "?since=2026-10-01T00:00:00Z&before=2026-10-02T00:00:00Z",
        "/v1/assets/{asset}/levels": "?register=vehicle/tank&since=2026-10-01T00:00:00Z&before=2026-10-02T00:00:00Z",
        "/v1/assets/{asset}/refills": "?register=vehicle/tank&since=2026-10-01T00:00:00Z&before=2026-10-02T00:00:00Z",
        "/v1/assets/{asset}/usage": "?since=2026-10-01T00:00:00Z&before=2026-10-02T00:00:00Z",
        "/v1/assets/{asset}/state-time": "?since=2026-10-01T00:00:00Z&before=2026-10-02T00:00:00Z",
    }
    return [
        path.format(**ids) + questions.get(path, "")
        for path, methods in paths.items()
        if "get" in methods and not any(word in path for word in ELSEWHERE)
    ]


def is_finance(path: str) -> bool:
    return any(word in path for word in FINANCE_PATHS)


def test_every_operation_answers_its_owner(served: Served) -> None:
    paths = every_get(served)
    assert len(paths) >= 25
    for path in paths:
        reader = "fin" if is_finance(path) else "ops" if path in OPERATOR_PATHS else "anna"
        with served.client(reader) as client:
            assert client.get(path).status_code == 200, path


def test_without_a_key_nothing_is_answered(served: Served) -> None:
    with served.client() as client:
        for path in every_get(served):
            answer = client.get(path)
            assert answer.status_code == 401, path
            assert answer.json()["code"] == "not_signed_in"
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_another_customer_finds_none_of_it(served: Served) -> None:
    own = re.compile(r"C-3007|S1|S2|20\d\d-\d\d")
    foreign = {identity for (_, name), identity in served.fleet.ids.items() if not own.match(name)}
    foreign |= {"T1", "T2", "T3", "Nordhaul", "C-2041"}
    with served.client("bob") as client:
        for path in every_get(served):
            answer = client.get(path)
            if is_finance(path) or path in OPERATOR_PATHS:
                assert answer.status_code == 403, path
            elif "{" in path or re.search(r"/v1/[a-z-]+/", path) or "contract=" in path:
                assert answer.status_code == 404, path
            else:
                assert answer.status_code == 200, path
                # Whole words only: T1 is not in TS-2026-00011.
                said = set(re.findall(r"[\w-]+", answer.text))
                assert not said & foreign, path


def test_what_is_absent_and_what_is_not_yours_look_the_same(served: Served) -> None:
    with served.client("bob") as client:
        hidden = client.get(f"/v1/invoices/{served.fleet.id('invoice', 'C-2041 2026-10')}").json()
        absent = client.get("/v1/invoices/inv_00000000000000000000000000").json()
    assert hidden | {"request_id": ""} == absent | {"request_id": ""}


def test_a_partner_sees_how_things_stand_and_no_money(served: Served) -> None:
    with served.client("pat") as client:
        for path in every_get(served):
            answer = client.get(path)
            closed = any(word in path for word in MONEY_PATHS) or is_finance(path) or path in OPERATOR_PATHS
            assert answer.status_code == (403 if closed else 200), path
            assert "EUR" not in answer.text.replace('"currency":"EUR"', ""), path
        status = client.get(f"/v1/contracts/{served.fleet.id('contract', 'C-2041')}/status").json()
        worst = next(one for one in status["verdicts"] if one["asset"] == "T3")
    assert worst["state"] == "violated"
    assert worst["values"]["down"] == "30 h"


@contextmanager
def acting(served: Served, name: str | None) -> Iterator[Connection]:
    """The database as the API's role sees it for somebody, without any handler in front of it."""
    with served.worker.connect() as connection, connection.begin() as undone:
        role, party = PEOPLE[name] if name else ("", "")
        key = connection.execute(text("SELECT id FROM contracts.party WHERE name = :n"), {"n": party}).scalar()
        connection.execute(text("SET LOCAL ROLE yardstick_api"))
        connection.execute(
            text("SELECT set_config('yardstick.party', :p, true), set_config('yardstick.role', :r, true)"),
            {"p": str(key or ""), "r": role},
        )
        yield connection
        undone.rollback()


def rows(connection: Connection, table: str) -> int:
    return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - our own names


MONEY_TABLES = (
    *("contracts.standing", "contracts.version", "contracts.evaluation", "contracts.breach", "billing.run"),
    *("billing.draft", "billing.invoice", "billing.line", "billing.transfer", "billing.breach_report"),
)


@pytest.mark.parametrize("name", ["pat", "ops"])
def test_the_database_itself_keeps_money_from_who_has_no_part_in_it(served: Served, name: str) -> None:
    """The operator acts for the provider itself: it is the role that has no part in it."""
    with acting(served, name) as connection:
        assert rows(connection, "contracts.contract") == (1 if name == "pat" else 2)
        assert {table: rows(connection, table) for table in MONEY_TABLES} == dict.fromkeys(MONEY_TABLES, 0)
    with acting(served, "fin") as connection:
        assert all(rows(connection, table) for table in MONEY_TABLES)


def test_the_database_itself_shows_nothing_to_nobody(served: Served) -> None:
    tables = (*MONEY_TABLES, "contracts.contract", "contracts.party", "ingest.asset", "ingest.latest", "ingest.device")
    with acting(served, None) as connection:
        assert {table: rows(connection, table) for table in tables} == dict.fromkeys(tables, 0)


FIRST, LAST = "timestamptz '2026-10-01'", "timestamptz '2026-10-02'"
SPAN = f"{FIRST}, {LAST}"
READINGS = {
    "readings": f"visible.readings(:asset, 'vehicle/odometer', {SPAN}, 10)",
    "skew": f"visible.skew(:asset, {SPAN}, 1000000)",
    "near": (
        "visible.near(ARRAY[1], ARRAY[:register], ARRAY[timestamptz '2026-09-01'], ARRAY[timestamptz '2100-01-01'], "
        "ARRAY[timestamptz '2026-10-01'], timestamptz '2026-10-01', timestamptz '2026-10-01', "
        "timestamptz '2026-10-02', timestamptz '2026-10-02', 1000000)"
    ),
    # A rate of nothing makes each rise a break.
    "turning": (
        "visible.turning(ARRAY[1], ARRAY[:register], ARRAY[timestamptz '2026-10-01'], "
        "ARRAY[timestamptz '2026-10-02'], ARRAY[0::numeric], ARRAY[NULL::interval], "
        "timestamptz '2026-10-01', timestamptz '2026-10-02 00:00:01', 1000000)"
    ),
    "said": (
        "visible.said(ARRAY[1], ARRAY[:register], ARRAY[timestamptz '2026-10-01'], ARRAY[timestamptz '2026-10-02'], "
        f"ARRAY[interval '1 hour'], {SPAN}, 1000000)"
    ),
    "hours": f"visible.hours(ARRAY[1], ARRAY[:register], ARRAY[{FIRST}], ARRAY[{LAST}], {SPAN}, 1000000)",
    "levels": f"visible.levels(ARRAY[1], ARRAY[:register], ARRAY[{FIRST}], ARRAY[{LAST}], {SPAN}, 1000000)",
    "counter_outside": (
        "visible.counter_outside(ARRAY[1], ARRAY[:register], ARRAY[timestamptz '2026-10-02'], "
        "ARRAY[NULL::timestamptz], 1000000)"
    ),
}


@pytest.mark.parametrize("function", READINGS)
def test_readings_are_shown_to_whose_contract_covers_the_asset(served: Served, function: str) -> None:
    with served.worker.connect() as connection:
        found = connection.execute(
            text("""
            SELECT a.id AS asset, g.id AS register FROM ingest.asset AS a JOIN ingest.binding AS b ON b.asset = a.id
            JOIN ingest.register AS g ON g.device = b.device AND g.name = 'odometer' WHERE a.name = 'T1'
        """)
        ).one()
    asked = text(f"SELECT count(*) FROM {READINGS[function]}")  # noqa: S608 - our own names
    keys = {name: getattr(found, name) for name in ("asset", "register") if f":{name}" in READINGS[function]}
    seen = {}
    for name in ("anna", "bob", "pat", "ops", None):
        with acting(served, name) as connection:
            seen[name] = connection.execute(asked, keys).scalar_one() > 0
    assert seen == {"anna": True, "bob": False, "pat": True, "ops": True, None: False}


def test_usage_by_day_adds_up_to_the_month(served: Served) -> None:
    question = {
        "contract": served.fleet.id("contract", "C-2041"),
        "first": "2026-10-01",
        "last": "2026-10-31",
        "asset": "T1",
    }
    with served.client("anna") as client:
        days = client.get("/v1/usage", params=question).json()
        (month,) = client.get("/v1/usage", params=question | {"grain": "month"}).json()["rows"]
    assert days["unit"] == "km"
    assert len(days["rows"]) == 31
    assert sum(Decimal(row["quantity"]) for row in days["rows"]) == Decimal(month["quantity"]) == OCTOBER_KM
    # October in Berlin has 745 hours: it starts and ends at another offset.
    assert month["starts_at"] == "2026-09-30T22:00:00Z"
    assert month["ends_at"] == "2026-10-31T23:00:00Z"


def test_readings_come_in_pages_without_gap_or_overlap(served: Served) -> None:
    question = {
        "register": "vehicle/odometer",
        "since": "2026-10-01T00:00:00Z",
        "before": "2026-10-03T00:00:00Z",
        "limit": "20",
    }
    seen: list[str] = []
    with served.client("anna") as client:
        path = f"/v1/assets/{served.fleet.id('asset', 'T1')}/readings"
        while True:
            page = client.get(path, params=question).json()
            seen += [row["at"] for row in page["items"]]
            if page["next_cursor"] is None:
                break
            question["cursor"] = page["next_cursor"]
    assert len(seen) == len(set(seen)) == 48
    assert seen == sorted(seen)


def test_states_are_spans_that_touch(served: Served) -> None:
    question = {"since": "2026-11-10T00:00:00Z", "before": "2026-11-12T00:00:00Z"}
    with served.client("anna") as client:
        spans = client.get(f"/v1/assets/{served.fleet.id('asset', 'T3')}/states", params=question).json()
    assert spans[0]["from"] == question["since"]
    assert all(one["to"] == other["from"] for one, other in pairwise(spans))
    fault = next(one for one in spans if one["category"] == "fault")
    assert (fault["from"], fault["to"]) == ("2026-11-10T00:00:00Z", "2026-11-11T06:00:00Z")


def test_coverage_counts_what_came_for_whose_asset_it_is(served: Served) -> None:
    question = {"since": "2026-11-10T00:00:00Z", "before": "2026-11-12T00:00:00Z"}
    with served.client("anna") as client:
        rows = client.get(f"/v1/assets/{served.fleet.id('asset', 'T3')}/coverage", params=question).json()
        found = client.get(f"/v1/assets/{served.fleet.id('asset', 'T3')}/holds", params=question)
        readings = client.get(
            f"/v1/assets/{served.fleet.id('asset', 'T3')}/readings",
            params={**question, "register": "vehicle/odometer", "limit": 200},
        ).json()["items"]
    (odometer,) = [one for one in rows if one["path"] == "vehicle/odometer"]
    assert (odometer["received"], odometer["gaps"]) == (len(readings), [])
    assert found.json() == []


def test_an_invoice_line_explains_itself(served: Served) -> None:
    invoice = served.fleet.id("invoice", "C-2041 2026-10")
    with served.client("anna") as client:
        said = client.get(f"/v1/invoices/{invoice}/lines/13/explanation").json()
        whole = client.get(f"/v1/invoices/{invoice}").json()
        lines = client.get(f"/v1/invoices/{invoice}/lines", params={"limit": 200}).json()["items"]
    assert said["line"]["amount"] == "364.56"  # 8680 km at 0.0420
    assert (said["evidence"][0]["use"], said["evidence"][0]["unit"]) == (f"{OCTOBER_KM}000", "m")
    assert "364.56" in said["steps"][-1]["result"]
    assert sum(Decimal(line["amount"]) for line in lines) == Decimal(whole["net"])
    assert Decimal(whole["gross"]) == Decimal(whole["net"]) + Decimal(whole["tax"])


def test_a_document_that_never_changes_is_sent_once(served: Served) -> None:
    path = f"/v1/invoices/{served.fleet.id('invoice', 'C-2041 2026-10')}"
    with served.client("anna") as client:
        first = client.get(path)
        again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.content == b""


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/contracts?limit=0", 422, "invalid_request"),
        ("/v1/contracts?cursor=nonsense", 422, "invalid_cursor"),
        ("/v1/contracts?cursor=WyJhIl0", 422, "invalid_cursor"),
        ("/v1/usage?contract={contract}&first=2026-10-02&last=2026-10-01", 422, "invalid_parameter"),
        ("/v1/usage?contract={contract}&first=2026-10-01&last=2026-10-02&measure=ink", 422, "invalid_parameter"),
        ("/v1/assets/{asset}/states?since=2026-01-01T00:00:00Z&before=2026-09-01T00:00:00Z", 422, "invalid_parameter"),
        (
            "/v1/assets/{asset}/readings?register=x/y&since=2026-01-01T00:00:00Z&before=2026-01-02T00:00:00Z",
            422,
            "invalid_parameter",
        ),
        ("/v1/nowhere", 404, "not_found"),
        ("/v1/contracts/{contract}/versions/9", 404, "not_found"),
    ],
)
def test_a_wrong_question_gets_a_problem_with_a_stable_code(served: Served, path: str, status: int, code: str) -> None:
    with served.client("anna") as client:
        ids = {"contract": served.fleet.id("contract", "C-2041"), "asset": served.fleet.id("asset", "T1")}
        answer = client.get(path.format(**ids), headers={"X-Request-ID": "test-1234"})
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert problem["request_id"] == answer.headers["X-Request-ID"] == "test-1234"
    assert problem["type"] == f"urn:yardstick:problem:{code}"


def test_what_was_sent_is_not_echoed(served: Served) -> None:
    with served.client("anna") as client:
        answer = client.get("/v1/contracts", params={"limit": "<script>secret"})
    assert answer.status_code == 422
    assert "secret" not in answer.text


def test_a_method_that_is_not_offered(served: Served) -> None:
    with served.client("anna") as client:
        assert client.post("/v1/contracts").json()["code"] == "method_not_allowed"


def test_a_revoked_key_opens_nothing(served: Served) -> None:
    from api import authentication

    with transaction(served.worker) as connection:
        party = connection.execute(text("SELECT party FROM api.person WHERE name = 'anna'")).scalar_one()
        identity, secret = authentication.new_key(connection, name="old", role="customer", party=party, at=AT)
    headers = {"Authorization": f"Bearer {secret}"}
    with served.client() as client:
        assert client.get("/v1/contracts", headers=headers).status_code == 200
        with transaction(served.worker) as connection:
            store.revoke_key(connection, identity, at=AT)
        assert client.get("/v1/contracts", headers=headers).status_code == 401


def test_guessing_a_password_is_slowed_down(served: Served) -> None:
    with served.client() as client:
        answers = [client.post("/portal/sign-in", data={"name": "guessed", "password": f"x{n}"}) for n in range(6)]
    assert [answer.status_code for answer in answers] == [401] * 5 + [429]


def test_a_form_of_another_site_is_refused(served: Served) -> None:
    with served.signed_in("anna") as client:
        foreign = client.post("/portal/sign-out", headers={"Sec-Fetch-Site": "cross-site"})
        without_token = client.post("/portal/sign-out", data={"csrf": "wrong"})
        assert client.get("/portal/overview").status_code == 200
    assert (foreign.status_code, without_token.status_code) == (403, 403)


def test_quarantine_can_be_looked_at_by_every_reason(served: Served) -> None:
    with served.signed_in("ops") as client:
        answers = {reason: client.get(f"/portal/quarantine?reason={reason}").status_code for reason in Reason}
        unknown = client.get("/portal/quarantine?reason=nonsense")
    assert set(answers.values()) == {200}, answers
    assert unknown.status_code == 422


def test_signing_out_ends_the_session(served: Served) -> None:
    with served.signed_in("anna") as client:
        token = re.search(r'name="csrf" value="([^"]+)"', client.get("/portal/overview").text)
        assert token
        client.post("/portal/sign-out", data={"csrf": token[1]})
        assert client.get("/portal/overview").status_code == 303


def test_sign_in_leads_back_to_this_portal_only(served: Served) -> None:
    with served.client() as client:
        for wanted in (
            "https://evil.example/portal",
            "//evil.example",
            "/portal/..//evil",
            "javascript:alert(1)",
            "/\\evil",
        ):
            answer = client.post(
                "/portal/sign-in", data={"name": "anna", "password": "a-password-for-tests", "next": wanted}
            )
            assert answer.headers["Location"].startswith("/portal"), wanted


def test_health_needs_no_key(served: Served) -> None:
    with served.client() as client:
        assert client.get("/healthz").json() == {"status": "ok"}


def test_every_answer_is_guarded(served: Served) -> None:
    with served.client() as client:
        for path in ("/v1/contracts", "/portal/sign-in", "/docs", "/static/portal.css", "/nowhere"):
            headers = client.get(path).headers
            assert "default-src 'none'" in headers["Content-Security-Policy"], path
            assert headers["X-Content-Type-Options"] == "nosniff", path


def stream_of(client: httpx.Client, path: str, last: str = "") -> tuple[str, str]:
    """The first event of a stream: its id and its data."""
    headers = {"Last-Event-ID": last} if last else {}
    lines: list[str] = []
    with client.stream("GET", path, headers=headers) as answer:
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        for line in answer.iter_lines():
            if not line:
                break
            lines.append(line)
    identity = "".join(line.removeprefix("id: ") for line in lines if line.startswith("id: "))
    return identity, "\n".join(line.removeprefix("data: ") for line in lines if line.startswith("data: "))


def test_a_stream_shows_a_party_its_own_bill_only(served: Served) -> None:
    path = f"/portal/stream?contract={served.fleet.id('contract', 'C-2041')}"
    with served.signed_in("anna") as anna, served.signed_in("bob") as bob, served.signed_in("pat") as pat:
        _, own = stream_of(anna, path)
        _, foreign = stream_of(bob, path)
        _, status = stream_of(pat, path)
    assert 'hx-target="#cost"' in own
    assert 'hx-target="#cost"' not in foreign + status
    assert "€" not in foreign + status
    with served.client() as nobody:
        assert nobody.get(path).status_code == 303


def test_a_page_that_comes_back_is_told_nothing_it_knows(served: Served) -> None:
    path = f"/portal/stream?contract={served.fleet.id('contract', 'C-2041')}"
    with served.signed_in("anna") as client:
        identity, first = stream_of(client, path)
        again, second = stream_of(client, path, last=identity)
    assert first
    assert (again, second) == ("", "")


def test_times_are_utc_and_the_zone_is_named(served: Served) -> None:
    with served.client("anna") as client:
        standing = client.get(f"/v1/contracts/{served.fleet.id('contract', 'C-2041')}/standing").json()
    assert datetime.fromisoformat(standing["until"]).utcoffset() == AT.utcoffset() == UTC.utcoffset(None)
    assert sum(Decimal(line["amount"].split()[0]) for line in standing["lines"]) == Decimal(
        standing["total"].split()[0]
    )


def test_a_page_speaks_the_language_of_its_reader(served: Served) -> None:
    """Their own, else that of their bills, else what the browser asks for; programs' forms are the same in all."""
    french = {"Accept-Language": "fr-CA,fr;q=0.8"}
    with served.signed_in("fin") as client, served.signed_in("anna") as customer:
        machine = client.get("/portal/bill.csv", headers=french).text
        assert '<html lang="fr">' in client.get("/portal/finance", headers=french).text
        assert '<html lang="en">' in customer.get("/portal/overview", headers=french).text
        page = client.get("/portal/finance").text
        csrf = re.search(r'name="csrf" value="([^"]+)"', page)
        assert csrf is not None
        try:
            chosen = {"csrf": csrf[1], "language": "de", "next": "/portal/contracts?cursor="}
            answer = client.post("/portal/language", data=chosen, headers=french)
            assert (answer.status_code, answer.headers["Location"]) == (303, "/portal/contracts?cursor=")
            assert "<h1>Übersicht</h1>" in client.get("/portal/finance", headers=french).text
            assert "<h1>Das gibt es nicht</h1>" in client.get("/portal/invoices/none", headers=french).text
            assert client.get("/portal/bill.csv").text == machine
            refused = client.post("/portal/language", data=chosen | {"csrf": "wrong", "language": "en"})
            unknown = client.post("/portal/language", data=chosen | {"language": "nl"})
            assert (refused.status_code, unknown.status_code) == (403, 422)
            assert "<h1>Anmelden</h1>" in client.get("/portal/sign-in", headers=french).text
        finally:
            with transaction(served.worker) as connection:
                assert store.speak(connection, "fin", None)
    with served.client() as nobody:
        assert "<h1>Anmelden</h1>" in nobody.get("/portal/sign-in?language=de").text
        assert "<h1>Anmelden</h1>" in nobody.get("/portal/sign-in", headers=french).text
