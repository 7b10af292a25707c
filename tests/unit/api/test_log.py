"""A log is for programs and people, and for no thief."""

import json
import logging
import re

from api.log import Lines, Text


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "x", "levelno": 30, "levelname": "WARNING", "msg": message, **extra})
    made.args = arguments
    return made


def test_a_line_is_an_object_with_what_was_given_beside_the_message() -> None:
    said = json.loads(Lines().format(record("%d came", 7, stored=5, client="in-1")))
    assert re.fullmatch(r"....-..-..T..:..:..\.\d{3}\+00:00", said.pop("at"))
    assert said == {"level": "warning", "logger": "x", "message": "7 came", "stored": 5, "client": "in-1"}


def test_a_traceback_stays_on_the_line() -> None:
    error = ValueError("a\nb")
    line = Lines().format(record("broke", exc_info=(ValueError, error, None)))
    assert "\n" not in line
    assert json.loads(line)["trace"].endswith("ValueError: a\nb")


def test_a_password_in_an_address_is_never_written() -> None:
    for formatter in (Lines(), Text()):
        said = formatter.format(record("at %s", "mqtts://in-1:Zebra@host:8883 and postgresql+psycopg://me:x@h/d"))
        assert ":x@" not in said
        assert "Zebra" not in said
        assert "me:…@h/d" in said
    assert "s3cret" not in Lines().format(record("at mqtts://in-1:s3cret@host"))
