"""What billing itself says on documents, in the debtor's language; numbers and days as the language writes them.

Findings, and why a run leaves a contract out, are for the people who bill: they stay English (billing/check.py).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from contracts.language import Words
from contracts.phrase import compiled, filled

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

PHRASES: Words = {
    "provisional": (
        "clause {}, {}: provisional, more facts may change it",
        "Ziffer {}, {}: vorläufig, weitere Angaben können das Ergebnis ändern",
        "clause {}, {} : provisoire, d'autres données peuvent modifier le résultat",
    ),
    "open case": (
        "clause {}, {}: {} from {d} to {d} is open", "Ziffer {}, {}: {} vom {d} bis {d}, noch ungeklärt",
        "clause {}, {} : {} du {d} au {d}, à éclaircir",
    ),
    "labelled": ("{}: {}", "{}: {}", "{} : {}"),
    "corrects": ("corrects {} of {d}: {}", "berichtigt {} vom {d}: {}", "rectifie {} du {d} : {}"),
    "first billed": ("not billed before: {}", "bisher nicht berechnet: {}", "pas encore facturé : {}"),
    "sum": ("{}: {n}", "{}: {n}", "{} : {n}"),
}  # fmt: skip
REASONS: Words = {
    "estimate trued up": ("estimate trued up", "Schätzung berichtigt", "estimation régularisée"),
    "late readings": ("late readings", "verspätete Messwerte", "relevés tardifs"),
    "readings corrected": ("readings corrected", "Messwerte berichtigt", "relevés rectifiés"),
    "device or register declared": (
        "device or register declared", "Gerät oder Zählwerk erklärt", "appareil ou compteur déclaré",
    ),
    "meter decided": ("meter decided", "Zählerfall entschieden", "cas de compteur tranché"),
    "component moved": ("component moved", "Bauteil umgesetzt", "composant déplacé"),
    "earlier period corrected": (
        "earlier period corrected", "früherer Zeitraum berichtigt", "période antérieure rectifiée",
    ),
    "found in an earlier run": (
        "found in an earlier run", "in einem früheren Lauf gefunden", "constaté lors d'un cycle antérieur",
    ),
    "the period's credits exceed its charges": (
        "the period's credits exceed its charges", "die Gutschriften des Zeitraums übersteigen seine Entgelte",
        "les avoirs de la période dépassent ses montants",
    ),
    "attribution decided": ("attribution decided", "Zuordnung entschieden", "imputation tranchée"),
    "notice decided": ("notice decided", "Ankündigung entschieden", "préavis tranché"),
    "quantity reported": ("quantity reported", "Menge gemeldet", "quantité communiquée"),
    "state reported": ("state reported", "Zustand gemeldet", "état communiqué"),
    "duty reported": ("duty reported", "Pflichtverletzung gemeldet", "manquement communiqué"),
    "substitute reported": ("substitute reported", "Ersatz gemeldet", "remplacement communiqué"),
    "ticket reported": ("ticket reported", "Fall gemeldet", "cas communiqué"),
    "pause reported": ("pause reported", "Pause gemeldet", "suspension communiquée"),
    "meter test reported": ("meter test reported", "Zählerprüfung gemeldet", "contrôle de compteur communiqué"),
    "opening reported": ("opening reported", "Anfangsstand gemeldet", "situation de départ communiquée"),
    "history reported": ("history reported", "Vorgeschichte gemeldet", "historique communiqué"),
    "basis reported": ("basis reported", "Grundlage gemeldet", "base communiquée"),
    "index value reported": ("index value reported", "Indexwert gemeldet", "valeur d'indice communiquée"),
}  # fmt: skip
"""Why a bill changes, as the program names it; what a person typed stays as it is."""
CASES: Words = {
    "counter_fell": ("counter_fell", "gefallener Zählerstand", "compteur en recul"),
    "above_max_rate": ("above_max_rate", "unplausibel hoher Verbrauch", "consommation invraisemblable"),
    "conflict": ("conflict", "widersprüchliche Messwerte", "relevés contradictoires"),
    "missing": ("missing", "fehlende Messwerte", "relevés manquants"),
}  # fmt: skip
"""Why a case of a meter is open."""


def say(language: str, key: str, *parts: object) -> str:
    """A phrase with its parts. Raises KeyError for one that is unknown."""
    return filled(_table(language)[key], parts, language)


def reason(text: str, language: str) -> str:
    """Reasons of the program in the language, those of people as they typed them."""
    return ", ".join(_known(language).get(one, one) for one in text.split(", "))


def corrected(document: Mapping[str, Any] | None, why: str, language: str) -> str:
    """`corrects TS-2026-00001 of 2026-07-05: late readings`: which document, by number and issue_date, and why.

    None: the period had nothing to bill, and its contract no invoice.
    """
    if document is None:
        return say(language, "first billed", reason(why, language))
    return say(language, "corrects", document["number"], document["issue_date"], reason(why, language))


def notes(result: Mapping[str, Any], language: str) -> Iterator[str]:
    """What the buyer reads beside an evaluation's lines: what is provisional, and which cases are open."""
    for verdict in result["verdicts"]:
        if verdict["status"] == "provisional":
            yield say(language, "provisional", verdict["clause"], verdict["asset"])
    for item in result["open_cases"]:
        what = _known(language).get(item["reason"], item["reason"])
        yield say(language, "open case", item["clause"], item["asset"], what, item["from"], item["to"])


@cache
def _table(language: str) -> Mapping[str, tuple[str, str]]:
    return compiled(PHRASES, language)


@cache
def _known(language: str) -> Mapping[str, str]:
    return {key: phrase for key, (phrase, _) in compiled(REASONS | CASES, language).items()}
