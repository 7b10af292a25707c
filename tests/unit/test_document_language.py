"""Invoices, corrections and reports in the debtor's language, as the command line and the pages show them."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from api.commands.bill_view import invoice_view
from api.portal import breach_page, page
from api.portal.invoice_page import choices, sections
from api.portal.uptime import LOOKS
from billing import wording
from billing.agreement import agreement
from billing.breach import Breach, report
from billing.invoice import Document, Evaluated, Party, draw_up, issued
from billing.label import labels
from billing.tax import CATEGORIES, Tax
from contracts import phrase
from contracts.check import in_language, run
from contracts.document import KINDS, Agreement, read_agreement
from contracts.facts_document import FactsDocument, read_facts
from contracts.language import LANGUAGES
from contracts.text import read
from core.money import Money
from core.time import zone

ROOT = Path(__file__).parents[2]
VIEWER = SimpleNamespace(title="Finance", role="finance", csrf="")
FRAME: dict[str, Any] = {"theme": "", "path": "/", "viewer": VIEWER, "party": "N", "menu": [], "live": "", "here": "/"}


def evaluated(case: str, language: str) -> tuple[Agreement, dict[str, Any], int]:
    """A worked case's first example: agreement, evaluation as JSON types, end of its period."""
    folder = ROOT / "tests" / "specs"
    found = read_agreement((folder / f"{case}.contract.yaml").read_bytes())
    assert isinstance(found, Agreement)
    found = in_language(found, language)
    source = read((folder / f"{case}.facts.yaml").read_bytes())[0][0]
    document = read_facts(source, found.versions)
    assert isinstance(document, FactsDocument)
    evaluation = run(found, document)[0].evaluation
    assert evaluation is not None
    return found, evaluation.to_json(), evaluation.end


def drawn(language: str, case: str = "w18-whole-invoice") -> Document:
    """Its invoice."""
    found, result, end = evaluated(case, language)
    terms = agreement(found.versions, result["versions"], end=end, default=Tax("S", Decimal(19)))
    seller, buyer = Party("Torvald", "Hafen 1", "DE", "DE1"), Party("Nordhaul", "Kai 2", "DE", "DE2")
    known = Evaluated("ev_1", result, {})
    draft = draw_up(known, terms, seller=seller, buyer=buyer, payment_days=14, language=language)
    dates = {"issue_date": date(2026, 7, 5), "due_date": date(2026, 7, 19)}
    return issued(draft.document, id="inv_1", number="TS-2026-00001", **dates)


def test_an_invoice_on_the_command_line_is_german_throughout() -> None:
    console = Console(width=200, file=StringIO(), record=True)
    console.print(invoice_view(drawn("de")))
    shown = console.export_text()
    for text in (
        "Rechnung TS-2026-00001 · C-18 · Juni 2026",
        "Fassung 2: 1.700 km zu 0,0400, 2.400 km zu 0,0360",
        "Stufe über 8.000 km: Einheiten × Preis = 86,40 EUR",
        "Gutschrift: Anteil × Bemessungsgrundlage = 92,5",
        "USt. 19 % auf 2.184,78 (Regelsatz)",
        "Ausgestellt am 5. Juli 2026, Fällig am 19. Juli 2026",
    ):
        assert text in shown
    assert not re.search(r"\d\.\d\d\b|\b(of|at|the|instead|rounding|units|quantity)\b", shown)


def test_a_clause_on_an_invoice_is_said_in_the_language_of_its_contract() -> None:
    assert "30 Tage" in str(drawn("de")["clauses"]) or "3 Tage" in str(drawn("de")["clauses"])


def words_of(page_text: str) -> str:
    """The words of a page's main part, without its marks; blanks of all kinds as one."""
    main = page_text[page_text.index("<h1>") :].partition('id="h-proof"')[0]
    bare = re.sub(r"<svg.*?</svg>|<[^>]+>", " ", main, flags=re.DOTALL)
    return re.sub(r"[^\S\u202f]+", " ", bare.replace("&#39;", "'"))


def invoice_page(document: Document, template: str = "invoice.html") -> str:
    """Its words. `template`: invoice.html or paper.html."""
    return words_of(rendered(document, template))


