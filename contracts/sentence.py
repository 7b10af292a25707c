"""The agreement in words: each clause's text with its own parameters, so that words and rule cannot differ.

The text is the document's; what fills its braces (units, durations, treatments, tiers, steps) is said in its language.
In another language each kind has standard sentences of its own, made of the same parameters.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from contracts import language as dictionary
from contracts import notation
from contracts.language import PHRASES, WINDOWS, WORDS, counted
from contracts.notation import figures
from contracts.standard import template
from contracts.terms.base import PLACEHOLDER
from core.money import is_currency
from core.time import Duration, NotADuration, instant, wall_text
from core.units import is_unit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from contracts.document import Version

_FIGURE = re.compile(r"(-?\d+(?:\.\d+)?)(?: (\S+))?", re.ASCII)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_BARE = frozenset({"factor", "multiplier", "weights", "base_value"})
"""Parameters that are numbers without a unit; any other such text may be the number of a clause."""


def sentence(source: dict[str, Any], language: str = "en") -> str:
    """A term's text with every placeholder filled; source: the term as it was written."""
    return _Speaker(language).sentence(source)


def words(name: str, value: Any, language: str = "en") -> str:
    """A parameter as a person reads it."""
    return _Speaker(language).words(name, value)


def agreement(versions: Sequence[Version], language: str | None = None) -> Iterator[str]:
    """The whole agreement, line by line, version after version; in each version's own language, unless one is asked."""
    for version in versions:
        yield from _Speaker(language or version.language).version(version)
        yield ""


@dataclass(frozen=True, slots=True)
class _Speaker:
    """Says parameters in one language."""

    language: str

    def say(self, key: str, *parts: str) -> str:
        """A phrase with its parts."""
        return dictionary.of(PHRASES, key, self.language).format(*parts)

    def sentence(self, source: dict[str, Any]) -> str:
        def fill(match: Any) -> str:
            first, _, rest = match[1].partition(".")
            value = source.get(first, "")
            return self.words(rest or first, value[rest] if rest and isinstance(value, dict) else value)

        return PLACEHOLDER.sub(fill, source["text"].rstrip())

    def words(self, name: str, value: Any) -> str:
        if isinstance(value, str):
            return figures(value, self.language) if name in _BARE else self.word(value)
        if name in _LISTS:
            return _LISTS[name](self, value)
        if isinstance(value, dict):
            return ", ".join(f"{self.word(key)} {self.words(name, str(item))}" for key, item in value.items())
        said = (self.word(item) if isinstance(item, str) else self.words("", item) for item in value)
        return ", ".join(said) or self.say("nothing")

    def word(self, text: str) -> str:
        if text in WORDS:
            return dictionary.of(WORDS, text, self.language)
        if text.startswith("P"):
            try:
                return self.duration(Duration.parse(text))
            except NotADuration:
                return text
        if (match := _FIGURE.fullmatch(text)) and match[2] and _is_unit(match[2]):
            return figures(text, self.language)
        if _DAY.fullmatch(text):
            return notation.day(text, self.language)
        return text.replace("_", " ") if text.replace("_", "").isalpha() and text.islower() else text

    def duration(self, duration: Duration) -> str:
        years, months = divmod(duration.months, 12)
        parts = [(years, "year"), (months, "month"), (duration.days, "day")]
        found = [counted(n, unit, self.language) for n, unit in parts if n]
        if duration.microseconds or not found:
            found.append(str(Duration(microseconds=duration.microseconds)))
        return " ".join(found)

    def one_by_one(self, texts: Iterable[str]) -> str:
        """What stands in one sentence, one after the other."""
        whole = ""
        for text in texts:
            whole = self.say("then", whole, text) if whole else text
        return whole

    def version(self, version: Version) -> Iterator[str]:
        since = wall_text(instant(version.effective_from), version.zone)
        reason = f": {version.reason}" if version.reason else ""
        since = notation.day(since, self.language)
        head = f"{self.say('contract')} {version.contract}, {self.say('version')} {version.version}"
        yield f"{head}, {self.say('from')} {since}{reason}"
        yield "  " + ", ".join(self.say("part", self.word(role), name) for role, name in version.parties.items())
        billing = version.canonical["billing"]
        each, where = self.word(billing["period"]), f"{self.say('time of')} {version.timezone}"
        yield f"  {self.say('billed each')} {each} {self.say('in')} {version.currency}, {where}"
        decimals = self.say("to decimals", billing["decimals"])
        yield f"  {self.say('lines rounded')} {self.word(billing['rounding'])} {decimals}"
        yield "  " + self.say("part", self.say("covered"), _coverage(self, version))
        for measure in version.measures:
            if measure.bills_estimates:
                yield "  " + self.say("estimated", self.word(measure.measure))
        for term in version.canonical["terms"]:
            said = self.say("part", self.say("left to people"), term.get("not_computed", ""))
            left = f" [{said}]" if "not_computed" in term else ""
            translated = None if self.language == version.language else template(term, self.language)
            text = {**term, "text": translated} if translated else term
            said = self.sentence(text)
            yield f"  {term['clause']}  {said[:1].upper() + said[1:] if translated else said}{left}"


