"""Which language a page speaks, and that what goes wrong is said in it."""

from gettext import NullTranslations
from typing import get_args

import pytest

from api.errors import ANSWERS, BY_STATUS, UNFORESEEN
from api.portal import page, tongue, uptime, word
from api.portal.told import SAID, told
from billing.state import DRAFT_STATES, State
from contracts.facts import CATEGORIES
from contracts.store.report import TABLES
from core.problem import Problem
from ingest.reason import Reason


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("de-AT,de;q=0.9,en;q=0.8", "de"),
        ("nl,fr;q=0.5,en;q=0.7", "en"),
        ("en;q=0.1, FR-ca ; q=0.2", "fr"),
        ("de;q=0,fr;q=0.1", "fr"),
        ("nl-NL, nl", "en"),
        ("", "en"),
        ("*", "en"),
        ("de;q=high", "en"),
        ("de;q=²,fr", "fr"),  # a digit that is no number
    ],
)
def test_a_browser_says_what_it_prefers(accepted: str, language: str) -> None:
    assert tongue.preferred(accepted) == language


def german() -> NullTranslations:
    return tongue.catalog("de")


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("no invoice of yours has this id", "Keine Ihrer Rechnungen hat diese Kennung"),
        ("Too many attempts; try again in 15 minutes.", "Zu viele Versuche; versuchen Sie es in 15 Minuten wieder."),
        (
            "this is for customer, finance; you act as partner",
            "Dies ist für: Kunden, Buchhaltung; Sie handeln für: Partner",
        ),
        (
            Problem("row 1", "is an empty or inverted span", "to is after from"),
            "row 1: ist eine leere oder verkehrte Zeitspanne (das Ende liegt nach dem Anfang)",
        ),
        ("'<b>' is no month; write it as 2026-06", "„&lt;b&gt;“ ist kein Monat; schreiben Sie ihn als 2026-06"),
        ("nobody foresaw <this>", '<span lang="en">nobody foresaw &lt;this&gt;</span>'),
    ],
)
def test_what_went_wrong_is_told_from_its_words(said: str | Problem, shown: str) -> None:
    assert told(said, german()) == shown


def test_in_english_it_stays_what_was_said() -> None:
    english = tongue.catalog("en")
    assert told("No such luck", english) == "No such luck"
    assert told(Problem("at", "is missing", "leave it out"), english) == "at: is missing (leave it out)"


def test_every_page_of_an_error_has_its_title_in_every_language() -> None:
    titles = {one.title for one in (*ANSWERS.values(), *BY_STATUS.values(), UNFORESEEN)}
    assert titles - set(SAID) == set()


def test_every_name_of_the_program_has_a_word() -> None:
    assert set(word.RUN_STATES) == set(get_args(State))
    assert set(word.DRAFT_STATES) == set(DRAFT_STATES)
    assert set(word.REASONS) == set(Reason)
    assert set(word.FACTS) == set(TABLES)
    assert set(uptime.LOOKS) == set(CATEGORIES)


def test_a_page_says_which_language_it_is_in() -> None:
    shown = page.text("sign_in.html", language="fr", theme="", next="/portal", name="", refused="")
    assert '<html lang="fr">' in shown
    assert "<h1>Se connecter</h1>" in shown