def rendered(document: Document, template: str) -> str:
    issue, amounts = document["issue"], ("gross", "net")
    invoice = SimpleNamespace(
        document=document, number=issue["number"], public_id="inv_1", id=1, kind=document["kind"],
        label=document["period"],
        issue_date=date.fromisoformat(issue["issue_date"]), due_date=date.fromisoformat(issue["due_date"]),
        service_start=datetime(2026, 5, 31, 22, tzinfo=UTC), tax=Decimal(document["tax_total"]),
        currency=document["currency"], content_hash="c", chain_hash="d", previous_hash=None,
        **{name: Decimal(document[name]) for name in amounts},
    )  # fmt: skip
    shown = {"invoice": invoice, "zone": zone(document["timezone"]), "last_day": date(2026, 6, 30), "opened": None}
    shown |= {"sections": sections(document, 0, None, most=1000), "shown_lines": 9, "size": 100, "first": 0}
    shown |= {"limits": [], "contested": [], "credit": None, "at": datetime(2026, 7, 6, tzinfo=UTC), "why": True}
    shown |= {"choices": {}, "chips": {}, "assets": {}, "reports": {}}
    language = document["language"]
    return page.text(template, language=language, **FRAME, **shown, w=labels(language), promises=[])


ENGLISH = re.compile(
    r"\b(the|why|Line|Readings|Missed|VAT|units|rounding|base|June|July|Breach|less|of|at)\b|\d\.\d\d\b(?!\.)"
)


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", ("Rechnung TS-2026-00001", "Ausgestellt am 05.07.2026", "Grundgebühr", "Gutschrift Verfügbarkeit",
                "−92,50 €", "Verfehlt Sollzeit 720 h", "Regelsatz 19 %", "Zu zahlen 2.599,89 €")),
        ("fr", ("Facture TS-2026-00001", "Date d'émission 5 juil. 2026", "Redevance fixe", "Avoir disponibilité",
                "−92,50 €", "Manqué temps requis 720 h", "Taux normal 19 %", "À payer 2\u202f599,89 €")),
    ],
)  # fmt: skip
def test_an_invoice_on_a_page_is_in_the_debtors_language(language: str, said: tuple[str, ...]) -> None:
    # What the contract says is its own text, which is English here: it is left out.
    document = drawn(language)
    lines = [line | {"sentence": ""} for line in document["lines"]]
    shown = invoice_page(document | {"lines": lines})
    assert [text for text in said if text not in shown] == []
    assert ENGLISH.search(shown) is None


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", ("Rechnung TS-2026-00001", "Position Text Netto", "Ausgestellt am 05.07.2026", "Grundgebühr",
                "Stufe über 8.000 km", "Regelsatz 19 %", "Zu zahlen 2.599,89 €", "Zeiten in Europe/Berlin")),
        ("fr", ("Facture TS-2026-00001", "Ligne Libellé Total HT", "Date d'émission 5 juil. 2026", "Redevance fixe",
                "Taux normal 19 %", "À payer 2\u202f599,89 €", "Heures de Europe/Berlin")),
    ],
)  # fmt: skip
def test_an_invoice_on_paper_is_in_the_debtors_language(language: str, said: tuple[str, ...]) -> None:
    document = drawn(language)
    lines = [line | {"sentence": ""} for line in document["lines"]]
    shown = invoice_page(document | {"lines": lines}, "paper.html")
    assert [text for text in said if text not in shown] == []
    assert ENGLISH.search(shown) is None


def test_every_line_may_be_contested_and_a_list_too_long_to_read_is_none() -> None:
    document = drawn("de")
    many = [document["lines"][0] | {"n": n} for n in range(1, 501)]
    assert [line["n"] for line in choices(document | {"lines": many})["2.1"]] == list(range(1, 501))
    assert choices(document | {"lines": many * 3}) == {}


