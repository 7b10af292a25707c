"""The agreement in words: each clause's text with its own parameters, so that words and rule cannot differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.terms.base import PLACEHOLDER
from core.time import Duration, NotADuration, instant, wall_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from contracts.document import Version

_TREATMENTS = {
    "up": "up",
    "down": "down",
    "exclude": "left out",
    "measured": "up by its performance",
}
_WINDOWS = {
    "month": "a month",
    "quarter": "a quarter",
    "contract_year": "a contract year",
    "rolling_12_months": "twelve months",
}


def sentence(source: dict[str, Any]) -> str:
    """A term's text with every placeholder filled; source: the term as it was written."""

    def fill(match: Any) -> str:
        first, _, rest = match[1].partition(".")
        value = source.get(first, "")
        return words(rest or first, value[rest] if rest and isinstance(value, dict) else value)

    return PLACEHOLDER.sub(fill, source["text"])


def words(name: str, value: Any) -> str:
    """A parameter as a person reads it."""
    if isinstance(value, str):
        return _word(value)
    if name in _LISTS:
        return _LISTS[name](value)
    if isinstance(value, dict):
        return ", ".join(f"{_word(key)} {_word(str(item))}" for key, item in value.items())
    return ", ".join(_word(item) if isinstance(item, str) else words("", item) for item in value)


def agreement(versions: Sequence[Version]) -> Iterator[str]:
    """The whole agreement, line by line, version after version."""
    for version in versions:
        since = wall_text(instant(version.effective_from), version.zone)
        reason = f": {version.reason}" if version.reason else ""
        yield f"Contract {version.contract}, version {version.version}, from {since}{reason}"
        yield "  " + ", ".join(f"{role}: {name}" for role, name in version.parties.items())
        billing = version.canonical["billing"]
        yield f"  billed each {billing['period']} in {version.currency}, time of {version.timezone}"
        yield f"  lines rounded {_word(billing['rounding'])} to {billing['decimals']} decimals"
        yield f"  covered: {_coverage(version)}"
        for term in version.canonical["terms"]:
            left = f" [left to people: {term['not_computed']}]" if "not_computed" in term else ""
            yield f"  {term['clause']}  {sentence(term)}{left}"
        yield ""


def _coverage(version: Version) -> str:
    names: dict[str, list[str]] = {}
    for item in version.coverage:
        names.setdefault(item.group or "", []).append(item.asset)
    return "; ".join(f"{group + ': ' if group else ''}{', '.join(assets)}" for group, assets in names.items())


def _word(text: str) -> str:
    if text.startswith("P"):
        try:
            return _duration(Duration.parse(text))
        except NotADuration:
            return text
    return text.replace("_", " ") if text.replace("_", "").isalpha() and text.islower() else text


def _duration(duration: Duration) -> str:
    years, months = divmod(duration.months, 12)
    parts = [(years, "year"), (months, "month"), (duration.days, "day")]
    found = [f"{n} {word}{'s' if n != 1 else ''}" for n, word in parts if n]
    if duration.microseconds or not found:
        found.append(str(Duration(microseconds=duration.microseconds)))
    return " ".join(found)


def _tiers(tiers: Sequence[dict[str, str]]) -> Iterator[str]:
    for n, tier in enumerate(tiers):
        price = " and ".join(
            part for part in (tier.get("price"), f"a fee of {tier['fee']}" if "fee" in tier else "") if part
        )
        yield f"{price} {_between(tiers, n)}"


def _bands(bands: Sequence[dict[str, str]], name: str) -> Iterator[str]:
    return (f"{band[name]} {_between(bands, n)}" for n, band in enumerate(bands))


def _between(bands: Sequence[dict[str, str]], n: int) -> str:
    if len(bands) == 1:
        return "from the first unit"
    if n + 1 == len(bands):
        return f"above {bands[n]['above']}"
    upper = bands[n + 1]["above"]
    return f"up to {upper}" if n == 0 else f"from {bands[n]['above']} to {upper}"


def _steps(steps: Sequence[dict[str, str]]) -> Iterator[str]:
    for n, step in enumerate(steps):
        last = n + 1 == len(steps) and n
        where = f"below {steps[n - 1]['at_or_above']}" if last else f"at {step['at_or_above']} or more"
        yield f"{step['credit']} {where}"


def _caps(caps: Sequence[dict[str, str]]) -> Iterator[str]:
    return (f"{cap.get('share') or cap.get('amount')} in {_WINDOWS[cap['window']]}" for cap in caps)


def _treatments(treatments: dict[str, str]) -> Iterator[str]:
    ways: dict[str, list[str]] = {}
    for category, way in treatments.items():
        ways.setdefault(_TREATMENTS.get(way, f"up by {way}"), []).append(_word(category))
    return (f"{', '.join(names)}: {way}" for way, names in ways.items())


_LISTS: dict[str, Callable[[Any], str]] = {
    "tiers": lambda value: ", ".join(_tiers(value)),
    "steps": lambda value: ", ".join(_steps(value)),
    "treatments": lambda value: "; ".join(_treatments(value)),
    "caps": lambda value: ", ".join(_caps(value)),
    "multipliers": lambda value: ", ".join(_bands(value, "factor")),
}
