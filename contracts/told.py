"""Steps of a calculation, told in the languages of agreements.

An evaluation keeps its steps in English, so that its hash is the same whoever reads it. Here labels, formulas and names
of values become those of another language; what no table knows (names of indices, tickets) stays as it is.
"""

from __future__ import annotations

import re
from fractions import Fraction
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from contracts import notation
from contracts.language import LANGUAGES, Words
from contracts.phrase import CATEGORIES, compiled, filled, listed, say
from core.money import exponent, is_currency, round_fraction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from contracts.evaluation import Step

NAMES: Words = {
    # fees and use
    "amount": ("amount", "Betrag", "montant"),
    "days": ("days", "Tage", "jours"),
    "days of the window": ("days of the window", "Tage des Zeitraums", "jours de la période"),
    "quantity": ("quantity", "Menge", "quantité"),
    "position at the end": ("position at the end", "Stand am Ende", "position à la fin"),
    "position at the start": ("position at the start", "Stand am Anfang", "position au début"),
    "from": ("from", "von", "de"),
    "to": ("to", "bis", "à"),
    "estimated": ("estimated", "geschätzt", "estimé"),
    "use after the last reading": (
        "use after the last reading", "Verbrauch nach dem letzten Messwert", "consommation après le dernier relevé",
    ),
    "units": ("units", "Einheiten", "unités"),
    "price": ("price", "Preis", "prix"),
    "fee": ("fee", "Pauschale", "forfait"),
    "factor": ("factor", "Faktor", "coefficient"),
    "flat": ("flat", "Einheitspreis", "prix unique"),
    "graduated": ("graduated", "Staffel", "barème progressif"),
    "volume": ("volume", "Mengenstaffel", "barème au volume"),
    "package": ("package", "Pakete", "lots"),
    "stairstep": ("stairstep", "Stufenpauschale", "forfait par palier"),
    "rounding": ("rounding", "Rundung", "arrondi"),
    "exact": ("exact", "genau", "exact"),
    # allowance, minimum, spend cap, prepaid
    "units beyond the plan": (
        "units beyond the plan", "Einheiten über die Freimenge hinaus", "unités au-delà de la franchise",
    ),
    "used": ("used", "verbraucht", "consommé"),
    "in the plan": ("in the plan", "aus der Freimenge", "sur la franchise"),
    "rolled over": ("rolled over", "aus dem Übertrag", "sur le report"),
    "sets": ("sets", "Pakete", "lots"),
    "begun sets": ("begun sets", "angefangene Pakete", "lots entamés"),
    "missing": ("missing", "Fehlmenge zur Mindestabnahme", "manque au minimum garanti"),
    "made up": ("made up", "nachgeholt", "rattrapé"),
    "settled": ("settled", "verrechnet", "imputé"),
    "the smaller of balance and what is owed": (
        "the smaller of balance and what is owed", "der kleinere Betrag aus Guthaben und Forderung",
        "le plus petit du solde et du montant dû",
    ),
    "balance": ("balance", "Guthaben", "solde"),
    "owed": ("owed", "Forderung", "montant dû"),
    "beyond the limit": ("beyond the limit", "über der Obergrenze", "au-delà du plafond"),
    "charges of the window": ("charges of the window", "Entgelte des Zeitraums", "montants de la période"),
    "charges": ("charges", "Entgelte", "montants"),
    "limit": ("limit", "Grenze", "limite"),
    # promises
    "counted time": ("counted time", "gewertete Zeit", "temps compté"),
    "required": ("required", "Sollzeit", "temps requis"),
    "excluded": ("excluded", "nicht gewertet", "non compté"),
    "counted": ("counted", "gewertet", "compté"),
    "down time": ("down time", "Ausfallzeit", "temps d'indisponibilité"),
    "down": ("down", "Ausfall", "indisponible"),
    "sum of outages and equivalent down time": (
        "sum of outages and equivalent down time", "Summe der Ausfälle und der anteiligen Ausfallzeit",
        "somme des arrêts et du temps d'arrêt équivalent",
    ),
    "availability": ("availability", "Verfügbarkeit", "disponibilité"),
    "coverage": ("coverage", "Datenabdeckung", "couverture des données"),
    "attainment": ("attainment", "Zielerreichung", "taux d'atteinte"),
    "target": ("target", "Zielwert", "objectif"),
    "actual": ("actual", "Istwert", "valeur réelle"),
    "credit": ("credit", "Gutschrift", "avoir"),
    "share": ("share", "Anteil", "part"),
    "base": ("base", "Bemessungsgrundlage", "assiette"),
    "time between": ("time between", "Zeit dazwischen", "temps écoulé"),
    "in its hours": ("in its hours", "in den vereinbarten Zeiten", "dans les heures convenues"),
    "without pauses": ("without pauses", "ohne Pausen", "hors suspensions"),
    "clock": ("clock", "Fristlauf", "temps décompté"),
    "substitutes": ("substitutes", "Ersatz", "remplacements"),
    "substitutes beyond the limit": (
        "substitutes beyond the limit", "Ersatz nach Fristablauf", "remplacements au-delà du délai",
    ),
    "started": ("started", "angefangen", "entamé"),
    "started_24h": ("started_24h", "angefangene Abschnitte von 24 h", "tranches de 24 h entamées"),
    "started_hour": ("started_hour", "angefangene Stunden", "heures entamées"),
    "calendar_day": ("calendar_day", "Kalendertage", "jours calendaires"),
    # indices, gain share, duties, evidence, corrections
    "fixed share": ("fixed share", "fester Anteil", "part fixe"),
    "fixed share + sum of weight × index ÷ base": (
        "fixed share + sum of weight × index ÷ base", "fester Anteil + Summe aus Gewicht × Index ÷ Basiswert",
        "part fixe + somme des poids × indice ÷ valeur de base",
    ),
    "adjusted baseline": ("adjusted baseline", "angepasster Vergleichswert", "référence ajustée"),
    "baseline": ("baseline", "Vergleichswert", "référence"),
    "sum of coefficient": ("sum of coefficient", "Summe aus Koeffizient", "somme des coefficients"),
    "reference": ("reference", "Bezugswert", "valeur de référence"),
    "drivers": ("drivers", "Einflussgrößen", "facteurs"),
    "none": ("none", "keine", "aucun"),
    "saving": ("saving", "Einsparung", "économie"),
    "value of the saving": ("value of the saving", "Wert der Einsparung", "valeur de l'économie"),
    "reference price": ("reference price", "Bezugspreis", "prix de référence"),
    "surcharge": ("surcharge", "Zuschlag", "majoration"),
    "corrected": ("corrected", "berichtigt", "corrigé"),
    "measured": ("measured", "gemessen", "mesuré"),
    "error": ("error", "Messabweichung", "erreur de mesure"),
    "difference": ("difference", "Differenz", "écart"),
    "cost as corrected": ("cost as corrected", "Kosten berichtigt", "coût corrigé"),
    "cost as measured": ("cost as measured", "Kosten wie gemessen", "coût mesuré"),
    "correction": ("correction", "Korrektur", "correction"),
    "now": ("now", "jetzt", "à présent"),
    "before": ("before", "bisher", "auparavant"),
}  # fmt: skip
"""Labels, names of values, and what stands between the signs of formulas."""
PATTERNS: Words = {
    r"fee for (\S+)": ("fee for {p}", "Gebühr {p}", "redevance {p}"),
    r"tier above (.+)": ("tier above {n}", "Stufe über {n}", "tranche au-delà de {n}"),
    r"clock of (.+)": ("clock of {}", "Fristlauf von {}", "temps décompté de {}"),
    r"over the limit of (.+)": ("over the limit of {}", "Überschreitung bei {}", "dépassement de {}"),
    r"credit of (.+)": ("credit of {}", "Gutschrift für {}", "avoir pour {}"),
    r"half_up to (\d+) decimals": (
        "half_up to {n} decimals", "kaufmännisch auf {n} Nachkommastellen", "au plus proche à {n} décimales",
    ),
    r"half_even to (\d+) decimals": (
        "half_even to {n} decimals", "zur geraden Ziffer auf {n} Nachkommastellen", "au pair à {n} décimales",
    ),
    r"at (\S+(?: %)?)": ("at {n}", "zu {n}", "à {n}"),
    r"made up at (\S+(?: %)?)": ("made up at {n}", "nachgeholt zu {n}", "rattrapé à {n}"),
    r"(\S+) of (\S+), (\S+) %": ("{n} of {n}, {n} %", "{n} statt {n}, {n} %", "{n} au lieu de {n}, {n} %"),
}  # fmt: skip
"""What has a part of its own in it: written as the tables of phrases (contracts/phrase.py)."""
_SIGN = re.compile(r"( [×÷+-] |, |[()])")
_USE = re.compile(r"(\S+) (\S+) at ([\d.]+(?: and [\d.]+)*)( more)?(?: x ([\d.]+))?")
_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d) (\d\d:\d\d)(?::\d\d(?:\.\d+)?)?\+00:00")


