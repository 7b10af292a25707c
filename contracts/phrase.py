"""What lines and verdicts say, in the languages of agreements.

Parts stand in the order of the English phrase, the same in all languages. `{n}` is numbers and units, `{u}` the unit
behind the number before it, `{p}` a period's label, `{d}` a day; each is written as its language does
(contracts/notation.py). `{}` is put in as it is: names, clauses, and what is said already.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from contracts import notation
from contracts.language import LANGUAGES, Words

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

PHRASES: Words = {
    # use and fees
    "at": ("{n} {u} at {n}{}", "{n} {u} zu {n}{}", "{n} {u} à {n}{}"),
    "times": (" x {n}", " × {n}", " × {n}"),
    "fee": ("fee {n}{}", "Pauschale {n}{}", "forfait {n}{}"),
    "included": ("{n} {u}, {n} {u} included: ", "{n} {u}, davon {n} {u} frei: ", "{n} {u}, dont {n} {u} inclus : "),
    "estimated": (
        "; {n} {u} of it estimated, trued up when readings arrive",
        "; davon {n} {u} geschätzt, berichtigt, sobald Werte eintreffen",
        " ; dont {n} {u} estimés, régularisés à l'arrivée des relevés",
    ),
    "nothing to price": ("nothing to price", "nichts zu berechnen", "rien à facturer"),
    "no units": ("no {}", "0 {}", "0 {}"),
    "shared": (
        "{n} of {n} {u}, its share of {n}", "{n} von {n} {u}, Anteil an {n}", "{n} sur {n} {u}, sa part de {n}",
    ),
    "version": ("version {}: ", "Fassung {}: ", "version {} : "),
    "days": ("{} to {} {}, {n} of {n} days", "{} bis {} {}, {n} von {n} Tagen", "du {} au {} {}, {n} jours sur {n}"),
    "in advance": ("{}, in advance", "{}, im Voraus", "{}, à l'avance"),
    "was invoiced": (
        "{p} was invoiced in advance", "{p} wurde im Voraus berechnet", "{p} a été facturé à l'avance",
    ),
    "instead": ("{p}: {n} instead of {n}", "{p}: {n} statt {n}", "{p} : {n} au lieu de {n}"),
    "paid in advance": ("paid in advance", "mit dem Guthaben verrechnet", "imputé sur le crédit prépayé"),
    "above the cap": (
        "above {n}", "über der Kostenobergrenze von {n}, nicht berechnet",
        "au-delà du plafond de dépenses de {n}, non facturé",
    ),
    # allowance and minimum
    "plan": (
        "{n} {u}: {n} in the plan, {n} rolled over, sets: {n}",
        "{n} {u}: {n} aus der Freimenge, {n} aus dem Übertrag, Pakete: {n}",
        "{n} {u} : {n} sur la franchise, {n} sur le report, lots : {n}",
    ),
    "missing": (
        "{n} at {n}", "{n} unter der Mindestabnahme zu {n}", "{n} en dessous du minimum garanti à {n}",
    ),
    "made up": (
        "{n} made up at {n}", "{n} nachgeholt zu {n}", "{n} rattrapés à {n}",
    ),
    # credits
    "credit of": ("credit of {p}", "Gutschrift für {p}", "avoir pour {p}"),
    "then": ("{}; {}", "{}; {}", "{} ; {}"),
    "in cash": (", paid out in cash", ", wird ausgezahlt", ", versé au client"),
    "at least": ("at least {}", "mindestens {}", "au moins {}"),
    "reached": ("{n} of {n}: {}", "{n} statt {n}: {}", "{n} au lieu de {n} : {}"),
    "of": ("{n} of {n}", "{n} von {n}", "{n} de {n}"),
    "cap": (
        "{} = {n}, its share of what the cap leaves", "{} = {n}, Anteil innerhalb der Obergrenze",
        "{} = {n}, sa part dans la limite du plafond",
    ),
    "of attainment": ("{n} attained: {}", "Zielerreichung {n}: {}", "objectif atteint à {n} : {}"),
    "earned back": (
        "{p} reached the target again: {n} of earlier credits are earned back",
        "{p} erreicht den Zielwert wieder: frühere Gutschriften über {n} entfallen",
        "{p} atteint de nouveau l'objectif : {n} d'avoirs antérieurs sont repris",
    ),
    # cases on a clock
    "case": ("{}: {n}, {n} over {n}{}, {}{}", "{}: {n}, {n} über {n}{}, {}{}", "{} : {n}, {n} au-delà de {n}{}, {}{}"),
    "with a substitute": (
        " less {n} with a substitute", " (ohne {n} mit Ersatz)", " (hors {n} avec remplacement)",
    ),
    "calendar_day": ("{n} days", "{n} Tage", "{n} jours"),
    "one calendar_day": ("{n} days", "{n} Tag", "{n} jour"),
    "started_24h": ("{n} started", "{n} angefangene Abschnitte von 24 h", "{n} tranches de 24 h entamées"),
    "one started_24h": ("{n} started", "{n} angefangener Abschnitt von 24 h", "{n} tranche de 24 h entamée"),
    "started_hour": ("{n} started", "{n} angefangene Stunden", "{n} heures entamées"),
    "one started_hour": ("{n} started", "{n} angefangene Stunde", "{n} heure entamée"),
    "first and more": ("{n} + {n} x {n}", "{n} + {n} × {n}", "{n} + {n} × {n}"),
    "at most": (" = {n}, at most {n}", " = {n}, höchstens {n}", " = {n}, au plus {n}"),
    # gain share
    "saved": ("{n} of {n} {} saved", "{n} von {n} {} eingespart", "{n} sur {n} {} économisés"),
    "the difference": (
        "{}: the difference at {n}", "{}: Ausgleich der Differenz zu {n}", "{} : compensation de l'écart à {n}",
    ),
    "fees back": (
        "{}: {n} % of {n} back", "{}: Erstattung von {n} % von {n}", "{} : remboursement de {n} % de {n}",
    ),
    # duties and evidence
    "use at": ("{n} {u} at {}", "{n} {u} zu {}", "{n} {u} à {}"),
    "and": ("{} and {n}", "{} und {n}", "{} et {n}"),
    "share of": ("{n} % of {}", "{n} % von {}", "{n} % de {}"),
    "surcharge of": ("{n} % of {}", "Zuschlag von {n} % auf {}", "majoration de {n} % sur {}"),
    "more": ("{n} {u} at {n} more", "Zuschlag auf {n} {u} zu {n}", "majoration sur {n} {u} à {n}"),
    "recounted": (
        "{d} to {d}: {n} instead of {n} {u}{}", "{d} bis {d}: {n} statt {n} {u}{}",
        "du {d} au {d} : {n} au lieu de {n} {u}{}",
    ),
    "at prices": (" at {}", " zu {}", " à {}"),
    # verdicts
    "required": ("{}, {}: required {n}.", "{}, {}: Sollzeit {n}.", "{}, {} : temps requis {n}."),
    "not counted": ("Not counted: {}.", "Nicht gewertet: {}.", "Non compté : {}."),
    "counted": ("Counted {n}.", "Gewertet: {n}.", "Compté : {n}."),
    "counted as": ("{} {n} counted as {n}", "{} {n}, gewertet als {n}", "{} {n}, compté pour {n}"),
    "down": ("Down: {}.", "Ausfall: {}.", "Indisponible : {}."),
    "availability": (
        "Availability {n}, promised {n}.", "Verfügbarkeit {n}, zugesagt {n}.",
        "Disponibilité de {n}, engagement de {n}.",
    ),
    "gives": ("§ {} gives {}.", "Gutschrift nach Ziffer {}: {}.", "Avoir selon la clause {} : {}."),
    "if all down": (
        "If the hours without data were all down, the credit would be {n}.",
        "Wären alle Stunden ohne Daten Ausfall, betrüge die Gutschrift {n}.",
        "Si toutes les heures sans données étaient des arrêts, l'avoir serait de {n}.",
    ),
    "nothing known": (
        "{}: nothing is known of {}.", "{}: zu {} liegen keine Daten vor.", "{} : aucune donnée sur {}.",
    ),
    "attained": (
        "{}: {n}, promised {n}: {n} attained, {}.", "{}: {n}, zugesagt {n}: Zielerreichung {n}, {}.",
        "{} : {n}, engagement de {n} : objectif atteint à {n}, {}.",
    ),
    "kept": ("kept", "eingehalten", "respecté"),
    "missed": ("missed", "verfehlt", "manqué"),
}  # fmt: skip
CATEGORIES: Words = {
    "running": ("running", "in Betrieb", "en marche"),
    "idle": ("idle", "bereit", "au repos"),
    "derated": ("reduced power", "verminderte Leistung", "puissance réduite"),
    "fault": ("fault", "Störung", "panne"),
    "unplanned_repair": ("unplanned repair", "ungeplante Reparatur", "réparation imprévue"),
    "planned_maintenance": ("planned maintenance", "geplante Wartung", "maintenance planifiée"),
    "customer_cause": ("caused on your side", "von Ihnen verursacht", "de votre fait"),
    "external": ("external cause", "äußere Ursache", "cause externe"),
    "force_majeure": ("force majeure", "höhere Gewalt", "force majeure"),
    "unknown": ("no data", "keine Daten", "sans données"),
    "unannounced": (
        "maintenance without notice or beyond the allowance",
        "Wartung ohne Ankündigung oder über das Kontingent hinaus",
        "maintenance sans préavis ou au-delà du quota",
    ),
}  # fmt: skip
"""Categories of time in a customer's words."""
_PART = re.compile(r"\{([nupd]?)\}")


