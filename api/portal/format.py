"""How values are shown to people: exact digits, the language and zone of the contract, one style everywhere."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_currency, format_decimal
from markupsafe import Markup
from pydantic import BaseModel

from billing import wording
from contracts import notation
from contracts.phrase import category
from contracts.sentence import words
from contracts.told import Told, told
from contracts.told import name as told_name
from core.money import exponent, round_fraction

MINUS = "\u2212"
THIN = "\u202f"
# English without a country is shown with the day before the month.
LOCALES = {"en": "en_GB"}
SECONDS_OF_HOUR = 3600
SHORT = {
    "en": ((1_000_000, "M"), (1_000, "k")),
    "de": ((1_000_000, "\u202fMio."),),
    "fr": ((1_000_000, "\u202fM"), (1_000, "\u202fk")),
}


def locale(language: str) -> Locale:
    """The locale of a contract's language; English for one that babel does not know."""
    try:
        return Locale.parse(LOCALES.get(language, language))
    except ValueError:
        return Locale.parse("en_GB")


def money(amount: Decimal | str, currency: str = "", language: str = "en") -> str:
    """E.g. €48,519.29 from a Decimal and EUR, or from "48519.29 EUR". Never rounds: more digits are all shown."""
    if isinstance(amount, str):
        number, _, written = amount.partition(" ")
        amount, currency = Decimal(number), written or currency
    digits = max(exponent(currency), -int(amount.as_tuple().exponent))
    here, places = locale(language), f"#,##0.{'0' * digits}" if digits else "#,##0"
    # The sign stands where the language has it: €1,850.00, but 1.850,00 €.
    pattern = here.currency_formats["standard"].pattern.partition(";")[0].replace("#,##0.00", places)
    text = format_currency(
        abs(amount), currency, pattern, locale=here, currency_digits=False, decimal_quantization=False
    )
    return MINUS + text if amount < 0 else text


def number(value: Decimal | Fraction | int | str, decimals: int | None = None, language: str = "en") -> str:
    """Grouped digits; with `decimals` rounded half-up, else exactly as written (a Fraction to four)."""
    if isinstance(value, str):
        value = Fraction(value) if "/" in value else Decimal(value)
    if isinstance(value, Fraction):
        value = round_fraction(value, 4 if decimals is None else decimals, "half_up")
        value = value.normalize() if decimals is None else value
    elif isinstance(value, Decimal) and decimals is not None:
        value = round_fraction(Fraction(value), decimals, "half_up")
    exact = Decimal(value)
    text = format_decimal(abs(exact), locale=locale(language), decimal_quantization=False, format=_pattern(exact))
    return MINUS + text if exact < 0 else text


def quantity(text: str, language: str = "en") -> str:
    """A number with its unit, as the engine writes it: "6300.0 km" becomes 6,300.0 km; texts without one stay."""
    head, space, unit = text.partition(" ")
    try:
        shown = number(head, language=language)
    except (ArithmeticError, ValueError):
        return text
    currency, slash, per = unit.partition("/")
    if len(currency) == 3 and currency.isupper():  # noqa: PLR2004 - ISO 4217
        if "/" in head:
            head = f"{round_fraction(Fraction(head), 4, 'half_up'):f}"
        return money(f"{head} {currency}", language=language) + slash + per
    return f"{shown}{space}{unit}"


def many(unit: str, language: str = "en") -> str:
    """A unit as it stands behind a number: pages, clicks, events; symbols stay."""
    if language in notation.SIGNS:
        return notation.unit(unit, "2", language)
    return f"{unit}s" if unit in ("page", "click", "event") else unit


def calculation(step: Mapping[str, Any] | BaseModel, language: str = "en") -> Told:
    """A step of an evaluation as a page shows it, in the language of the agreement or document."""
    found = told(step if isinstance(step, Mapping) else step.model_dump(), language)
    if language in notation.SIGNS:
        return found
    return found._replace(
        formula=found.formula.replace("half_up", "half up"),
        values={n: quantity(v) for n, v in found.values.items()},
        result=quantity(found.result),
    )


def corrected(document: Mapping[str, Any] | None, reason: str, language: str = "en") -> str:
    """Which document is corrected, and why: what Directive 2006/112, article 219 asks for."""
    return wording.corrected(document, reason, language)


def category_name(name: str, language: str = "en") -> str:
    """A category of time on a document."""
    return name.replace("_", " ") if language == "en" else category(language, name)


def word(text: str, language: str = "en") -> str:
    """A word of the contract format: a party's role, a status, a kind of notice."""
    return words("", text, language)


def value_name(name: str, language: str = "en") -> str:
    """What a verdict calls a value."""
    return told_name(name, language)


def percent(value: Fraction, *, apart_from: Fraction | None = None, language: str = "en") -> str:
    """A share in percent with two decimals, more where it would else look like the target that it misses."""
    for decimals in range(2, 9):
        shown = round_fraction(value, decimals, "half_up")
        if apart_from is None or value == apart_from or Fraction(shown) != apart_from:
            return number(shown, decimals, language)
    return number(value, 8, language)


def share(value: Fraction, *, apart_from: Fraction | None = None, language: str = "en") -> str:
    """`percent` with its sign."""
    return with_sign(percent(value, apart_from=apart_from, language=language), language)


def with_sign(shown: str, language: str = "en") -> str:
    """A shown number of percent: 19%, 19 %."""
    return f"{shown}{chr(160) if language in notation.SIGNS else ''}%"


