"""The quarantine as a work list: each item leaves it once, by a person's action, with its trace."""

import json
import re

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner, Result

from api.commands import ingest
from core.clock import now
from core.database import transaction
from ingest.review import run
from ingest.review.item import Ruling, wrapped
from ingest.store import review
from tests.stories.ingesting import (
    Sent,
    count,
    declare,
    ending,
    eventually,
    ingesting,
    message,
    odometer,
    publish,
    reasons,
)

pytestmark = pytest.mark.services
OLD = "2020-01-01T00:00:00Z"


def take_in(engine: Engine, broker: str, unique: str, *messages: Sent) -> None:
    items = sum(1 if "ghost" in one.topic else len(json.loads(one.payload)["readings"]) for one in messages)
    before = ending(engine).received
    with ingesting(engine, broker, f"in-{unique}"):
        publish(broker, messages, client_id=unique)
        eventually(lambda: ending(engine).received == before + items)


def call(command: CliRunner, *words: str) -> Result:
    return command.invoke(ingest.readings, ["quarantine", *words])


def only(engine: Engine, reason: str) -> str:
    """The one open item of a reason."""
    with transaction(engine) as connection:
        (entry,) = review.find(connection, reason=reason, most=2)
    return entry.reference


def values(engine: Engine) -> list[tuple[int, int]]:
    """Raw and effective value of every reading, by time."""
    with engine.connect() as connection:
        rows = connection.execute(
            text("""SELECT r.value, e.value FROM ingest.reading AS r
                CROSS JOIN LATERAL ingest.effective(r.register, r.at, r.at + interval '1 us', 1000000) AS e
                ORDER BY r.at""")
        )
        return [(raw, effective) for raw, effective in rows]


def test_open_items_are_grouped_and_shown_among_their_neighbours(
    engine: Engine, broker: str, unique: str, device: str, command: CliRunner
) -> None:
    good = message(device, odometer(1), odometer(3))
    bad = message(device, odometer(2, unit="l"), odometer(4, unit="l"), odometer(1, "9.5"))
    take_in(engine, broker, unique, good, bad)
    grouped = call(command, "groups").output
    assert re.search(rf"wrong_unit .*{device} .* 2 ", grouped)
    shown = call(command, "show", only(engine, "conflict"))
    assert shown.exit_code == 0
    lines = shown.output.splitlines()
    assert [line.split("  ")[1:] for line in lines[-3:]] == [
        ["1001 ticks"],
        ["9500 ticks", "<- this item"],
        ["3003 ticks"],
    ]
    assert '"9.5"' in shown.output


def test_a_released_conflict_counts_instead_of_what_stands(
    engine: Engine, broker: str, unique: str, device: str, command: CliRunner
) -> None:
    take_in(engine, broker, unique, message(device, odometer(1)), message(device, odometer(1, "1.5"), seq=1))
    released = call(command, "release", only(engine, "conflict"), "--note", "the second is right", "--by", "anna")
    assert (released.exit_code, "corrected 1" in released.output) == (0, True)
    assert values(engine) == [(1001, 1500)]
    with engine.connect() as connection:
        override = connection.execute(text("SELECT author, reason FROM ingest.reading_override")).one()
        audited = connection.execute(
            text("SELECT actor, detail FROM core.audit WHERE action = 'quarantine.release'")
        ).one()
    assert tuple(override) == ("anna", "the second is right")
    assert (audited.actor, audited.detail["note"], len(audited.detail["items"])) == ("anna", "the second is right", 1)
    assert call(command, "groups").output.count("conflict") == 0


def test_a_release_overlooks_the_window_but_not_what_cannot_be_read(
    engine: Engine, broker: str, unique: str, device: str, command: CliRunner
) -> None:
    take_in(engine, broker, unique, message(device, odometer(0, "7", at=OLD), odometer(1, "NaN")))
    assert call(command, "release", only(engine, "too_old"), "--note", "history").exit_code == 0
    refused = call(command, "release", only(engine, "bad_value"), "--note", "history")
    assert (refused.exit_code, "bad_value" in refused.output) == (1, True)
    assert values(engine) == [(7000, 7000)]


