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
    "issued": ("Issued", "Ausgestellt am", "Émise le"),
    "due": ("Due", "Fällig am", "Échéance"),
    "service": ("Service", "Leistungszeitraum", "Période de prestation"),
    "to_pay": ("To pay", "Zu zahlen", "À payer"),
    "net": ("Net", "Netto", "Total HT"),
    "vat": ("VAT", "USt.", "TVA"),
    "rate": ("Rate", "Satz", "Taux"),
    "base": ("On", "Auf", "Base"),
    "gross": ("Gross", "Brutto", "Total TTC"),
    "vat_in": ("VAT in", "USt. in", "TVA en"),
    "purchase_order": ("Purchase order", "Bestellnummer", "Bon de commande"),
    "reference": ("Payment reference", "Zahlungsreferenz", "Référence de paiement"),
    "clause": ("Clause", "Klausel", "Clause"),
    "asset": ("Asset", "Objekt", "Équipement"),
    "text": ("Text", "Text", "Libellé"),
    "line": ("line", "Position", "ligne"),
    "others": ("Other assets", "Übrige Objekte", "Autres équipements"),
    "lines": ("lines", "Positionen", "lignes"),
    "contract": ("contract", "Vertrag", "contrat"),
    "times_in": ("times in", "Zeiten in", "heures de"),
    "draft": ("draft", "Entwurf", "brouillon"),
    "reminder": ("Reminder", "Zahlungserinnerung", "Rappel"),
    "dunning": ("Dunning letter", "Mahnung", "Mise en demeure"),
    "contest_until": ("may be contested until", "kann bestritten werden bis", "contestable jusqu'au"),
    "contest": ("Contesting a line", "Eine Position bestreiten", "Contester une ligne"),
    "contest_how": (
        "In the portal, on the invoice's page, or in writing to the seller, naming the line and the reason.",
        "Im Portal auf der Seite der Rechnung oder schriftlich beim Verkäufer, mit Position und Grund.",
        "Dans le portail, sur la page de la facture, ou par écrit au vendeur, en nommant la ligne et le motif.",
    ),
    "owed": ("Owed", "Offen", "Dû"),
    "days": ("Days", "Tage", "Jours"),
    "interest": ("Interest", "Zinsen", "Intérêts"),
    "lump_sum": (
        "Lump sum for recovery costs",
        "Pauschale für Beitreibungskosten",
        "Indemnité forfaitaire de recouvrement",
    ),
    "before": ("Charged before", "Früher berechnet", "Facturé auparavant"),
    "fee": ("Fee", "Mahngebühr", "Frais"),
    "total": ("Total", "Summe", "Total"),
    "S": ("Standard rate", "Regelsatz", "Taux normal"),
    "Z": ("Zero rate", "Nullsatz", "Taux zéro"),
    "E": ("Exempt", "Steuerfrei", "Exonéré"),
    "AE": ("Reverse charge", "Steuerschuldnerschaft des Leistungsempfängers", "Autoliquidation"),
    "K": ("Within the EU", "Innergemeinschaftliche Lieferung", "Livraison intracommunautaire"),
    "G": ("Export", "Ausfuhr", "Exportation"),
    "O": ("Outside scope", "Nicht steuerbar", "Hors champ"),
    "L": ("Canary Islands", "Kanarische Inseln", "Îles Canaries"),
    "M": ("Ceuta and Melilla", "Ceuta und Melilla", "Ceuta et Melilla"),
}
_ORDER: tuple[Language, ...] = ("en", "de", "fr")
LANGUAGES: dict[str, dict[str, str]] = {
    language: {key: words[n] for key, words in _WORDS.items()} for n, language in enumerate(_ORDER)
}


def labels(language: str | None) -> dict[str, str]:
    """Fixed words by key; English for a document that names no language."""
    return LANGUAGES.get(language or "en", LANGUAGES["en"])
