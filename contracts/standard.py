"""Each kind of term in standard sentences, made of its parameters: for readers of another language than the document's.

A sentence is said if all that it names is stated, and its condition holds, if it has one. The document's own text is
what was signed; this is its translation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from contracts.language import LANGUAGES
from contracts.terms.base import PLACEHOLDER

if TYPE_CHECKING:
    from collections.abc import Iterator

RATES: tuple[tuple[str, ...], ...] = (
    (
        "Credit on {base}: {steps}.",
        "Gutschrift auf die Beträge nach Ziffer {base}: {steps}.",
        "Avoir sur les montants de la clause {base} : {steps}.",
    ),
    (
        "Credit of {rate} of {base} {remedy}.",
        "Gutschrift von {rate} der Beträge nach Ziffer {base} {remedy}.",
        "Avoir de {rate} des montants de la clause {base} {remedy}.",
        "rate~%",
    ),
    ("Credit of {rate} {remedy}.", "Gutschrift von {rate} {remedy}.", "Avoir de {rate} {remedy}.", "rate!~%"),
    ("At most {caps}.", "Höchstens {caps}.", "Au plus {caps}."),
    ("A credit is given {application}.", "Die Gutschrift erfolgt {application}.", "L'avoir est accordé {application}."),
)
"""What a missed promise is worth."""
SENTENCES: dict[str, tuple[tuple[str, ...], ...]] = {
    "fixed_fee": (
        ("The fee is {amount} for each {every}, per {per}.", "Die Gebühr beträgt {amount} je {every} und {per}.",
         "La redevance est de {amount} par {every} et par {per}."),
        ("Part of a window is charged by its calendar days.",
         "Angebrochene Zeiträume werden nach Kalendertagen anteilig berechnet.",
         "Une période entamée est facturée au prorata des jours calendaires.", "proration=calendar_days"),
        ("Part of a window is charged as a whole one.", "Angebrochene Zeiträume werden voll berechnet.",
         "Une période entamée est facturée en entier.", "proration=none"),
        ("It is invoiced in advance.", "Sie wird im Voraus berechnet.", "Elle est facturée à l'avance.",
         "advance=true"),
    ),
    "usage_charge": (
        ("{measure}: {price}.", "{measure}: {price}.", "{measure} : {price}."),
        ("{measure}, each unit at the price of its tier: {tiers}.",
         "{measure}, jede Einheit zum Preis ihrer Stufe: {tiers}.",
         "{measure}, chaque unité au prix de sa tranche : {tiers}.", "model=graduated"),
        ("{measure}, all units at the price of the tier that is reached: {tiers}.",
         "{measure}, alle Einheiten zum Preis der erreichten Stufe: {tiers}.",
         "{measure}, toutes les unités au prix de la tranche atteinte : {tiers}.", "model=volume"),
        ("{measure}, the fee of the step that is reached: {tiers}.",
         "{measure}, Pauschale der erreichten Stufe: {tiers}.",
         "{measure}, forfait du palier atteint : {tiers}.", "model=stairstep"),
        ("{measure} is charged in packages of {package_size} at {package_price}, a begun one as a whole.",
         "{measure} wird in Paketen von {package_size} zu {package_price} berechnet, angefangene voll.",
         "{measure} est facturé par lots de {package_size} à {package_price}, tout lot entamé étant dû."),
        ("{included} is free.", "Frei: {included}.", "Inclus : {included}."),
        ("It is counted for each asset.", "Gezählt wird je Objekt.", "Le décompte se fait par équipement.",
         "scope=asset"),
        ("It is counted for all assets together.", "Gezählt wird für alle Objekte zusammen.",
         "Le décompte porte sur l'ensemble des équipements.", "scope=pool"),
    ),
    "allowance": (
        ("{included} of {measure} is included in each period.",
         "Je Abrechnungszeitraum ist eine Freimenge von {included} enthalten ({measure}).",
         "Une franchise de {included} est incluse par période de facturation ({measure})."),
        ("What is not used rolls over, up to {rollover_cap}.",
         "Nicht Genutztes wird übertragen, höchstens {rollover_cap}.", "Le solde est reporté, au plus {rollover_cap}.",
         "rollover_cap!=none"),
        ("What is not used rolls over without a limit.", "Nicht Genutztes wird unbegrenzt übertragen.",
         "Le solde est reporté sans limite.", "rollover_cap=none"),
        ("The plan is used before what rolled over.", "Zuerst wird die Freimenge genutzt, dann der Übertrag.",
         "La franchise est utilisée avant le report.", "order=plan_first"),
        ("What rolled over is used before the plan.", "Zuerst wird der Übertrag genutzt, dann die Freimenge.",
         "Le report est utilisé avant la franchise.", "order=rollover_first"),
        ("Each further begun set of {block_size} costs {block_price}.",
         "Jedes weitere angefangene Paket von {block_size} kostet {block_price}.",
         "Chaque lot supplémentaire entamé de {block_size} coûte {block_price}."),
        ("What is beyond is charged by clause {overage}.", "Darüber hinaus gilt Ziffer {overage}.",
         "Au-delà, la clause {overage} s'applique."),
    ),
    "minimum_commitment": (
        ("At least {minimum} is taken in each {window}.", "Die Mindestabnahme beträgt {minimum} je {window}.",
         "Le minimum garanti est de {minimum} par {window}."),
        ("What is missing is charged at {shortfall_price}.", "Was fehlt, wird mit {shortfall_price} berechnet.",
         "Ce qui manque est facturé à {shortfall_price}."),
        ("Time in these categories makes it smaller: {relief}.", "Zeiten dieser Art mindern sie: {relief}.",
         "Les temps suivants le réduisent : {relief}."),
        ("Later excess is credited at {makeup_price}.", "Spätere Mehrabnahme wird mit {makeup_price} gutgeschrieben.",
         "Un excédent ultérieur est crédité à {makeup_price}."),
    ),
    "indexation": (
        ("The prices of {of} move on {review} with: {components}; fixed is {fixed_share}.",
         "Die Preise nach Ziffer {of} werden angepasst zum {review} an: {components}; fester Anteil {fixed_share}.",
         "Les prix de la clause {of} sont révisés le {review} selon : {components} ; part fixe {fixed_share}."),
        ("A change stays between {collar_low} and {collar_high}.",
         "Eine Anpassung bleibt zwischen {collar_low} und {collar_high}.",
         "Une révision reste entre {collar_low} et {collar_high}."),
        ("Less than {deadband} is left out.", "Weniger als {deadband} bleibt außer Betracht.",
         "Une révision de moins de {deadband} n'est pas appliquée."),
    ),
    "availability": (
        ("Availability of {target} in each {window} is promised; required time: {required}.",
         "Zugesagt ist eine Verfügbarkeit von {target} je {window}; Sollzeit: {required}.",
         "Une disponibilité de {target} par {window} est garantie ; temps requis : {required}."),
        ("Time counts so: {treatments}.", "Zeiten werden so gewertet: {treatments}.",
         "Le temps est compté ainsi : {treatments}."),
        ("Planned maintenance is announced {planned_notice} ahead.",
         "Geplante Wartung wird {planned_notice} vorher angekündigt.",
         "La maintenance planifiée est annoncée {planned_notice} à l'avance."),
        ("Left out is at most {planned_allowance} of it.",
         "Davon bleiben höchstens {planned_allowance} außer Betracht.",
         "Au plus {planned_allowance} n'en sont pas comptées."),
        ("A stop under {min_outage} is none.", "Ein Ausfall unter {min_outage} bleibt außer Betracht.",
         "Un arrêt de moins de {min_outage} n'est pas compté."),
        ("With data for less than {min_coverage} of the required time the result is provisional.",
         "Liegen für weniger als {min_coverage} der Sollzeit Daten vor, ist das Ergebnis vorläufig.",
         "Avec des données pour moins de {min_coverage} du temps requis, le résultat est provisoire."),
        *RATES,
    ),
    "event_guarantee": (
        ("The clock runs from {clock_start} to {clock_stop}, in {hours}; the limit is {limit}.",
         "Die Frist von {limit} läuft von „{clock_start}“ bis „{clock_stop}“ ({hours}).",
         "Le délai de {limit} court de « {clock_start} » à « {clock_stop} » ({hours})."),
        ("Beyond it: {amount} for each {per}.", "Danach Gutschrift von {amount} je {per}.",
         "Au-delà : avoir de {amount} par {per}."),
        ("For the first: {first_amount}.", "Für den ersten Abschnitt: {first_amount}.",
         "Pour la première tranche : {first_amount}."),
        ("At most {cap_per_case} a case.", "Höchstens {cap_per_case} je Fall.", "Au plus {cap_per_case} par cas."),
        ("While there is a substitute, the clock stops.", "Solange ein Ersatz bereitsteht, ruht die Frist.",
         "Tant qu'un remplacement est fourni, le délai est suspendu.", "substitute=stops_clock"),
        ("A substitute changes nothing.", "Ein Ersatz ändert daran nichts.", "Un remplacement n'y change rien.",
         "substitute=ignored"),
    ),
    "performance": (
        ("{measure}: {target} is promised in each {window}, within {tolerance}.",
         "{measure}: zugesagt sind {target} je {window}, Toleranz {tolerance}.",
         "{measure} : {target} par {window} sont garantis, à {tolerance} près."),
        *RATES,
    ),
    "gain_share": (
        ("Against {baseline}, moved by {drivers}, at least {threshold} is saved in each {window}.",
         "Gegenüber {baseline}, angepasst um {drivers}, werden je {window} mindestens {threshold} eingespart.",
         "Par rapport à {baseline}, ajusté de {drivers}, au moins {threshold} est économisé par {window}.",
         "drivers!=[]"),
        ("Against {baseline}, at least {threshold} is saved in each {window}.",
         "Gegenüber {baseline} werden je {window} mindestens {threshold} eingespart.",
         "Par rapport à {baseline}, au moins {threshold} est économisé par {window}.", "drivers=[]"),
        ("The provider receives {share} of the whole saving, at {reference_price}.",
         "Der Anbieter erhält {share} der gesamten Einsparung, bewertet mit {reference_price}.",
         "Le fournisseur reçoit {share} de l'économie totale, valorisée à {reference_price}.",
         "share_of=whole_saving"),
        ("The provider receives {share} of the saving above the threshold, at {reference_price}.",
         "Der Anbieter erhält {share} der Einsparung über der Schwelle, bewertet mit {reference_price}.",
         "Le fournisseur reçoit {share} de l'économie au-delà du seuil, valorisée à {reference_price}.",
         "share_of=above_threshold"),
        ("At most {cap}.", "Höchstens {cap}.", "Au plus {cap}.", "cap!=none"),
        ("Otherwise the provider pays the difference at this price.",
         "Andernfalls zahlt der Anbieter die Differenz zu diesem Preis.",
         "À défaut, le fournisseur verse l'écart à ce prix.", "shortfall=difference"),
        ("Otherwise fees of {base} are paid back in proportion.",
         "Andernfalls werden Gebühren nach Ziffer {base} anteilig erstattet.",
         "À défaut, les montants de la clause {base} sont remboursés au prorata.", "shortfall=pro_rata_fees"),
    ),
    "obligation": (
        ("{measure} is kept at {at_least} or more.", "{measure} wird bei mindestens {at_least} gehalten.",
         "{measure} est maintenu à {at_least} ou plus."),
        ("{measure} is kept at {at_most} or less.", "{measure} wird bei höchstens {at_most} gehalten.",
         "{measure} est maintenu à {at_most} ou moins."),
        ("It is breached {cure} after the alert ({notice}).",
         "Die Pflicht ist {cure} nach der Warnung verletzt ({notice}).",
         "Le manquement commence {cure} après l'alerte ({notice})."),
        ("Until it is kept again, {surcharge_of} costs {surcharge} more.",
         "Bis sie wieder erfüllt ist, steigen die Preise nach Ziffer {surcharge_of} um {surcharge}.",
         "Jusqu'au rétablissement, les prix de la clause {surcharge_of} augmentent de {surcharge}."),
        ("Until it is kept again, prices of {multiplier_of} are taken times {multiplier}.",
         "Bis sie wieder erfüllt ist, gelten die Preise nach Ziffer {multiplier_of} mal {multiplier}.",
         "Jusqu'au rétablissement, les prix de la clause {multiplier_of} sont multipliés par {multiplier}."),
        ("Failures of {scope} then count as {shifts_to} under {shifts}.",
         "Ausfälle ({scope}) gelten dann nach Ziffer {shifts} als: {shifts_to}.",
         "Les pannes ({scope}) sont alors comptées selon la clause {shifts} comme : {shifts_to}."),
        ("Failures then count as {shifts_to} under {shifts}.",
         "Ausfälle gelten dann nach Ziffer {shifts} als: {shifts_to}.",
         "Les pannes sont alors comptées selon la clause {shifts} comme : {shifts_to}.", "scope="),
    ),
    "replenishment": (
        ("Below {level_below}, {consumable} is sent within {lead}; it costs nothing.",
         "Unter {level_below} wird {consumable} kostenfrei geliefert (Lieferzeit: {lead}).",
         "Au-dessous de {level_below}, {consumable} est livré sans frais (délai : {lead})."),
        ("When it lasts less than {days_left_below}, {consumable} is sent within {lead}; it costs nothing.",
         "Reicht der Vorrat unter {days_left_below}, wird {consumable} kostenfrei geliefert (Lieferzeit: {lead}).",
         "S'il reste moins de {days_left_below}, {consumable} est livré sans frais (délai : {lead})."),
    ),
    "termination_right": (
        (("If {of} is missed in {misses} of the last {of_last} windows, the contract may be ended within "
         "{exercise_within}."),
         ("Wird Ziffer {of} in {misses} der letzten {of_last} Zeiträume verfehlt, kann gekündigt werden "
         "(Frist: {exercise_within})."),
         ("Si la clause {of} est manquée {misses} fois sur les {of_last} dernières périodes, le contrat peut être "
         "résilié (délai : {exercise_within}).")),
        (("If {of} is below {average_below} on average over {average_over} windows, the contract may be ended within "
         "{exercise_within}."),
         ("Liegt Ziffer {of} unter {average_below} im Mittel von {average_over} Zeiträumen, kann gekündigt werden "
         "(Frist: {exercise_within})."),
         ("Si la clause {of} est au-dessous de {average_below} en moyenne sur {average_over} périodes, le contrat peut "
         "être résilié (délai : {exercise_within}).")),
        (("If {of} shows more than {outage_above} down within {outage_within}, the contract may be ended within "
         "{exercise_within}."),
         ("Fällt nach Ziffer {of} mehr als {outage_above} Ausfall an (Zeitraum: {outage_within}), kann gekündigt "
         "werden (Frist: {exercise_within})."),
         ("Si la clause {of} montre plus de {outage_above} d'arrêt en {outage_within}, le contrat peut être résilié "
         "(délai : {exercise_within}).")),
    ),
    "evidence_dispute": (
        ("Lines of {of} may be contested for {contest_within}; readings are kept for {retention}.",
         ("Positionen nach Ziffer {of} können {contest_within} lang bestritten werden; Messwerte werden {retention} "
         "aufbewahrt."),
         ("Les lignes de la clause {of} sont contestables pendant {contest_within} ; les relevés sont conservés "
         "{retention}.")),
        ("An error beyond {tolerance} is corrected over {back_correction}, at most {max_back}.",
         "Eine Messabweichung über {tolerance} wird für {back_correction} berichtigt, höchstens {max_back}.",
         "Une erreur de mesure de plus de {tolerance} est rectifiée sur {back_correction}, au plus {max_back}."),
    ),
    "spend_cap": (
        ("{of} together cost at most {limit} in each {window}.",
         "Die Beträge nach Ziffer {of} sind zusammen auf {limit} je {window} begrenzt.",
         "Les montants de la clause {of} sont plafonnés ensemble à {limit} par {window}."),
        ("What is beyond is waived.", "Was darüber liegt, wird nicht berechnet.", "L'excédent n'est pas facturé.",
         "on_reach=waive"),
        ("When it is reached, use pauses.", "Ist die Grenze erreicht, ruht die Nutzung.",
         "Le plafond atteint, l'usage est suspendu.", "on_reach=pause"),
        ("When it is reached, people are told.", "Ist die Grenze erreicht, wird benachrichtigt.",
         "Le plafond atteint, un avis est envoyé.", "on_reach=notify"),
    ),
    "prepaid": (
        ("Credit paid in advance settles {of}.", "Vorauszahlungen werden mit Ziffer {of} verrechnet.",
         "Le crédit prépayé règle la clause {of}."),
        ("When it is used up, the rest is invoiced.", "Sind sie verbraucht, wird der Rest in Rechnung gestellt.",
         "Une fois épuisé, le reste est facturé.", "on_empty=invoice"),
        ("When it is used up, use stops.", "Sind sie verbraucht, endet die Nutzung.",
         "Une fois épuisé, l'usage s'arrête.", "on_empty=stop"),
        ("What is not used lapses after {expires}.", "Nicht genutztes Guthaben verfällt (Frist: {expires}).",
         "Le crédit non utilisé expire (délai : {expires})."),
    ),
}  # fmt: skip
"""By kind: English, German, French, and where there is one a condition: `name=value`, `name!=value`, `name~part`."""


def template(source: dict[str, Any], language: str) -> str | None:
    """Standard sentences of a term as it was written, to be filled; None for a language or clause that has none."""
    if language not in LANGUAGES or source.get("kind") not in SENTENCES:
        return None
    place = LANGUAGES.index(language)
    return " ".join(_stated(source, place)) or None


def _stated(source: dict[str, Any], place: int) -> Iterator[str]:
    for sentence in SENTENCES[source["kind"]]:
        stated = all(name in source for name in PLACEHOLDER.findall(sentence[place]))
        if stated and all(_holds(source, condition) for condition in sentence[len(LANGUAGES) :]):
            yield sentence[place]


def _holds(source: dict[str, Any], condition: str) -> bool:
    """Whether a parameter is (`=`) or has in it (`~`) what the condition says, or not (`!`)."""
    sign = "=" if "=" in condition else "~"
    name, _, wanted = condition.partition(sign)
    value = str(source.get(name.rstrip("!"), ""))
    return (value == wanted if sign == "=" else wanted in value) is not name.endswith("!")