def _is_unit(text: str) -> bool:
    """Whether it stands behind a number: percent, a unit, a currency, or a currency for each of a unit."""
    currency, _, per = text.partition("/")
    return text == "%" or is_unit(text) or (is_currency(currency) and (not per or is_unit(per)))


def _coverage(by: _Speaker, version: Version) -> str:
    names: dict[str, list[str]] = {}
    for item in version.coverage:
        names.setdefault(item.group or "", []).append(item.asset)
    return by.one_by_one(
        by.say("part", group, ", ".join(assets)) if group else ", ".join(assets) for group, assets in names.items()
    )


def _tiers(by: _Speaker, tiers: Sequence[dict[str, str]]) -> Iterator[str]:
    for n, tier in enumerate(tiers):
        fee = f"{by.say('a fee of')} {tier['fee']}" if "fee" in tier else ""
        price = figures(f" {by.say('and')} ".join(part for part in (tier.get("price"), fee) if part), by.language)
        yield f"{price} {_between(by, tiers, n)}"


def _bands(by: _Speaker, bands: Sequence[dict[str, str]], name: str) -> Iterator[str]:
    return (f"{figures(band[name], by.language)} {_between(by, bands, n)}" for n, band in enumerate(bands))


def _between(by: _Speaker, bands: Sequence[dict[str, str]], n: int) -> str:
    if len(bands) == 1:
        return by.say("from the first unit")
    lower = by.word(bands[n]["above"])
    if n + 1 == len(bands):
        return by.say("above", lower)
    upper = by.word(bands[n + 1]["above"])
    return by.say("up to", upper) if n == 0 else by.say("from to", lower, upper)


def _steps(by: _Speaker, steps: Sequence[dict[str, str]]) -> Iterator[str]:
    for n, step in enumerate(steps):
        last = n + 1 == len(steps) and n
        where = steps[n - 1]["at_or_above"] if last else step["at_or_above"]
        yield by.say("below" if last else "at or more", by.word(step["credit"]), by.word(where))


def _caps(by: _Speaker, caps: Sequence[dict[str, str]]) -> Iterator[str]:
    for cap in caps:
        window = dictionary.of(WINDOWS, cap["window"], by.language)
        yield by.say("cap", by.word(cap.get("share") or cap["amount"]), window)


def _treatments(by: _Speaker, treatments: dict[str, str]) -> Iterator[str]:
    ways: dict[str, list[str]] = {}
    for category, way in treatments.items():
        said = by.word(way) if way in WORDS else by.say("up by", by.word(way))
        ways.setdefault(said, []).append(by.word(category))
    return (by.say("part", ", ".join(names), way) for way, names in ways.items())


def _components(by: _Speaker, components: Sequence[dict[str, str]]) -> Iterator[str]:
    return (by.say("weight", by.word(one["index"]), by.word(one["weight"])) for one in components)


def _drivers(by: _Speaker, drivers: Sequence[dict[str, str]]) -> Iterator[str]:
    for one in drivers:
        coefficient, _, unit = one["coefficient"].rpartition("/")
        yield by.say("moves", by.word(one["measure"]), figures(coefficient, by.language), unit)


_LISTS: dict[str, Callable[[_Speaker, Any], str]] = {
    "tiers": lambda by, value: ", ".join(_tiers(by, value)),
    "steps": lambda by, value: ", ".join(_steps(by, value)),
    "treatments": lambda by, value: by.one_by_one(_treatments(by, value)),
    "caps": lambda by, value: ", ".join(_caps(by, value)) or by.say("nothing"),
    "multipliers": lambda by, value: ", ".join(_bands(by, value, "factor")) or by.say("nothing"),
    "components": lambda by, value: ", ".join(_components(by, value)),
    "drivers": lambda by, value: ", ".join(_drivers(by, value)) or by.say("nothing"),
}
