"""Whose language a page speaks, and the portal's own words in it.

The catalogs are read as they lie in the repository; `translate.py` beside this keeps them complete.
"""

from decimal import Decimal
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from fastapi import Request

from api.visit import Visit
from billing.store.view import account_language

TRANSLATIONS = Path(__file__).parent / "translations"
# As each calls itself.
LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français"}
COOKIE = "language"


def mark(text: str) -> str:
    """A text that a template translates when it shows it."""
    return text


def of(request: Request, visit: Visit) -> str:
    """The language of a viewer: their own, else that in which their party is billed, else what the browser asks for."""
    found: str = getattr(request.state, "language", "")
    if not found:
        found = visit.viewer.language or account_language(visit.connection, visit.viewer.party) or asked(request)
        request.state.language = found
    return found


def of_nobody(request: Request) -> str:
    """The language of a page before it is known whose it is, or of whom it became known before something failed."""
    return getattr(request.state, "language", "") or asked(request)


def asked(request: Request) -> str:
    """What was chosen in this browser before, else what it prefers."""
    chosen = request.cookies.get(COOKIE, "")
    return chosen if chosen in LANGUAGES else preferred(request.headers.get("Accept-Language", ""))


def preferred(accepted: str) -> str:
    """Of an Accept-Language (RFC 9110, 12.5.4) the first of ours by weight; English if there is none."""
    wished: list[tuple[Decimal, int, str]] = []
    for one in accepted.split(","):
        name, _, weight = one.partition(";")
        language, weight = name.strip().lower().partition("-")[0], weight.strip().removeprefix("q=") or "1"
        if language in LANGUAGES and weight.replace(".", "", 1).isdecimal() and Decimal(weight) > 0:
            wished.append((-Decimal(weight), len(wished), language))
    return min(wished)[2] if wished else "en"


@cache
def catalog(language: str) -> NullTranslations:
    """The portal's words in a language; English is what the templates say."""
    if language == "en":
        return NullTranslations()
    compiled = BytesIO()
    with (TRANSLATIONS / f"{language}.po").open("rb") as file:
        write_mo(compiled, read_po(file, locale=language))
    compiled.seek(0)
    return GNUTranslations(compiled)
