"""Readings that stand are corrected by people: on the command line and over HTTP, with their trace."""

from collections.abc import Mapping
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import Engine, text
from typer.testing import CliRunner, Result

from api import authentication
from api.commands import correction
from api.store import Role
from core.clock import now
from core.database import transaction
from core.store import current_knowledge
from ingest import run as taking
from ingest.batch import Arrival, Batch, examine
from ingest.store import register
from tests.served import serving
from tests.stories.ingesting import START, declare, message, odometer, stamp

pytestmark = pytest.mark.services
FIRST = stamp(START + timedelta(minutes=10))
PARTY = text("INSERT INTO contracts.party (public_id, name, created_at) VALUES ('par_a', 'A', now()) RETURNING id")
ROLES: tuple[Role, ...] = ("operator", "customer")
COUNTS = text("""
    SELECT e.value FROM ingest.register AS r
    CROSS JOIN LATERAL ingest.effective(r.id, :at, cast(:at AS timestamptz) + interval '1 us', :known) AS e
    WHERE r.name = 'odometer'
""")


@pytest.fixture
def place(engine: Engine, unique: str) -> str:
    """A register with a reading of 1.001 km after one of 0 km, and a state."""
    declare(engine, [f"dev-{unique}"])
    sent = message(f"dev-{unique}", odometer(0), odometer(1), {"register": "state", "at": FIRST, "value": "running"})
    with transaction(engine) as connection:
        registry = register.snapshot(connection, now())
    batch = Batch()
    arrival = Arrival(0, 0, 1, sent.topic.encode(), sent.payload, registry.taken_at)
    batch.add(arrival, examine(arrival, registry))
    assert taking.write(engine, batch, now(), client="test").counts[0].stored == 3
    return f"dev-{unique}/odometer"


def call(command: CliRunner, *words: str) -> Result:
    return command.invoke(correction.readings, list(words))


def counts(engine: Engine, known: int | None = None) -> list[int]:
    """What the odometer's reading counts as, as known then or now."""
    with transaction(engine) as connection:
        asked = {"at": FIRST, "known": known or current_knowledge(connection)}
        return list(connection.execute(COUNTS, asked).scalars())


def newest(engine: Engine) -> int:
    """What is shown as the odometer's newest reading."""
    asked = text("SELECT value FROM ingest.latest JOIN ingest.register ON register = id WHERE name = 'odometer'")
    with engine.connect() as connection:
        return int(connection.execute(asked).scalar_one())


def test_a_reading_counts_as_corrected_void_and_as_before_again(engine: Engine, place: str, command: CliRunner) -> None:
    with transaction(engine) as connection:
        earlier = current_knowledge(connection)
    done = call(command, "correct", place, FIRST, "1.5 km", "--reason", "dashboard photo", "--by", "anna")
    assert (done.exit_code, counts(engine)) == (0, [1500])
    assert f"counted as 1.001 km, and from number {earlier + 1} on as 1.500 km" in done.output
    assert "already" in call(command, "correct", place, FIRST, "1500 m", "--reason", "again").output
    assert call(command, "correct", place, FIRST, "--void", "--reason", "sensor off", "--by", "bob").exit_code == 0
    assert (counts(engine), newest(engine)) == ([], 0)
    assert call(command, "revert", place, FIRST, "--reason", "it was on").exit_code == 0
    assert (counts(engine), newest(engine)) == ([1500], 1500)
    assert call(command, "revert", place, FIRST, "--reason", "wrong truck").exit_code == 0
    assert counts(engine) == [1001]
    assert counts(engine, earlier) == counts(engine, earlier + 4) == [1001]
    assert (counts(engine, earlier + 1), counts(engine, earlier + 2)) == ([1500], [])
    assert "nothing to revert" in call(command, "revert", place, FIRST, "--reason", "x").output
    with engine.connect() as connection:
        audited = connection.execute(
            text("SELECT actor, action, detail->'before', detail->'after' FROM core.audit "
                 "WHERE action LIKE 'reading.%' ORDER BY id")
        ).all()  # fmt: skip
    assert [tuple(row) for row in audited] == [
        ("anna", "reading.correct", 1001, 1500),
        ("bob", "reading.correct", 1500, None),
        ("command line", "reading.revert", None, 1500),
        ("command line", "reading.revert", 1500, 1001),
    ]
    listed = call(command, "corrections", "--device", place.partition("/")[0]).output
    assert [line.split("│")[5].strip() for line in listed.splitlines() if place in line] == [
        "1.001 km", "1.500 km", "void", "1.500 km",
    ]  # fmt: skip


