"""Standard words of terms in the languages of agreements. A clause's text is the document's; these fill its braces."""

from __future__ import annotations

from typing import TypeAlias

Words: TypeAlias = "dict[str, tuple[str, str, str]]"
LANGUAGES = ("en", "de", "fr")
"""In the order of the tables; other languages read English."""

PHRASES: Words = {
    "contract": ("Contract", "Vertrag", "Contrat"),
    "version": ("version", "Fassung", "version"),
    "from": ("from", "ab", "à partir du"),
    "billed each": ("billed each", "abgerechnet je", "facturé par"),
    "part": ("{}: {}", "{}: {}", "{} : {}"),
    "then": ("{}; {}", "{}; {}", "{} ; {}"),
    "in": ("in", "in", "en"),
    "time of": ("time of", "Zeit von", "heure de"),
    "lines rounded": ("lines rounded", "Positionen gerundet", "lignes arrondies"),
    "to decimals": ("to {} decimals", "auf {} Nachkommastellen", "à {} décimales"),
    "covered": ("covered", "umfasst", "couvre"),
    "estimated": (
        "{}: where nothing was read an estimate is billed, flagged, and trued up when readings arrive",
        "{}: ohne Ablesung wird eine Schätzung berechnet, gekennzeichnet, und berichtigt, sobald Werte eintreffen",
        "{} : sans relevé, une estimation est facturée, signalée comme telle et régularisée à l'arrivée des relevés",
    ),
    "left to people": ("left to people", "bleibt Menschen überlassen", "laissé aux personnes"),
    "a fee of": ("a fee of", "eine Gebühr von", "un forfait de"),
    "and": ("and", "und", "et"),
    "from the first unit": ("from the first unit", "ab der ersten Einheit", "dès la première unité"),
    "above": ("above {}", "über {}", "au-dessus de {}"),
    "up to": ("up to {}", "bis {}", "jusqu'à {}"),
    "from to": ("from {} to {}", "von {} bis {}", "de {} à {}"),
    "below": ("{} below {}", "{} unter {}", "{} au-dessous de {}"),
    "at or more": ("{} at {} or more", "{} ab {}", "{} à partir de {}"),
    "cap": ("{} in {}", "{} in {}", "{} sur {}"),
    "up by": ("up by {}", "zu {} verfügbar", "disponible à {}"),
    "moves": ("{} by {} of {}", "{} um {} je {}", "{} de {} par {}"),
    "weight": ("{} by {}", "{} zu {}", "{} pour {}"),
    "clause": ("clause {}, ", "Ziffer {}, ", "clause {}, "),
    "is new": ("clause {} is new: {}", "Ziffer {} ist neu: {}", "la clause {} est nouvelle : {}"),
    "reads now": ("clause {} reads now: {}", "Ziffer {} lautet jetzt: {}", "la clause {} devient : {}"),
    "is gone": ("clause {} is gone: {}", "Ziffer {} entfällt: {}", "la clause {} est supprimée : {}"),
    "added": ("{}: {} (new)", "{}: {} (neu)", "{} : {} (nouveau)"),
    "no longer": ("{}: no longer {}", "{}: nicht mehr {}", "{} : plus {}"),
    "instead": ("{}: {} instead of {}", "{}: {} statt {}", "{} : {} au lieu de {}"),
    "changes": ("version {} to {}", "Fassung {} zu {}", "version {} à {}"),
    "nothing": ("nothing", "nichts", "rien"),
}
WORDS: Words = {
    "up": ("up", "verfügbar", "disponible"),
    "down": ("down", "nicht verfügbar", "indisponible"),
    "exclude": ("left out", "nicht gewertet", "non compté"),
    "measured": ("up by its performance", "nach Leistung verfügbar", "disponible selon sa performance"),
    "running": ("running", "in Betrieb", "en marche"),
    "idle": ("idle", "bereit", "au repos"),
    "derated": ("derated", "mit verminderter Leistung", "à puissance réduite"),
    "fault": ("fault", "Störung", "panne"),
    "unplanned_repair": ("unplanned repair", "ungeplante Reparatur", "réparation imprévue"),
    "planned_maintenance": ("planned maintenance", "geplante Wartung", "maintenance planifiée"),
    "customer_cause": ("customer cause", "vom Kunden verursacht", "imputable au client"),
    "external": ("external", "äußere Ursache", "cause externe"),
    "force_majeure": ("force majeure", "höhere Gewalt", "force majeure"),
    "unknown": ("unknown", "unbekannt", "inconnu"),
    "period": ("period", "Abrechnungszeitraum", "période de facturation"),
    "month": ("month", "Monat", "mois"),
    "quarter": ("quarter", "Quartal", "trimestre"),
    "year": ("year", "Jahr", "an"),
    "contract_year": ("contract year", "Vertragsjahr", "année contractuelle"),
    "rolling_12_months": ("rolling 12 months", "gleitende zwölf Monate", "douze mois glissants"),
    "calendar_days": ("calendar days", "Kalendertagen", "jours calendaires"),
    "none": ("none", "keine", "aucun"),
    "true": ("yes", "ja", "oui"),
    "false": ("no", "nein", "non"),
    "half_up": ("half up", "kaufmännisch", "au plus proche"),
    "half_even": ("half even", "zur geraden Ziffer", "au pair"),
    "plan_first": ("plan first", "zuerst der Tarif", "d'abord le forfait"),
    "rollover_first": ("rollover first", "zuerst der Übertrag", "d'abord le report"),
    "reported": ("reported", "gemeldet", "signalé"),
    "opened": ("opened", "eröffnet", "ouvert"),
    "arrived": ("arrived", "eingetroffen", "arrivé"),
    "on_site": ("on site", "vor Ort", "sur place"),
    "fixed": ("fixed", "behoben", "réparé"),
    "closed": ("closed", "abgeschlossen", "clos"),
    "started_24h": ("started 24 h", "angefangene 24 h", "24 h entamées"),
    "started_hour": ("started hour", "angefangene Stunde", "heure entamée"),
    "calendar_day": ("calendar day", "Kalendertag", "jour calendaire"),
    "stops_clock": ("the clock stops", "die Uhr steht", "l'horloge s'arrête"),
    "ignored": ("it changes nothing", "sie ändert nichts", "cela ne change rien"),
    "by_quantity": ("by quantity", "nach Menge", "selon la quantité"),
    "whole_saving": ("on the whole", "insgesamt", "au total"),
    "above_threshold": ("above the threshold", "über der Schwelle", "au-dessus du seuil"),
    "pro_rata_fees": ("pro rata", "anteilig", "au prorata"),
    "last_applied": ("last applied", "zuletzt geltenden", "dernier appliqué"),
    "original": ("original", "ursprünglichen", "d'origine"),
    "waive": ("it is waived", "wird erlassen", "abandonné"),
    "pause": ("use pauses", "die Nutzung ruht", "l'usage est suspendu"),
    "notify": ("people are told", "es wird benachrichtigt", "un avis est envoyé"),
    "invoice": ("it is invoiced", "wird in Rechnung gestellt", "facturé"),
    "stop": ("use stops", "die Nutzung endet", "l'usage s'arrête"),
    "this_invoice": ("on this invoice", "auf dieser Rechnung", "sur cette facture"),
    "next_invoice": ("on the next invoice", "auf der nächsten Rechnung", "sur la prochaine facture"),
    "cash": ("in cash", "durch Auszahlung", "par versement"),
    "extension_days": (
        "as days that it goes on",
        "als Verlängerung der Laufzeit",
        "en jours de prolongation",
    ),
    "provider": ("provider", "Anbieter", "fournisseur"),
    "customer": ("customer", "Kunde", "client"),
    "half_since_test": (
        "half of the time since the last test",
        "die halbe Zeit seit der letzten Prüfung",
        "la moitié du temps depuis le dernier contrôle",
    ),
    "since_test": ("the time since the last test", "die Zeit seit der letzten Prüfung", "depuis le dernier contrôle"),
    "asset": ("asset", "Objekt", "équipement"),
    "contract": ("contract", "Vertrag", "contrat"),
    "pool": ("pool", "Pool", "parc"),
    "distance": ("distance", "Strecke", "distance"),
    "pages": ("pages", "Seiten", "pages"),
    "difference": ("the difference is paid", "die Differenz wird gezahlt", "la différence est payée"),
    "24x7": ("round the clock", "rund um die Uhr", "jour et nuit"),
    "proposed": ("proposed", "vorgeschlagen", "proposé"),
    "accepted": ("accepted", "anerkannt", "accepté"),
    "disputed": ("disputed", "bestritten", "contesté"),
    "determined": ("determined", "festgestellt", "établi"),
    "alert": ("alert", "Warnung", "alerte"),
    "portal": ("portal", "Portal", "portail"),
    "email": ("email", "E-Mail", "courriel"),
    "partner": ("partner", "Partner", "partenaire"),
    "ladder": ("by steps", "nach Stufen", "par paliers"),
    "per_point": ("for each whole point missing", "je vollem fehlenden Prozentpunkt", "par point entier manquant"),
    "per_point_or_part": (
        "for each point missing, or part of one",
        "je angefangenem fehlenden Prozentpunkt",
        "par point manquant entamé",
    ),
    "linear": ("for each point missing", "je fehlendem Prozentpunkt, anteilig", "par point manquant, au prorata"),
    "per_hour": ("for each hour down", "je Stunde Ausfall", "par heure d'arrêt"),
    "per_event": ("for each outage", "je Ausfall", "par arrêt"),
    "lost_output": ("for output that was lost", "für entgangene Erzeugung", "pour la production perdue"),
    "tyre": ("tyre", "Reifen", "pneu"),
}
WINDOWS: Words = {
    "month": ("a month", "einem Monat", "un mois"),
    "quarter": ("a quarter", "einem Quartal", "un trimestre"),
    "contract_year": ("a contract year", "einem Vertragsjahr", "une année contractuelle"),
    "rolling_12_months": ("twelve months", "zwölf Monaten", "douze mois"),
}
TIMES: dict[str, tuple[tuple[str, str], tuple[str, str], tuple[str, str]]] = {
    "year": (("year", "years"), ("Jahr", "Jahre"), ("an", "ans")),
    "month": (("month", "months"), ("Monat", "Monate"), ("mois", "mois")),
    "day": (("day", "days"), ("Tag", "Tage"), ("jour", "jours")),
}
UNITS: dict[str, tuple[tuple[str, str], tuple[str, str], tuple[str, str]]] = {
    "page": (("page", "page"), ("Seite", "Seiten"), ("page", "pages")),
    "click": (("click", "click"), ("Klick", "Klicks"), ("clic", "clics")),
    "event": (("event", "event"), ("Ereignis", "Ereignisse"), ("événement", "événements")),
    "packages": (("packages", "packages"), ("Paket", "Pakete"), ("lot", "lots")),
}
"""Units that are words, one and many; all others are signs. English writes them as contracts do."""


def of(table: Words, key: str, language: str) -> str:
    """A word or phrase; in English for a language that has no table. Raises KeyError."""
    return table[key][LANGUAGES.index(language) if language in LANGUAGES else 0]


def counted(number: int, unit: str, language: str) -> str:
    """`3 days`, `3 Tage`, `3 jours`."""
    pair = TIMES[unit][LANGUAGES.index(language) if language in LANGUAGES else 0]
    return f"{number} {pair[number != 1]}"
