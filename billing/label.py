"""The fixed words of documents, in the debtor's language. What a contract says stays in the contract's words."""

from __future__ import annotations

from typing import Literal, TypeAlias

Language: TypeAlias = Literal["en", "de", "fr"]

_WORDS: dict[str, tuple[str, str, str]] = {
    "invoice": ("Invoice", "Rechnung", "Facture"),
    "credit_note": ("Credit note", "Rechnungskorrektur", "Avoir"),
    "corrects": ("corrects", "berichtigt", "rectifie"),
    "from": ("From", "Von", "De"),
    "to": ("To", "An", "À"),
    "issued": ("Issued", "Ausgestellt am", "Date d'émission"),
    "due": ("Due", "Fällig am", "Échéance"),
    "service": ("Service", "Leistungszeitraum", "Période de facturation"),
    "to_pay": ("To pay", "Zu zahlen", "À payer"),
    "net": ("Net", "Netto", "Total HT"),
    "vat": ("VAT", "USt.", "TVA"),
    "rate": ("Rate", "Satz", "Taux"),
    "base": ("On", "Auf", "Base"),
    "gross": ("Gross", "Brutto", "Total TTC"),
    "vat_in": ("VAT in", "USt. in", "TVA en"),
    "purchase_order": ("Purchase order", "Bestellnummer", "Bon de commande"),
    "reference": ("Payment reference", "Zahlungsreferenz", "Référence de paiement"),
    "clause": ("Clause", "Ziffer", "Clause"),
    "asset": ("Asset", "Objekt", "Équipement"),
    "text": ("Text", "Text", "Libellé"),
    "line": ("line", "Position", "ligne"),
    "lines": ("lines", "Positionen", "lignes"),
    "contract": ("contract", "Vertrag", "contrat"),
    "times_in": ("times in", "Zeiten in", "heures de"),
    "draft": ("draft", "Entwurf", "projet"),
    "reminder": ("Reminder", "Zahlungserinnerung", "Lettre de rappel"),
    "dunning": ("Dunning letter", "Mahnung", "Mise en demeure"),
    "contest_until": ("may be contested until", "kann bestritten werden bis", "contestable jusqu'au"),
    "owed": ("Owed", "Offener Betrag", "Montant dû"),
    "days": ("Days", "Tage in Verzug", "Jours de retard"),
    "interest": ("Interest", "Verzugszinsen", "Intérêts de retard"),
    "fee": ("Fee", "Mahngebühr", "Frais de recouvrement"),
    "total": ("Total", "Summe", "Total"),
    "S": ("Standard rate", "Regelsatz", "Taux normal"),
    "Z": ("Zero rate", "Nullsatz", "Taux zéro"),
    "E": ("Exempt", "Steuerfrei", "Exonéré de TVA"),
    "AE": ("Reverse charge", "Steuerschuldnerschaft des Leistungsempfängers", "Autoliquidation"),
    "K": ("Within the EU", "Steuerfreie innergemeinschaftliche Lieferung", "Livraison intracommunautaire exonérée"),
    "G": ("Export", "Steuerfreie Ausfuhr", "Exportation exonérée"),
    "O": ("Outside scope", "Nicht steuerbar", "Hors champ de la TVA"),
    "L": ("Canary Islands", "Kanarische Inseln", "Îles Canaries"),
    "M": ("Ceuta and Melilla", "Ceuta und Melilla", "Ceuta et Melilla"),
    # How a line came about, on a page.
    "hint": (
        "Open a clause, then a line, to see why it is what it is.",
        "Öffnen Sie eine Ziffer, dann eine Position, um zu sehen, wie sie zustande kommt.",
        "Ouvrez une clause, puis une ligne, pour voir comment elle est calculée.",
    ),
    "violated": ("Missed", "Verfehlt", "Manqué"),
    "fulfilled": ("Met", "Eingehalten", "Respecté"),
    "not_applicable": ("Not applicable", "Nicht anwendbar", "Sans objet"),
    "not_determined": ("Not determined", "Nicht feststellbar", "Indéterminé"),
    "breach_report": ("Breach report", "Bericht zur Verfehlung", "Rapport de manquement"),
    "as_json": ("this explanation as JSON", "diese Erläuterung als JSON", "cette explication en JSON"),
    "readings": ("Readings of line", "Messwerte der Position", "Relevés de la ligne"),
    "register": ("Register", "Zählwerk", "Compteur"),
    "device": ("Device", "Gerät", "Appareil"),
    "since": ("From", "Von", "Du"),
    "until": ("To", "Bis", "Au"),
    "opening": ("Opening", "Anfangsstand", "Index initial"),
    "closing": ("Closing", "Endstand", "Index final"),
    "use": ("Use", "Verbrauch", "Consommation"),
    "removed": ("removed", "abgezogen", "déduit"),
    "reading": ("actual reading", "abgelesener Wert", "relevé réel"),
    "interpolated": ("interpolated", "zwischen zwei Werten interpoliert", "interpolé entre deux relevés"),
    "carried": ("carried over a silence", "über eine Lücke fortgeschrieben", "reporté faute de relevé"),
    "start": ("start value", "Anfangswert", "valeur de départ"),
    "last": ("last reading so far", "bisher letzter Wert", "dernier relevé connu"),
    # Kinds of term, as headings of their lines.
    "kind_fixed_fee": ("Fixed fee", "Grundgebühr", "Redevance fixe"),
    "kind_usage_charge": ("Usage", "Nutzung", "Consommation"),
    "kind_allowance": ("Allowance", "Freimenge", "Franchise"),
    "kind_minimum_commitment": ("Minimum", "Mindestabnahme", "Minimum garanti"),
    "kind_indexation": ("Indexation", "Preisanpassung", "Indexation"),
    "kind_availability": ("Uptime credit", "Gutschrift Verfügbarkeit", "Avoir disponibilité"),
    "kind_event_guarantee": ("Event guarantee", "Gutschrift Fristüberschreitung", "Avoir dépassement de délai"),
    "kind_performance": ("Performance", "Gutschrift Leistungszusage", "Avoir performance"),
    "kind_gain_share": ("Gain share", "Einsparbeteiligung", "Partage des économies"),
    "kind_obligation": ("Obligation", "Zuschlag wegen Pflichtverletzung", "Majoration pour manquement"),
    "kind_replenishment": ("Replenishment", "Nachlieferung", "Réapprovisionnement"),
    "kind_termination_right": ("Termination right", "Kündigungsrecht", "Droit de résiliation"),
    "kind_evidence_dispute": ("Evidence dispute", "Berichtigung der Messung", "Rectification de la mesure"),
    "kind_spend_cap": ("Spend cap", "Kostenobergrenze", "Plafond de dépenses"),
    "kind_prepaid": ("Prepaid", "Guthaben", "Crédit prépayé"),
}
_ORDER: tuple[Language, ...] = ("en", "de", "fr")
LANGUAGES: dict[str, dict[str, str]] = {
    language: {key: words[n] for key, words in _WORDS.items()} for n, language in enumerate(_ORDER)
}


def labels(language: str | None) -> dict[str, str]:
    """Fixed words by key; English for a document that names no language."""
    return LANGUAGES.get(language or "en", LANGUAGES["en"])