def rate(text: str, language: str = "en") -> str:
    """A rate of tax: 19%, 19 %."""
    return with_sign(number(text, language=language), language)


def figure(text: str) -> Fraction:
    """The exact number of "97.5 %" or "34895/36 h"."""
    return Fraction(text.partition(" ")[0])


def short(value: Fraction | int, language: str = "en") -> str:
    """For axes: 0, 950, 1.5k, 2M; German has no word as short for a thousand."""
    for size, word in SHORT.get(language, SHORT["en"]):
        if value >= size:
            return _plain(Fraction(value) / size, language) + word
    return _plain(Fraction(value), language)


def lasted(length: timedelta) -> str:
    """E.g. 26 h 05, 48 min, 12 s."""
    seconds = int(length.total_seconds())
    minutes = seconds // 60
    if minutes >= 60:  # noqa: PLR2004 - minutes of an hour
        return f"{minutes // 60}{THIN}h {minutes % 60:02d}"
    return f"{minutes}{THIN}min" if minutes else f"{seconds}{THIN}s"


def hours(value: Fraction) -> str:
    """A number of hours as `lasted` shows it, to the second."""
    return lasted(timedelta(seconds=int(value * SECONDS_OF_HOUR)))


def day(at: date | datetime, zone: ZoneInfo | None = None, language: str = "en") -> str:
    """E.g. 21 Nov 2026, 21.11.2026, 21 nov. 2026."""
    local = at.astimezone(zone or UTC).date() if isinstance(at, datetime) else at
    return format_date(local, "medium", locale=locale(language))


def short_day(at: date | datetime, zone: ZoneInfo | None = None, language: str = "en") -> str:
    """E.g. Sat 21 Nov."""
    local = at.astimezone(zone or UTC).date() if isinstance(at, datetime) else at
    if language in notation.SIGNS:
        return format_skeleton("MMMEd", local, locale=locale(language))
    return format_date(local, "EEE d MMM", locale=locale(language))


def moment(at: datetime, zone: ZoneInfo | None = None, language: str = "en") -> str:
    """E.g. 21 Nov 2026, 14:36."""
    return f"{day(at, zone, language)}, {at.astimezone(zone or UTC):%H:%M}"


def second(at: datetime, zone: ZoneInfo | None = None, language: str = "en") -> str:
    """E.g. 21 Nov 2026, 14:36:05."""
    return f"{moment(at, zone, language)}:{at:%S}"


def stretch(start: datetime, end: datetime, zone: ZoneInfo | None = None, language: str = "en") -> str:
    """E.g. 21 Aug 2026, 08:00–12:00; with both days where they differ, and only once what looks the same."""
    first, last = (at.astimezone(zone or UTC) for at in (start, end))
    if first.date() != last.date():
        return f"{moment(start, zone, language)} – {moment(end, zone, language)}"
    until = "" if f"{first:%H:%M}" == f"{last:%H:%M}" else f"–{last:%H:%M}"
    return f"{moment(start, zone, language)}{until}"


def period(label: str, language: str = "en") -> str:
    """E.g. November 2026, Q4 2026, 2026 from 2026-11, 2026-Q4, 2026."""
    year, _, rest = label.partition("-")
    if rest.startswith("Q"):
        return notation.period(label, language) if language in notation.SIGNS else f"{rest} {year}"
    return format_date(date(int(year), int(rest), 1), "MMMM y", locale=locale(language)) if rest else year


def clock(at: datetime, language: str = "en") -> Markup:
    """A machine-readable instant, which the page's script turns into "4 s ago"."""
    shown = f"{moment(at, language=language)} UTC"
    return Markup('<time datetime="{}" data-ago>{}</time>').format(at.astimezone(UTC).isoformat(), shown)


def instant(text: str | datetime, zone: ZoneInfo, language: str = "en") -> str:
    """An instant as documents write it, shown in a zone."""
    return moment(datetime.fromisoformat(text) if isinstance(text, str) else text, zone, language)


def instant_day(text: str, zone: ZoneInfo, language: str = "en") -> str:
    """The local day of an instant as documents write it."""
    return day(datetime.fromisoformat(text), zone, language)


def instant_last_day(text: str, zone: ZoneInfo, language: str = "en") -> str:
    """The last local day before an instant: what people call the end of a span."""
    return day(datetime.fromisoformat(text) - timedelta(microseconds=1), zone, language)


def rounded(text: str | None, language: str = "en") -> str:
    """A figure of the engine with at most two decimals: "97.0279 %" becomes 97.03 %."""
    if not text:
        return "–"
    head, _, unit = text.partition(" ")
    value = Fraction(head)
    return f"{number(value, 2 if value.denominator != 1 else 0, language)} {unit}".rstrip()


def initials(name: str) -> str:
    """Two letters for a badge."""
    words = [word for word in name.split() if word[0].isalnum()] or ["?"]
    return "".join(word[0] for word in words[:2]).upper()


def _plain(value: Fraction, language: str) -> str:
    """At most two decimals, and none that is zero at the end."""
    found = round_fraction(value, 2, "half_up")
    return number(Decimal(f"{found.normalize():f}"), language=language)


def _pattern(value: Decimal) -> str:
    places = max(0, -int(value.as_tuple().exponent))
    return "#,##0." + "0" * places if places else "#,##0"