_FRACTION = re.compile(r"(?<!\S)-?\d+/\d+(?!\S)", re.ASCII)


_MONEY = re.compile(r"(?<!\S)(-?\d+)(?:\.(\d+))? ([A-Z]{3})(?![\w/])", re.ASCII)


class Told(NamedTuple):
    """A step as a person reads it."""

    label: str
    formula: str
    values: Mapping[str, str]
    result: str


def told_of(step: Step, language: str) -> Told:
    """A step of an evaluation in a language."""
    return told({key: getattr(step, key) for key in Told._fields}, language)


def told(step: Mapping[str, Any], language: str) -> Told:
    """A step of an evaluation's JSON in a language; in English as it is kept."""
    label, formula, result = str(step["label"]), str(step["formula"]), str(step["result"])
    values: Mapping[str, str] = step.get("values") or {}
    if language not in LANGUAGES[1:]:
        return Told(label, formula, values, result)
    shown = {name(key, language): value_of(str(value), language) for key, value in values.items()}
    return Told(name(label, language), formula_of(formula, language), shown, value_of(result, language))


def name(text: str, language: str) -> str:
    """A label, or the name of a value: `Menge`, `Stufe ab 8.000 km`; a category of time; else as it is."""
    known = _names(language).get(text)
    return known if known is not None else _by_pattern(text, language)