def say(language: str, key: str, *parts: object) -> str:
    """A phrase with its parts. Raises KeyError for one that is unknown."""
    phrase = _table(language)[key]
    return filled(phrase, parts, language) if phrase[1] else phrase[0].format(*parts)


def filled(phrase: tuple[str, str], parts: Sequence[object], language: str) -> str:
    """A phrase of a compiled table, with its parts."""
    template, marks = phrase
    return template.format(*(_written(parts, marks, language) if marks else parts))


def compiled(phrases: Words, language: str) -> Mapping[str, tuple[str, str]]:
    """By key the phrase, and a letter for each part that is not put in as it is; none in English."""
    place = LANGUAGES.index(language) if language in LANGUAGES else 0
    found = {}
    for key, said in phrases.items():
        marks = "".join(mark or "-" for mark in _PART.findall(said[place])) if place else ""
        found[key] = _PART.sub("{}", said[place]), marks if marks.strip("-") else ""
    return found


def listed(language: str, texts: Sequence[str]) -> str:
    """`0.30 and 0.20`: prices that follow each other."""
    whole = notation.figures(texts[0], language) if texts else ""
    for text in texts[1:]:
        whole = say(language, "and", whole, text)
    return whole


def one_by_one(language: str, texts: Iterable[str]) -> str:
    """`K1: …; K2: …`: what stands on one line, one after the other."""
    whole = ""
    for text in texts:
        whole = say(language, "then", whole, text) if whole else text
    return whole


def category(language: str, name: str) -> str:
    """A category of time; an unknown one as it is called."""
    return _categories(language).get(name, name)


def _written(parts: Sequence[object], marks: str, language: str) -> Iterator[str]:
    before = ""
    for part, mark in zip(map(str, parts), marks, strict=True):
        if mark == "n":
            yield notation.figures(part, language)
        elif mark == "u":
            yield notation.unit(part, before, language)
        elif mark in "pd":
            yield notation.period(part, language) if mark == "p" else notation.day(part, language)
        else:
            yield part
        before = part


@cache
def _table(language: str) -> Mapping[str, tuple[str, str]]:
    return compiled(PHRASES, language)


@cache
def _categories(language: str) -> Mapping[str, str]:
    place = LANGUAGES.index(language) if language in LANGUAGES else 0
    return {key: said[place] for key, said in CATEGORIES.items()}
