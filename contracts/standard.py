"""Each kind of term in standard sentences, made of its parameters: for readers of another language than the document's.

A sentence is said if all that it names is stated. The document's own text is what was signed; this is its translation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.language import LANGUAGES
from contracts.terms.base import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

SENTENCES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "fixed_fee": (
        ("The fee is {amount} for each {every}, per {per}.",
         "Die Gebühr beträgt {amount} je {every}, pro {per}.",
         "Le forfait est de {amount} par {every}, par {per}."),
        ("A part of it is shared by: {proration}.", "Teilzeiten werden geteilt nach: {proration}.",
         "Une partie est répartie selon : {proration}."),
        ("Invoiced in advance: {advance}.", "Im Voraus berechnet: {advance}.", "Facturé d'avance : {advance}."),
    ),
    "usage_charge": (
        ("{measure} costs {price}.", "{measure} kostet {price}.", "{measure} coûte {price}."),
        ("{measure} costs {tiers}.", "{measure} kostet {tiers}.", "{measure} coûte {tiers}."),
        ("{measure} is charged in packages of {package_size} at {package_price}.",
         "{measure} wird in Paketen von {package_size} zu {package_price} berechnet.",
         "{measure} est facturé par paquets de {package_size} à {package_price}."),
        ("{included} is free.", "{included} ist frei.", "{included} est gratuit."),
        ("It is counted for each {scope}.", "Gezählt wird je {scope}.", "Le décompte se fait par {scope}."),
    ),
    "allowance": (
        ("{included} of {measure} is included in each period.", "{included} ({measure}) sind je Zeitraum enthalten.",
         "{included} ({measure}) sont inclus par période."),
        ("What is not used rolls over, up to: {rollover_cap}; used is {order}.",
         "Nicht Genutztes wird übertragen, höchstens: {rollover_cap}; genutzt wird {order}.",
         "Le solde est reporté, au plus : {rollover_cap} ; on utilise {order}."),
        ("Each further set of {block_size} costs {block_price}.",
         "Jedes weitere Paket von {block_size} kostet {block_price}.",
         "Chaque lot supplémentaire de {block_size} coûte {block_price}."),
        ("What is beyond is charged by clause {overage}.", "Darüber hinaus gilt Ziffer {overage}.",
         "Au-delà, la clause {overage} s'applique."),
    ),
    "minimum_commitment": (
        ("At least {minimum} is taken in each {window}.", "Je {window} werden mindestens {minimum} abgenommen.",
         "Au moins {minimum} par {window}."),
        ("What is missing costs {shortfall_price}.", "Fehlendes kostet {shortfall_price}.",
         "Ce qui manque coûte {shortfall_price}."),
        ("Time in these categories makes it smaller: {relief}.", "Zeiten dieser Art mindern es: {relief}.",
         "Ces temps le réduisent : {relief}."),
        ("Later excess wins back {makeup_price}.", "Späteres Mehr holt {makeup_price} zurück.",
         "Un excédent ultérieur récupère {makeup_price}."),
    ),
    "indexation": (
        ("The prices of {of} move on {review} with: {components}; fixed is {fixed_share}.",
         "Die Preise von {of} folgen am {review}: {components}; fest bleiben {fixed_share}.",
         "Les prix de {of} suivent le {review} : {components} ; part fixe {fixed_share}."),
        ("A change stays between {collar_low} and {collar_high}.",
         "Eine Änderung bleibt zwischen {collar_low} und {collar_high}.",
         "Une variation reste entre {collar_low} et {collar_high}."),
        ("Less than {deadband} is left out.", "Weniger als {deadband} bleibt außer Betracht.",
         "Moins de {deadband} n'est pas appliqué."),
    ),
    "availability": (
        ("Availability of {target} in each {window} is promised; required time: {required}.",
         "Zugesagt ist eine Verfügbarkeit von {target} je {window}; geforderte Zeit: {required}.",
         "Une disponibilité de {target} par {window} est promise ; temps requis : {required}."),
        ("Time counts so: {treatments}.", "Zeit zählt so: {treatments}.", "Le temps compte ainsi : {treatments}."),
        ("Planned maintenance is announced {planned_notice} ahead.",
         "Geplante Wartung wird {planned_notice} vorher angekündigt.",
         "L'entretien est annoncé {planned_notice} à l'avance."),
        ("Left out is at most {planned_allowance} of it.",
         "Davon bleiben höchstens {planned_allowance} außer Betracht.",
         "Au plus {planned_allowance} n'en sont pas comptés."),
        ("A stop under {min_outage} is none.", "Ein Stillstand unter {min_outage} ist keiner.",
         "Un arrêt de moins de {min_outage} n'en est pas un."),
        ("With data for less than {min_coverage} the result is provisional.",
         "Mit Daten für weniger als {min_coverage} ist das Ergebnis vorläufig.",
         "Avec des données pour moins de {min_coverage}, le résultat est provisoire."),
        ("Credit on {base}: {steps}.", "Gutschrift auf {base}: {steps}.", "Avoir sur {base} : {steps}."),
        ("Credit: {rate}.", "Gutschrift: {rate}.", "Avoir : {rate}."),
        ("At most {caps}.", "Höchstens {caps}.", "Au plus {caps}."),
        ("A credit is given: {application}.", "Eine Gutschrift erfolgt: {application}.",
         "Un avoir est accordé : {application}."),
    ),
    "event_guarantee": (
        ("The clock runs from {clock_start} to {clock_stop}, in {hours}; the limit is {limit}.",
         "Die Uhr läuft von {clock_start} bis {clock_stop}, {hours}; die Frist ist {limit}.",
         "L'horloge court de {clock_start} à {clock_stop}, {hours} ; la limite est de {limit}."),
        ("Beyond it: {amount} for each {per}.", "Darüber: {amount} je {per}.", "Au-delà : {amount} par {per}."),
        ("For the first: {first_amount}.", "Für das erste Mal: {first_amount}.", "Pour la première : {first_amount}."),
        ("At most {cap_per_case} a case.", "Höchstens {cap_per_case} je Fall.", "Au plus {cap_per_case} par cas."),
        ("With a substitute: {substitute}.", "Mit Ersatz: {substitute}.", "Avec un remplacement : {substitute}."),
    ),
    "performance": (
        ("{measure}: {target} is promised in each {window}, within {tolerance}.",
         "{measure}: zugesagt sind {target} je {window}, Toleranz {tolerance}.",
         "{measure} : {target} par {window}, à {tolerance} près."),
        ("Credit on {base}: {steps}.", "Gutschrift auf {base}: {steps}.", "Avoir sur {base} : {steps}."),
        ("A credit is given: {application}.", "Eine Gutschrift erfolgt: {application}.",
         "Un avoir est accordé : {application}."),
    ),
    "gain_share": (
        ("Against {baseline}, moved by {drivers}, at least {threshold} is saved in each {window}.",
         "Gegenüber {baseline}, angepasst um {drivers}, werden je {window} mindestens {threshold} gespart.",
         "Par rapport à {baseline}, ajusté de {drivers}, au moins {threshold} est économisé par {window}."),
        ("The provider receives {share} {share_of}, at {reference_price}; cap: {cap}.",
         "Der Anbieter erhält {share} {share_of}, zu {reference_price}; Obergrenze: {cap}.",
         "Le fournisseur reçoit {share} {share_of}, à {reference_price} ; plafond : {cap}."),
        ("Otherwise: {shortfall}.", "Sonst: {shortfall}.", "Sinon : {shortfall}."),
    ),
    "obligation": (
        ("{measure} is kept at {at_least} or more.", "{measure} wird bei mindestens {at_least} gehalten.",
         "{measure} est maintenu à {at_least} ou plus."),
        ("{measure} is kept at {at_most} or less.", "{measure} wird bei höchstens {at_most} gehalten.",
         "{measure} est maintenu à {at_most} ou moins."),
        ("It is breached {cure} after the alert ({notice}).", "Verletzt ist das {cure} nach der Warnung ({notice}).",
         "Le manquement commence {cure} après l'alerte ({notice})."),
        ("Until it is kept again, {surcharge_of} costs {surcharge} more.",
         "Bis es wieder gilt, kostet {surcharge_of} {surcharge} mehr.",
         "Jusqu'au rétablissement, {surcharge_of} coûte {surcharge} de plus."),
        ("Failures of {scope} then count as {shifts_to} under {shifts}.",
         "Ausfälle ({scope}) gelten dann nach {shifts} als {shifts_to}.",
         "Les pannes ({scope}) comptent alors comme {shifts_to} selon {shifts}."),
    ),
    "replenishment": (
        ("Below {level_below}, {consumable} is sent within {lead}; it costs nothing.",
         "Unter {level_below} wird {consumable} binnen {lead} geliefert; das kostet nichts.",
         "Au-dessous de {level_below}, {consumable} est livré sous {lead} ; cela ne coûte rien."),
        ("When it lasts less than {days_left_below}, {consumable} is sent within {lead}; it costs nothing.",
         "Reicht es weniger als {days_left_below}, wird {consumable} binnen {lead} geliefert; das kostet nichts.",
         "S'il reste moins de {days_left_below}, {consumable} est livré sous {lead} ; cela ne coûte rien."),
    ),
    "termination_right": (
        ("If {of} is missed in {misses} of {of_last} windows, the contract may be ended within {exercise_within}.",
         "Wird {of} in {misses} von {of_last} Zeiträumen verfehlt, kann binnen {exercise_within} gekündigt werden.",
         "Si {of} est manqué {misses} fois sur {of_last}, le contrat peut être résilié sous {exercise_within}."),
        ("If {of} is on average below {average_below}, the contract may be ended within {exercise_within}.",
         "Liegt {of} im Mittel unter {average_below}, kann binnen {exercise_within} gekündigt werden.",
         "Si {of} est en moyenne au-dessous de {average_below}, le contrat peut être résilié sous {exercise_within}."),
        ("If {of} shows more than {outage_above} down within {outage_within}, ending within {exercise_within}.",
         "Zeigt {of} mehr als {outage_above} Ausfall binnen {outage_within}, folgt Kündigung binnen {exercise_within}.",
         "Si {of} montre plus de {outage_above} d'arrêt en {outage_within}, résiliation sous {exercise_within}."),
    ),
    "evidence_dispute": (
        ("Lines of {of} may be contested for {contest_within}; readings are kept for {retention}.",
         "Positionen von {of} können {contest_within} lang bestritten werden; Werte werden {retention} aufbewahrt.",
         "Les lignes de {of} sont contestables pendant {contest_within} ; les relevés sont gardés {retention}."),
        ("An error beyond {tolerance} is corrected over {back_correction}, at most {max_back}.",
         "Ein Fehler über {tolerance} wird berichtigt für {back_correction}, höchstens {max_back}.",
         "Une erreur de plus de {tolerance} est corrigée sur {back_correction}, au plus {max_back}."),
    ),
    "spend_cap": (
        ("{of} together cost at most {limit} in each {window}; beyond: {on_reach}.",
         "{of} kosten zusammen höchstens {limit} je {window}; darüber: {on_reach}.",
         "{of} coûtent ensemble au plus {limit} par {window} ; au-delà : {on_reach}."),
    ),
    "prepaid": (
        ("Credit paid in advance settles {of}; when it is used up: {on_empty}.",
         "Vorauszahlungen begleichen {of}; sind sie verbraucht: {on_empty}.",
         "Le crédit prépayé règle {of} ; une fois épuisé : {on_empty}."),
        ("What is not used lapses after {expires}.", "Was nicht genutzt ist, verfällt nach {expires}.",
         "Ce qui n'est pas utilisé expire après {expires}."),
    ),
}  # fmt: skip


def template(source: dict[str, Any], language: str) -> str | None:
    """Standard sentences of a term as it was written, to be filled; None for a language or clause that has none."""
    if language not in LANGUAGES or source.get("kind") not in SENTENCES:
        return None
    place = LANGUAGES.index(language)
    return " ".join(_stated(source, place)) or None


def _stated(source: dict[str, Any], place: int) -> Iterator[str]:
    for sentence in SENTENCES[source["kind"]]:
        if all(name in source for name in PLACEHOLDER.findall(sentence[place])):
            yield sentence[place]