def value_of(text: str, language: str) -> str:
    """A value: numbers as the language writes them, instants as days of the clock in UTC, and words."""
    if found := _INSTANT.fullmatch(text):
        return f"{notation.day(found[1], language)}, {found[2]} UTC"
    known = name(text, language)
    return known if known != text else notation.figures(_MONEY.sub(_money, _FRACTION.sub(_rounded, text)), language)


def formula_of(text: str, language: str) -> str:
    """A formula, its words between the signs; the words of a surcharge are a phrase of their own."""
    if (whole := name(text, language)) != text:
        return whole
    if _is_surcharge(text):
        return ", ".join(_surcharge(part, language) for part in text.split(", "))
    return "".join(part if _SIGN.fullmatch(part) else name(part, language) for part in _SIGN.split(text))


def _rounded(found: re.Match[str]) -> str:
    """What has no digits that end, with four."""
    return f"{round_fraction(Fraction(found[0]), 4, 'half_up'):f}"


def _money(found: re.Match[str]) -> str:
    """An amount with the decimals of its currency at least."""
    whole, digits, currency = found.groups()
    least = exponent(currency) if is_currency(currency) else 0
    digits = (digits or "").ljust(least, "0")
    return f"{whole}.{digits} {currency}" if digits else found[0]


def _is_surcharge(text: str) -> bool:
    return all(_USE.fullmatch(part.partition(" % of ")[2] or part) for part in text.split(", "))


def _surcharge(text: str, language: str) -> str:
    """`20 % of 40 km at 0.10 and 0.05`, `18 kWh at 0.05 more`, `40 km at 0.10 x 1.5`, as duties word them.

    Its label says already that it is a surcharge, so that the numbers are enough.
    """
    percent, of, rest = text.partition(" % of ")
    found = _USE.fullmatch(rest or text)
    if found is None:
        return text
    units, unit, prices, more, times = found.groups()
    if more:
        return notation.figures(f"{units} {unit} × {prices}", language)
    at = say(language, "use at", units, unit, listed(language, prices.split(" and ")))
    at += say(language, "times", times) if times else ""
    return say(language, "share of", percent, at) if of else at


def _by_pattern(text: str, language: str) -> str:
    for pattern, phrase in _patterns(language):
        if found := pattern.fullmatch(text):
            return filled(phrase, found.groups(), language)
    return text


@cache
def _names(language: str) -> Mapping[str, str]:
    place = LANGUAGES.index(language) if language in LANGUAGES else 0
    words = {said[0]: said[place] for said in CATEGORIES.values()}
    return words | {key: said[place] for key, said in NAMES.items()}


@cache
def _patterns(language: str) -> Sequence[tuple[re.Pattern[str], tuple[str, str]]]:
    return [(re.compile(key), phrase) for key, phrase in compiled(PATTERNS, language).items()]
