"""How numbers, units, days and periods are written in the languages of agreements.

English keeps the digits as contracts write them. The signs are fixed here and not asked of a library, because texts of
lines are hashed with their evaluation; a test compares them with CLDR's.
"""

from __future__ import annotations

import re
from datetime import date
from functools import cache

from contracts.language import LANGUAGES, UNITS

SIGNS = {"de": (".", ","), "fr": ("\u202f", ",")}
"""By language: between groups of three digits, and before decimals; French groups with a narrow no-break space."""
MONTHS = (
    "January February March April May June July August September October November December",
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
)
_NUMBER = re.compile(
    rf"(?<![\w.,:/-])(-?\d+)(\.\d+)?(?!\w|[.:-]\d)(?: ({'|'.join(UNITS)})\b)?|(?<=/)({'|'.join(UNITS)})\b", re.ASCII
)
_PERIOD = re.compile(r"(\d{4})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])))?", re.ASCII)


def figures(text: str, language: str) -> str:
    """A text of numbers and units: `1850.00 EUR` is `1.850,00 EUR`, `1 page` is `1 Seite`; names and dates stay."""
    if language not in SIGNS:
        return text
    return _NUMBER.sub(lambda found: _written(found, language), text)


def unit(name: str, number: str, language: str) -> str:
    """The unit behind a number: `Seite` or `Seiten`; signs stay as they are, and English stays as contracts write."""
    if language not in SIGNS or name not in UNITS:
        return name
    one, many = UNITS[name][LANGUAGES.index(language)]
    return one if _is_one(number, language) else many


def period(label: str, language: str) -> str:
    """`Juni 2026`, `2. Quartal 2026`, `2e trimestre 2026`, `2026` of a period's label; English keeps the label."""
    found = _PERIOD.fullmatch(label)
    if language not in SIGNS or found is None:
        return label
    year, quarter, number = found.groups()
    if quarter:
        return f"{quarter}. Quartal {year}" if language == "de" else f"{quarter}{_th(quarter)} trimestre {year}"
    return f"{_months(language)[int(number) - 1]} {year}" if number else year


def month(language: str, day: date) -> str:
    """`June`, `Juni`, `juin`."""
    return _months(language)[day.month - 1]


def day_of(language: str, day: date) -> str:
    """`11 June`, `11. Juni`, `11 juin`; the first is `1er juin`."""
    number = f"{day.day}." if language == "de" else "1er" if (language, day.day) == ("fr", 1) else f"{day.day}"
    return f"{number} {month(language, day)}"


def day(text: str, language: str) -> str:
    """`11. Juni 2026` of 2026-06-11, with the time behind it if there is one; English keeps it. Raises ValueError."""
    if language not in SIGNS:
        return text
    found = date.fromisoformat(text[:10])
    return f"{day_of(language, found)} {found.year}{text[10:]}"


def _written(found: re.Match[str], language: str) -> str:
    whole, digits, name, per = found.groups()
    if per:
        return UNITS[per][LANGUAGES.index(language)][0]
    group, point = SIGNS[language]
    text = f"{int(whole):,}".replace(",", group) if len(whole.lstrip("-0")) > 3 else whole  # noqa: PLR2004 - a group
    text += point + digits[1:] if digits else ""
    return f"{text} {unit(name, found[0].split(' ')[0], language)}" if name else text


def _is_one(number: str, language: str) -> bool:
    """What stands in the singular: in French all below two."""
    text = number.lstrip("-")
    return text == "1" or (language == "fr" and text.partition(".")[0] in ("0", "1"))


def _th(number: str) -> str:
    return "er" if number == "1" else "e"


@cache
def _months(language: str) -> tuple[str, ...]:
    place = LANGUAGES.index(language) if language in LANGUAGES else 0
    return tuple(MONTHS[place].split())