def test_a_state_is_corrected_by_its_name(engine: Engine, place: str, command: CliRunner) -> None:
    state = place.replace("odometer", "state")
    done = call(command, "correct", state, FIRST, "external", "--reason", "road closed")
    assert (done.exit_code, "counted as running" in done.output, "as external" in done.output) == (0, True, True)
    assert counts(engine) == [1001]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("{}", "2026-01-01T00:00:00Z", "1"), "has no reading at"),
        (("{}", FIRST, "1 l"), "The unit does not convert"),
        (("{}", FIRST, "-1"), "outside the range"),
        (("{}", FIRST, "about 7"), "not an exact decimal number"),
        (("{}", "yesterday", "1"), "is no instant; write it as"),
        (("{}", FIRST[:-1], "1"), "is no instant; write it as"),
        (("{}x", FIRST, "1"), "there is no register"),
        (("{}", FIRST), "give a value, or --void"),
        (("{}", FIRST, "1", "--void"), "give a value, or --void"),
    ],
)
def test_what_cannot_be_is_refused_with_what_would_be_right(
    engine: Engine, place: str, command: CliRunner, words: tuple[str, ...], says: str
) -> None:
    done = call(command, "correct", *(word.format(place) for word in words), "--reason", "x")
    assert (done.exit_code, says in done.output.replace("\n", " ")) == (2, True), done.output
    assert call(command, "correct", place, FIRST, "2", "--reason", " ").exit_code == 2
    assert counts(engine) == [1001]


def test_an_operators_key_corrects_over_http_and_nobody_elses(engine: Engine, database: str, place: str) -> None:
    with transaction(engine) as connection:
        party = connection.execute(
            text(
                "INSERT INTO contracts.party (public_id, name, created_at) VALUES ('par_a', 'Acme', now()) RETURNING id"
            )
        ).scalar_one()
        keys = {
            role: authentication.new_key(connection, name=role, role=role, party=party, at=now())[1] for role in ROLES
        }
    wanted = {"register": place, "at": FIRST, "value": "1.5", "reason": "photo"}
    with serving(database) as address, httpx.Client(base_url=address) as client:

        def post(path: str, role: Role, body: Mapping[str, object]) -> httpx.Response:
            return client.post(f"/v1/corrections{path}", json=body, headers={"Authorization": f"Bearer {keys[role]}"})

        assert client.post("/v1/corrections", json=wanted).status_code == 401
        assert post("", "customer", wanted).status_code == 403
        assert counts(engine) == [1001]
        done = post("", "operator", wanted).json()
        assert (done["before"], done["after"], done["unit"]) == ("1.001", "1.500", "km")
        assert (counts(engine), newest(engine)) == ([1500], 1500)
        assert post("", "operator", wanted).json()["number"] is None
        assert post("", "operator", wanted | {"value": None}).json()["after"] is None
        # The reading before it counts as the newest: 0 km.
        assert (counts(engine), newest(engine)) == ([], 0)
        refused = post("", "operator", wanted | {"value": "1 l"})
        assert (refused.status_code, refused.json()["code"]) == (422, "invalid_parameter")
        assert (
            post("/revert", "operator", {k: wanted[k] for k in ("register", "at", "reason")}).json()["after"] == "1.500"
        )
        assert newest(engine) == 1500
        asked = {"Authorization": f"Bearer {keys['operator']}"}
        page = client.get("/v1/corrections?limit=2", headers=asked).json()
        rest = client.get("/v1/corrections", params={"cursor": page["next_cursor"]}, headers=asked).json()
        assert [one["value"] for one in page["items"] + rest["items"]] == ["1.500", None, "1.500"]
        assert page["items"][0]["reverts"] == page["items"][1]["number"]
        assert rest["next_cursor"] is None


def test_a_void_reading_that_is_sent_again_does_not_come_back_as_the_newest(
    engine: Engine, place: str, command: CliRunner
) -> None:
    assert call(command, "correct", place, FIRST, "--void", "--reason", "sensor off").exit_code == 0
    # The device missed the receipt: it sends the void reading again, with a new one of another register.
    name = place.partition("/")[0]
    state = {"register": "state", "at": stamp(START + timedelta(minutes=20)), "value": "idle"}
    again = message(name, odometer(1), state, seq=1)
    with transaction(engine) as connection:
        registry = register.snapshot(connection, now())
    batch = Batch()
    arrival = Arrival(0, 0, 1, again.topic.encode(), again.payload, registry.taken_at)
    batch.add(arrival, examine(arrival, registry))
    counted = taking.write(engine, batch, now(), client="test").counts[0]
    assert (counted.stored, counted.duplicate) == (1, 1)
    assert (counts(engine), newest(engine)) == ([], 0)
