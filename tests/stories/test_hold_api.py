"""Holds over HTTP and on the operator's page: found, looked at with their evidence, decided, and taken back."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from sqlalchemy import Engine

from api import authentication
from api.store import Role
from contracts.store import view
from core.database import transaction
from tests.served import AT, serving
from tests.stories.story import Story, case

pytestmark = pytest.mark.services
PASSWORD = "a-password-for-tests"
WHO: dict[str, tuple[Role, str]] = {
    "ops": ("operator", "Tyre Supplier"), "fin": ("finance", "Tyre Supplier"), "kim": ("customer", "Haulier"),
}  # fmt: skip
SPAN = {"since": "2026-06-01T00:00:00Z", "before": "2026-06-11T00:00:00Z"}
Call = Callable[..., httpx.Response]


@pytest.fixture
def call(engine: Engine, database: str) -> Iterator[Call]:
    yield from calling(engine, database)


def calling(engine: Engine, database: str) -> Iterator[Call]:
    """T1, of which Haulier's contract covers June, with 1000, 1100, 50, 150 km, and T2 that nobody covers."""
    story = Story(engine)
    story.assets("T1", "T2")
    story.contract(case("w03-counters")[0])
    for asset in ("T1", "T2"):
        shown = (("2026-06-01", "1000"), ("2026-06-02", "1100"), ("2026-06-03", "50"), ("2026-06-04", "150"))
        story.odometer(asset, *shown)
    story.gauge("T1", "pressure", "bar", ("2026-06-03 10:20", "8.5"), ("2026-06-03 10:40", "7.9"),
                ("2026-06-03 11:10", "8.1"))  # fmt: skip
    keys: dict[str, str] = {}
    with transaction(engine) as connection:
        parties = view.parties(connection)
        for name, (role, party) in WHO.items():
            key = parties[party]
            _, keys[name] = authentication.new_key(connection, name=name, role=role, party=key, at=AT)
        authentication.new_person(
            connection, name="ops", title="O", password=PASSWORD, role="operator", party=parties["Tyre Supplier"], at=AT
        )
        authentication.new_person(
            connection, name="kim", title="K", password=PASSWORD, role="customer", party=parties["Haulier"], at=AT
        )
    with serving(database) as address, httpx.Client(base_url=address, timeout=30) as client:

        def done(who: str, method: str, path: str, **more: object) -> httpx.Response:
            headers = {"Authorization": f"Bearer {keys[who]}", "Idempotency-Key": str(more.pop("once", more))}
            return client.request(method, path, headers=headers if who else {}, **more)  # type: ignore[arg-type]

        done.client = client  # type: ignore[attr-defined]
        yield done


def waiting(call: Call, who: str, **more: str) -> list[str]:
    page = call(who, "GET", "/v1/holds", params={**SPAN, **more}).json()
    return [f"{one['asset']} {one['before']} {one['after']} {one['at_stake']} {one['unit']}" for one in page["items"]]


def first(call: Call) -> str:
    return str(call("ops", "GET", "/v1/holds", params=SPAN).json()["items"][0]["hold"])


def test_an_operator_decides_and_takes_back_and_a_customer_looks_on(call: Call) -> None:
    assert waiting(call, "ops") == ["T1 1100.000 50.000 50.000 km", "T2 1100.000 50.000 50.000 km"]
    assert waiting(call, "kim") == ["T1 1100.000 50.000 50.000 km"]
    page = call("ops", "GET", "/v1/holds", params={**SPAN, "limit": "1"}).json()
    assert waiting(call, "ops", cursor=page["next_cursor"]) == ["T2 1100.000 50.000 50.000 km"]
    hold = first(call)
    path, wanted = f"/v1/holds/{hold}/decisions", {"kind": "bill", "quantity": "60 km", "reason": "trip log"}
    for who in ("kim", "fin"):
        assert call(who, "POST", path, json=wanted).json()["code"] == "role_not_allowed"
    seen = call("kim", "GET", f"/v1/holds/{hold}").json()
    # The day before, 1100 - 1000 were used.
    assert (seen["state"], seen["before"], seen["after"], seen["usual"]) == ("open", "1100.000", "50.000", "100")
    assert [one["value"] for one in seen["readings"]] == ["1000.000", "1100.000", "50.000", "150.000"]
    done = call("ops", "POST", path, json=wanted, once="a")
    again = call("ops", "POST", path, json=wanted, once="a")
    assert (done.status_code, again.headers["Idempotency-Replayed"], again.json()) == (201, "true", done.json())
    assert [(one["kind"], one["quantity"], one["author"].startswith("key:")) for one in done.json()["decisions"]] == [
        ("bill", "60.000", True)
    ]
    assert (done.json()["state"], waiting(call, "kim")) == ("decided", [])

    back = call("ops", "POST", path, json={"kind": "reopened", "reason": "wrong truck"})
    assert (back.json()["state"], waiting(call, "kim")) == ("open", ["T1 1100.000 50.000 50.000 km"])
    assert [one["kind"] for one in back.json()["decisions"]] == ["bill", "reopened"]


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"kind": "bill", "reason": "x"}, "give the quantity that was used"),
        ({"kind": "void", "quantity": "1 km", "reason": "x"}, "leave it out"),
        ({"kind": "bill", "quantity": "1 l", "reason": "x"}, "give it in km"),
        ({"kind": "bill", "quantity": "much", "reason": "x"}, "write it as"),
        ({"kind": "reopened", "reason": "x"}, "it waits already"),
        ({"kind": "void", "reason": " "}, "say why"),
    ],
)
def test_what_cannot_be_decided_is_refused_with_what_would_be_right(
    call: Call, wanted: dict[str, str], says: str
) -> None:
    answer = call("ops", "POST", f"/v1/holds/{first(call)}/decisions", json=wanted)
    assert (answer.status_code, answer.json()["code"]) == (422, "refused")
    assert says in answer.json()["errors"][0]["detail"]
    assert len(waiting(call, "ops")) == 2


