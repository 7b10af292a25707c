"""What lines and verdicts say, in the languages of agreements. Numbers are written as the contract writes them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from contracts.language import LANGUAGES, Words

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

PHRASES: Words = {
    "at": ("{} {} at {}{}", "{} {} zu {}{}", "{} {} à {}{}"),
    "fee": ("fee {}{}", "Gebühr {}{}", "forfait {}{}"),
    "estimated": (
        "; {} {} of it estimated, trued up when readings arrive",
        "; davon {} {} geschätzt, berichtigt, sobald Werte eintreffen",
        " ; dont {} {} estimés, régularisés à l'arrivée des relevés",
    ),
    "packages": ("packages", "Pakete", "lots"),
    "included": ("{} {}, {} {} included: ", "{} {}, {} {} enthalten: ", "{} {}, {} {} inclus : "),
    "nothing to price": ("nothing to price", "nichts zu berechnen", "rien à facturer"),
    "no units": ("no {}", "keine {}", "aucun {}"),
    "shared": ("{} of {} {}, its share of {}", "{} von {} {}, der Anteil an {}", "{} sur {} {}, sa part de {}"),
    "version": ("version {}: ", "Fassung {}: ", "version {} : "),
    "days": ("{} to {} {}, {} of {} days", "{} bis {} {}, {} von {} Tagen", "{} au {} {}, {} jours sur {}"),
    "in advance": ("{}, in advance", "{}, im Voraus", "{}, d'avance"),
    "was invoiced": ("{} was invoiced in advance", "{} wurde im Voraus berechnet", "{} a été facturé d'avance"),
    "credit of": ("credit of {}", "Gutschrift für {}", "avoir de {}"),
    "in cash": (", paid out in cash", ", wird ausgezahlt", ", payé en espèces"),
    "at least": ("at least {}", "mindestens {}", "au moins {}"),
    "reached": ("{} of {}: {}", "{} von {}: {}", "{} sur {} : {}"),
    "of": ("{} of {}", "{} von {}", "{} de {}"),
    "cap": (
        "{} = {}, its share of what the cap leaves", "{} = {}, der Anteil an dem, was die Obergrenze lässt",
        "{} = {}, sa part de ce que laisse le plafond",
    ),
    "required": ("{}, {}: required {}.", "{}, {}: gefordert {}.", "{}, {} : requis {}."),
    "not counted": ("Not counted: {}.", "Nicht gezählt: {}.", "Non compté : {}."),
    "counted": ("Counted {}.", "Gezählt {}.", "Compté {}."),
    "counted as": ("{} {} counted as {}", "{} {}, gezählt als {}", "{} {}, compté comme {}"),
    "down": ("Down: {}.", "Nicht verfügbar: {}.", "Indisponible : {}."),
    "availability": (
        "Availability {}, promised {}.", "Verfügbarkeit {}, zugesagt {}.", "Disponibilité {}, promise {}.",
    ),
    "gives": ("§ {} gives {}.", "§ {} gibt {}.", "§ {} donne {}."),
    "if all down": (
        "If the hours without data were all down, the credit would be {}.",
        "Wären die Stunden ohne Daten alle Ausfall, wäre die Gutschrift {}.",
        "Si toutes les heures sans données étaient des arrêts, l'avoir serait de {}.",
    ),
    "nothing known": ("{}: nothing is known of {}.", "{}: über {} ist nichts bekannt.", "{} : on ne sait rien de {}."),
    "attained": (
        "{}: {}, promised {}: {} attained, {}.", "{}: {}, zugesagt {}: zu {} erreicht, {}.",
        "{} : {}, promis {} : atteint à {}, {}.",
    ),
    "of attainment": ("{} attained: {}", "{} erreicht: {}", "{} atteint : {}"),
    "kept": ("kept", "eingehalten", "tenu"),
    "missed": ("missed", "verfehlt", "manqué"),
}  # fmt: skip
CATEGORIES: Words = {
    "running": ("running", "in Betrieb", "en marche"),
    "idle": ("idle", "bereit", "au repos"),
    "derated": ("reduced power", "verminderte Leistung", "puissance réduite"),
    "fault": ("fault", "Störung", "panne"),
    "unplanned_repair": ("unplanned repair", "ungeplante Reparatur", "réparation imprévue"),
    "planned_maintenance": ("planned maintenance", "geplante Wartung", "entretien planifié"),
    "customer_cause": ("caused on your side", "bei Ihnen verursacht", "de votre fait"),
    "external": ("external cause", "äußere Ursache", "cause externe"),
    "force_majeure": ("force majeure", "höhere Gewalt", "force majeure"),
    "unknown": ("no data", "keine Daten", "sans données"),
    "unannounced": (
        "maintenance without notice or beyond the allowance", "Wartung ohne Ankündigung oder über den Rahmen hinaus",
        "entretien sans préavis ou au-delà du cadre",
    ),
}  # fmt: skip
"""Categories of time in a customer's words."""
MONTHS = (
    "January February March April May June July August September October November December",
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember",
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre",
)


def say(language: str, key: str, *parts: object) -> str:
    """A phrase with its parts. Raises KeyError for one that is unknown."""
    return _table(language)[key].format(*parts)


def category(language: str, name: str) -> str:
    """A category of time; an unknown one as it is called."""
    return _categories(language).get(name, name)


def month(language: str, day: date) -> str:
    """`June`, `Juni`, `juin`."""
    return _months(language)[day.month - 1]


def day_of(language: str, day: date) -> str:
    """`11 June`, `11. Juni`, `11 juin`."""
    return f"{day.day}{'.' if language == 'de' else ''} {month(language, day)}"


def _place(language: str) -> int:
    return LANGUAGES.index(language) if language in LANGUAGES else 0


@cache
def _table(language: str) -> Mapping[str, str]:
    return {key: said[_place(language)] for key, said in PHRASES.items()}


@cache
def _categories(language: str) -> Mapping[str, str]:
    return {key: said[_place(language)] for key, said in CATEGORIES.items()}


@cache
def _months(language: str) -> tuple[str, ...]:
    return tuple(MONTHS[_place(language)].split())