def test_a_correction_says_what_was_meant_and_is_linked(
    engine: Engine, broker: str, unique: str, device: str, command: CliRunner
) -> None:
    take_in(engine, broker, unique, message(device, odometer(1, "NaN")))
    reference = only(engine, "bad_value")
    assert call(command, "correct", reference, "colour=red", "--note", "x").exit_code == 2
    assert call(command, "correct", reference, "value=x", "--note", "x").exit_code == 1
    assert call(command, "correct", reference, "value=1.25", "--note", " ").exit_code == 2
    assert count(engine, "ingest.quarantine_action") == 0
    assert call(command, "correct", reference, "value=1.25", "--note", "read from the dashboard").exit_code == 0
    assert values(engine) == [(1250, 1250)]
    with engine.connect() as connection:
        linked = connection.execute(
            text("""SELECT r.value, r.known = a.known FROM ingest.quarantine_action AS a
                JOIN ingest.reading AS r ON r.register = a.register AND r.at = a.reading_at""")
        ).one()
    assert tuple(linked) == (1250, True)
    assert call(command, "correct", reference, "value=1", "--note", "again").exit_code == 2  # it has left the list


def test_rejecting_takes_an_item_off_the_list_and_keeps_its_evidence(
    engine: Engine, broker: str, unique: str, device: str, command: CliRunner
) -> None:
    take_in(engine, broker, unique, message(device, odometer(1, "NaN")))
    with transaction(engine) as connection:
        entries = review.find(connection, most=2)
    assert call(command, "reject", entries[0].reference, "--note", "sensor broken").exit_code == 0
    assert (count(engine, "ingest.quarantine"), count(engine, "ingest.quarantine_action")) == (1, 1)
    with pytest.raises(IntegrityError):  # two people at once: the second learns it
        run.settle(engine, entries, now(), ruling=Ruling("reject", "bert", "too", {}))


def test_a_replay_after_a_registration_says_first_what_it_would_do(
    engine: Engine, broker: str, unique: str, device: str, command: CliRunner
) -> None:
    ghost = f"ghost-{unique}"
    ghosts = [message(ghost, odometer(n), odometer(n, unit="l"), seq=n) for n in (1, 2)]
    take_in(engine, broker, unique, *ghosts, message(device, odometer(1, "NaN")))
    assert reasons(engine) == {"unknown_device": 2, "bad_value": 1}
    assert "would be closed: 0;" in call(command, "replay").output
    declare(engine, [ghost])
    dry = call(command, "replay").output
    assert "would be closed: 2; stored 2, duplicate 0, corrected 0, quarantined anew 2; still refused: 1" in dry
    assert count(engine, "ingest.reading") == 0
    assert "closed: 0" in call(command, "replay", "--reason", "too_old", "--apply").output
    done = call(command, "replay", "--device", ghost, "--apply").output
    assert done.startswith("closed: 2; stored 2,")
    assert values(engine) == [(1001, 1001), (2002, 2002)]
    assert reasons(engine) == {"unknown_device": 2, "bad_value": 1, "wrong_unit": 2}
    assert call(command, "replay", "--device", ghost, "--apply").output.startswith("closed: 0; stored 0")


def test_numbers_keep_their_digits_in_a_correction() -> None:
    item = b'{"register":"o","at":"t","value":412350.20,"unit":"km","extra":1}'
    assert wrapped(item, {}) == b'{"v":1,"boot":"","seq":0,"readings":[' + item + b"]}"
    corrected = json.loads(wrapped(item, {"unit": "m"}))["readings"]
    assert corrected == [{"register": "o", "at": "t", "value": "412350.20", "unit": "m"}]