def test_what_is_no_hold_is_not_there(call: Call) -> None:
    other = re.sub(r"^\d+", "999999999", first(call))
    for reference in ("x", "1.2", "1.5.9", other, f"9{'9' * 30}.1.2"):
        assert call("ops", "GET", f"/v1/holds/{reference}").status_code == 404, reference
    # T2 is nobody's: a customer finds no trace of it.
    hold = call("ops", "GET", "/v1/holds", params=SPAN).json()["items"][1]["hold"]
    assert call("kim", "GET", f"/v1/holds/{hold}").status_code == 404


def test_resets_and_estimates_are_stated_over_http(call: Call) -> None:
    assets = {one["name"]: one["id"] for one in call("kim", "GET", "/v1/assets").json()["items"]}
    assert list(assets) == ["T1"]
    here, span = (
        f"/v1/assets/{assets['T1']}",
        {**SPAN, "before": "2026-06-03T22:00:00Z", "since": "2026-05-31T22:00:00Z"},
    )

    def used() -> list[str]:
        answer = call("kim", "GET", f"{here}/usage", params={**span, "register": "vehicle/odometer"}).json()
        assert answer["timezone"] == "Europe/Berlin"
        return [one["quantity"] for one in answer["rows"]]

    # 100 km, the fall is held, 100 km.
    assert used() == ["100", "0", "100"]
    reset = {
        "register": "vehicle/odometer",
        "at": "2026-06-02T10:00:00Z",
        "closing": "1150 km",
        "reason": "new display",
    }
    assert call("kim", "POST", f"{here}/resets", json=reset).status_code == 403
    assert call("ops", "POST", f"{here}/resets", json=reset).status_code == 201
    # 50 to the reset and 50 from zero.
    assert used() == ["100", "100", "100"]
    assert call("ops", "POST", f"{here}/resets", json={**reset, "closing": None, "void": True}).status_code == 201
    assert used() == ["100", "0", "100"]
    noted = {"register": "vehicle/odometer", "starts_at": "2026-06-01T22:00:00Z", "ends_at": "2026-06-02T22:00:00Z",
             "quantity": "95 km", "reason": "mean of May"}  # fmt: skip
    assert call("ops", "POST", f"{here}/estimates", json=noted).status_code == 201
    answer = call("kim", "GET", f"{here}/usage", params=span).json()
    assert [(one["quantity"], one["method"]) for one in answer["estimates"]] == [("95.000", "by hand")]
    assert call("ops", "POST", f"{here}/estimates", json={**noted, "quantity": None}).status_code == 201
    assert call("kim", "GET", f"{here}/usage", params=span).json()["estimates"] == []


def test_a_gauge_is_shown_by_hour(call: Call) -> None:
    (asset,) = call("kim", "GET", "/v1/assets").json()["items"]
    asked = {"since": "2026-06-03T07:00:00Z", "before": "2026-06-03T10:00:00Z", "register": "vehicle/pressure"}
    found = call("kim", "GET", f"/v1/assets/{asset['id']}/levels", params=asked).json()
    # 10:20, 10:40 and 11:10 in Berlin are 08:20, 08:40 and 09:10.
    assert [(one["readings"], one["lowest"], one["highest"], one["last"]) for one in found["rows"]] == [
        (0, None, None, None), (2, "7.900", "8.500", "7.900"), (1, "8.100", "8.100", "8.100"),
    ]  # fmt: skip
    # 8.5 over 20 minutes and 7.9 over as many; then 7.9 over 10 and 8.1 over 50.
    assert [(one["mean"], one["coverage"]) for one in found["rows"]] == [
        (None, "0.000000"), ("8.2", "0.666666"), ("121/15", "1.000000"),
    ]  # fmt: skip
    later = call("kim", "GET", f"/v1/assets/{asset['id']}/levels", params={**asked, "since": "2026-06-03T09:00:00Z"})
    assert [one["mean"] for one in later.json()["rows"]] == ["121/15"]
    wrong = call("kim", "GET", f"/v1/assets/{asset['id']}/levels", params={**asked, "register": "vehicle/odometer"})
    assert "it has vehicle/pressure" in wrong.json()["detail"]


def test_an_operator_decides_on_the_page(call: Call) -> None:
    client: httpx.Client = call.client  # type: ignore[attr-defined]
    hold = first(call)
    signed = client.post("/portal/sign-in", data={"name": "ops", "password": PASSWORD})
    assert signed.status_code == 303
    address = f"/portal/holds/{hold}"
    page = client.get(address).text
    token = re.search(r'name="csrf" value="([^"]+)"', page)
    assert token is not None
    assert "1,100.000 → 50.000 km" in page
    filled = {"kind": "bill", "quantity": "60", "reason": "trip log"}
    assert client.post(address, data=filled).status_code == 403, "without the session's token"
    assert (
        client.post(address, data={**filled, "csrf": token[1]}, headers={"Sec-Fetch-Site": "cross-site"}).status_code
        == 403
    )
    empty = client.post(address, data={**filled, "csrf": token[1], "quantity": ""})
    assert (empty.status_code, "give the quantity that was used" in empty.text, "trip log" in empty.text) == (
        422,
        True,
        True,
    )
    assert client.post(address, data={**filled, "csrf": token[1]}).headers["location"] == address
    page = client.get(address).text
    assert all(word in page for word in ("Decided", "60.000 km", "trip log", "Reopen"))
    assert waiting(call, "ops") == ["T2 1100.000 50.000 50.000 km"]