def test_every_line_of_a_long_invoice_is_on_paper() -> None:
    document = drawn("de")
    many = [document["lines"][0] | {"n": n, "asset": f"T{n}"} for n in range(1, 501)]
    shown = invoice_page(document | {"lines": many}, "paper.html")
    assert [n for n in range(1, 501) if f" T{n} " not in shown] == []


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("de", ("Bericht zur Verfehlung", "Ziffer 4.2", "Gemessen 97,0279 %", "Ausfall 20,50 h", "Was geschah",
                "(gewertet - Ausfall) ÷ gewertet", "Gutschrift 92,50 €")),
        ("fr", ("Rapport de manquement", "clause 4.2", "Mesuré 97,0279 %", "Indisponible 20,50 h", "Ce qui s'est passé",
                "(compté - indisponible) ÷ compté", "Avoir 92,50 €")),
    ],
)  # fmt: skip
def test_a_breach_report_on_a_page_is_in_the_debtors_language(language: str, said: tuple[str, ...]) -> None:
    document = drawn(language)
    breach = Breach("bre_1", "4.2", "T1", "provider", "98 %", "97.0279 %", Money.parse("92.50 EUR"))
    rows = {"asset": "T1", "from": "2026-06-12T06:00:00Z", "to": "2026-06-12T09:00:00Z"}
    known = {
        "states": [rows | {"category": "fault", "subsystem": "", "cause": ""}],
        "attributions": [rows | {"category": "customer_cause", "party": "customer", "cause": "", "status": "accepted"}],
        "notices": [rows | {"kind": "planned_maintenance", "given": "2026-06-01T06:00:00Z"}],
    }
    found = evaluated("w18-whole-invoice", language)
    words = report("rep_1", breach, Evaluated("ev_1", found[1], known), document) | {"sentence": ""}
    shown = page.text(
        "breach_report.html", language=language, **FRAME,
        report=SimpleNamespace(document=words, public_id="rep_1", content_hash="c"),
        zone=zone(words["timezone"]), looks=LOOKS, between=breach_page._between,
    )  # fmt: skip
    shown = words_of(shown)
    assert [text for text in said if text not in shown] == []
    assert ENGLISH.search(shown) is None


def test_a_step_on_a_page_is_in_the_language_of_the_document() -> None:
    found = drawn("fr")
    shown = page.environment("en").get_template("part.html").module.steps(found["lines"][3]["steps"], "fr")  # type: ignore[attr-defined]
    assert "(compté - indisponible) ÷ compté" in shown
    assert "97,0279 %" in shown
    assert "assiette 1\u202f850 · part 5 % · objectif 98 %" in shown


def test_what_is_provisional_or_open_is_noted_in_the_debtors_language() -> None:
    result = {
        "verdicts": [{"status": "provisional", "clause": "4.2", "asset": "T1"}],
        "open_cases": [
            {"clause": "2.2", "asset": "T1", "reason": "counter_fell", "from": "2026-06-03", "to": "2026-06-04"}
        ],
    }
    assert list(wording.notes(result, "en")) == [
        "clause 4.2, T1: provisional, more facts may change it",
        "clause 2.2, T1: counter_fell from 2026-06-03 to 2026-06-04 is open",
    ]
    assert list(wording.notes(result, "de")) == [
        "Ziffer 4.2, T1: vorläufig, weitere Angaben können das Ergebnis ändern",
        "Ziffer 2.2, T1: gefallener Zählerstand vom 3. Juni 2026 bis 4. Juni 2026, noch ungeklärt",
    ]


def test_a_correction_names_its_document_and_reasons_in_the_debtors_language() -> None:
    number = {"number": "TS-2026-00001", "issue_date": "2026-07-05"}
    assert wording.corrected(number, "late readings, meter test reported", "de") == (
        "berichtigt TS-2026-00001 vom 5. Juli 2026: verspätete Messwerte, Zählerprüfung gemeldet"
    )
    assert (
        wording.corrected(number, "wrong customer", "fr") == "rectifie TS-2026-00001 du 5 juillet 2026 : wrong customer"
    )
    assert phrase.say("fr", "instead", "2026-06", "1424.70", "419.00") == "juin 2026 : 1\u202f424,70 au lieu de 419,00"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_kind_and_tax_category_has_a_label(language: str) -> None:
    known = labels(language)
    assert all(known[f"kind_{kind}"] for kind in KINDS if kind != "not_computed")
    assert all(known[category] for category in CATEGORIES)
