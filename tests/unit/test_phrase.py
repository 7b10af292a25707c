"""Lines and verdicts in the contract's language: the same numbers, other words."""

from pathlib import Path

import pytest

from contracts.check import evaluate
from contracts.document import from_canonical, read_agreement
from contracts.evaluation import Evaluation
from contracts.facts_document import FactsDocument, read_facts
from contracts.language import LANGUAGES
from contracts.notation import MONTHS
from contracts.phrase import CATEGORIES, PHRASES
from contracts.text import read

SPECS = Path(__file__).parents[1] / "specs"


def said(case: str, language: str, *, example: int = 0) -> Evaluation:
    found = read_agreement((SPECS / f"{case}.contract.yaml").read_bytes())
    assert not isinstance(found, tuple)
    document = read_facts(read((SPECS / f"{case}.facts.yaml").read_bytes())[0][0], found.versions)
    assert isinstance(document, FactsDocument)
    versions = from_canonical([{**version.canonical, "language": language} for version in found.versions])
    shown = document.file.examples[example]
    return evaluate(versions, document, shown, shown.period, as_of=shown.as_of)


EXPLAINED = {
    "en": "T1, June 2026: required 720.00 h. Not counted: planned maintenance 6.00 h, "
    "caused on your side 9.25 h (wrong fuel, 11 June), no data 10.00 h, "
    "force majeure 5.00 h (flooded road, 22 June). Counted 689.75 h. "
    "Down: fault 14.50 h, reduced power 12.00 h counted as 6.00 h = 20.50 h. Availability 97.0279 %, promised 98 %. "
    "§ 4.2 gives 5 % of 1850.00 = 92.50. If the hours without data were all down, the credit would be 370.00.",
    "de": "T1, Juni 2026: Sollzeit 720,00 h. Nicht gewertet: geplante Wartung 6,00 h, "
    "von Ihnen verursacht 9,25 h (wrong fuel, 11. Juni), keine Daten 10,00 h, "
    "höhere Gewalt 5,00 h (flooded road, 22. Juni). Gewertet: 689,75 h. "
    "Ausfall: Störung 14,50 h, verminderte Leistung 12,00 h, gewertet als 6,00 h = 20,50 h. "
    "Verfügbarkeit 97,0279 %, zugesagt 98 %. Gutschrift nach Ziffer 4.2: 5 % von 1.850,00 = 92,50. "
    "Wären alle Stunden ohne Daten Ausfall, betrüge die Gutschrift 370,00.",
    "fr": "T1, juin 2026 : temps requis 720,00 h. Non compté : maintenance planifiée 6,00 h, "
    "de votre fait 9,25 h (wrong fuel, 11 juin), sans données 10,00 h, "
    "force majeure 5,00 h (flooded road, 22 juin). Compté : 689,75 h. "
    "Indisponible : panne 14,50 h, puissance réduite 12,00 h, compté pour 6,00 h = 20,50 h. "
    "Disponibilité de 97,0279 %, engagement de 98 %. "
    "Avoir selon la clause 4.2 : 5 % de 1\u202f850,00 = 92,50. "
    "Si toutes les heures sans données étaient des arrêts, l'avoir serait de 370,00.",
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_availability_is_explained(language: str) -> None:
    evaluation = said("w04-uptime", language)
    assert next(v.explanation for v in evaluation.verdicts if v.clause == "4.2") == EXPLAINED[language]


TEXTS = {
    "de": ["Juni 2026", "97,0279 % statt 98 %: 5 % von 1.850,00"],
    "fr": ["juin 2026", "97,0279 % au lieu de 98 % : 5 % de 1\u202f850,00"],
}


@pytest.mark.parametrize("language", TEXTS)
def test_lines_say_the_same_amounts(language: str) -> None:
    here, there = said("w04-uptime", language), said("w04-uptime", "en")
    assert [line.text for line in here.lines] == TEXTS[language]
    assert [line.amount for line in here.lines] == [line.amount for line in there.lines]


def test_versions_and_tiers_are_said() -> None:
    texts = [line.text for line in said("w01-km-amended", "de").lines]
    assert texts == ["Fassung 1: 6.300 km zu 0,0420", "Fassung 2: 1.700 km zu 0,0400, 2.400 km zu 0,0360"]


def test_every_language_has_every_word_with_the_same_parts() -> None:
    for key, phrases in (PHRASES | CATEGORIES).items():
        assert len({text.count("{}") for text in phrases}) == 1, key
        assert all(phrases), key
    assert [len(names.split()) for names in MONTHS] == [12, 12, 12]
