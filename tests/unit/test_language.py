"""Everything that an evaluation says is said in three languages: lines, explanations and steps, with their numbers."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest
from babel import Locale

from billing import wording
from contracts import notation, phrase, told
from contracts.check import in_language, run
from contracts.document import KINDS, Agreement, read_agreement
from contracts.evaluation import Evaluation, Line, Step, Verdict
from contracts.facts_document import FactsDocument, read_facts
from contracts.language import LANGUAGES, UNITS, WINDOWS, WORDS, Words
from contracts.text import read

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("tests/specs", "docs/examples")
    for path in (ROOT / folder).glob("*.yaml")
    if not path.name.endswith(".facts.yaml")
)


@cache
def evaluations(language: str) -> tuple[Evaluation, ...]:
    return tuple(_evaluations(language))


def _evaluations(language: str) -> Iterator[Evaluation]:
    for found, documents in files():
        spoken = in_language(found, language)
        yield from (one.evaluation for document in documents for one in run(spoken, document) if one.evaluation)


@cache
def files() -> list[tuple[Agreement, list[FactsDocument]]]:
    return [_file(path) for path in FILES]


def _file(path: Path) -> tuple[Agreement, list[FactsDocument]]:
    found = read_agreement(path.read_bytes())
    assert isinstance(found, Agreement)
    beside = path.with_name(path.name.replace(".contract.", ".facts."))
    sources = found.facts if beside == path else read(beside.read_bytes())[0]
    documents = [read_facts(source, found.versions) for source in sources]
    assert all(isinstance(document, FactsDocument) for document in documents)
    return found, [document for document in documents if isinstance(document, FactsDocument)]


def lines(language: str) -> list[Line]:
    return [line for one in evaluations(language) for line in (*one.lines, *one.delta)]


def steps(language: str) -> list[Step]:
    parts = [chain[Line | Verdict](one.lines, one.delta, one.verdicts) for one in evaluations(language)]
    return [step for part in chain.from_iterable(parts) for step in part.steps]


def bare(text: str) -> str:
    """The words of a text: what stays when numbers, signs, units and names are gone."""
    return " ".join(re.findall(r"(?<![\w-])[^\W\d_]{3,}(?![\w-])", text))


NAMES = {"kWh", "page"} | set(notation.MONTHS[0].split()) & set(notation.MONTHS[1].split())
"""What reads the same: a unit, and in one of the languages a unit's and some months' names."""


@pytest.mark.parametrize("language", ["de", "fr"])
def test_every_line_of_every_kind_has_words_of_its_language(language: str) -> None:
    english, other = lines("en"), lines(language)
    assert len(english) == len(other) > 500
    same = {
        (one.kind, one.text)
        for one, there in zip(english, other, strict=True)
        if one.text == there.text and bare(one.text) and not set(bare(one.text).split()) <= NAMES
    }
    assert same == set()


@pytest.mark.parametrize("language", ["de", "fr"])
def test_no_english_word_is_left_in_a_line(language: str) -> None:
    """Words of the English phrases that no phrase of the language has: at, over, more, of, instead …"""
    place = LANGUAGES.index(language)
    tables = (phrase.PHRASES, phrase.CATEGORIES)
    spoken = {word for table in tables for said in table.values() for word in re.findall(r"[^\W\d_]+", said[place])}
    english = {word for table in tables for said in table.values() for word in re.findall(r"[^\W\d_]+", said[0])}
    only = {word for word in english - spoken if len(word) > 1} | set(notation.MONTHS[0].split())
    only -= {word for other in notation.MONTHS[1:] for word in other.split()}
    assert {"instead", "over", "rolled", "saved", "March"} <= only
    left = {line.text for line in lines(language) if only & set(re.findall(r"[^\W\d_]+", line.text))}
    assert left == set()


@pytest.mark.parametrize("language", ["de", "fr"])
def test_lines_come_to_the_same_whatever_the_language(language: str) -> None:
    kept = [(line.id, line.amount, line.unrounded, line.quantity, line.steps) for line in lines("en")]
    assert [(line.id, line.amount, line.unrounded, line.quantity, line.steps) for line in lines(language)] == kept


def test_every_kind_that_has_lines_is_among_them() -> None:
    silent = {"indexation", "replenishment", "termination_right", "not_computed"}
    assert {line.kind for line in lines("en")} == set(KINDS) - silent


@pytest.mark.parametrize("language", ["de", "fr"])
def test_every_explanation_is_in_its_language(language: str) -> None:
    for english, other in zip(evaluations("en"), evaluations(language), strict=True):
        for one, there in zip(english.verdicts, other.verdicts, strict=True):
            assert not one.explanation or one.explanation != there.explanation


FREE = {"drivers"} | {"fuel", "oil", "wages", "electricity", "energy"}
"""Names of values whose text or name is a contract's own: measures and indices."""


@pytest.mark.parametrize("language", ["de", "fr"])
def test_every_step_is_told(language: str) -> None:
    """Labels, formulas and names of values of every example; what is the same in the language is named in its table."""
    same = {key for key, said in told.NAMES.items() if said[LANGUAGES.index(language)] == key}
    same |= {said[0] for said in phrase.CATEGORIES.values() if said[LANGUAGES.index(language)] == said[0]}
    assert len(same) < 10, "a table of English words is no translation"
    left = set()
    for step in steps("en"):
        here = told.told_of(step, language)
        left |= {step.label} if here.label == step.label else set()
        left |= {step.formula} if here.formula == step.formula else set()
        left |= {name for name, shown in zip(step.values, here.values, strict=True) if name == shown}
    assert left - FREE - same == set()


def test_a_step_is_kept_in_english_and_read_in_another_language() -> None:
    step = {"label": "fee for 2026-Q2", "formula": "amount × days ÷ days of the window", "result": "138000/91 EUR"}
    step["values"] = {"amount": "3000 EUR", "days": "46", "days of the window": "91"}  # type: ignore[assignment]
    # 138000 ÷ 91 = 1516.48351…
    assert told.told(step, "de") == (
        "Gebühr 2. Quartal 2026", "Betrag × Tage ÷ Tage des Zeitraums",
        {"Betrag": "3.000,00 EUR", "Tage": "46", "Tage des Zeitraums": "91"}, "1.516,4835 EUR",
    )  # fmt: skip
    assert told.told(step, "fr").label == "redevance 2e trimestre 2026"
    assert told.told(step, "en").result == "138000/91 EUR"
    surcharge = {"label": "surcharge", "formula": "20 % of 1200 kWh at 0.30 and 0.20 x 1.5", "result": "10"}
    assert told.told(surcharge, "de").formula == "20 % von 1.200 kWh zu 0,30 und 0,20 × 1,5"
    assert told.told({**surcharge, "formula": "1800 kWh at 0.05 more"}, "fr").formula == "1\u202f800 kWh × 0,05"
    rounding = {"label": "rounding", "formula": "half_up to 2 decimals", "result": "8.28 EUR"}
    assert told.told(rounding, "fr").formula == "au plus proche à 2 décimales"


SAID = {
    "allowance": (
        "121 page: 100 in the plan, 0 rolled over, sets: 3",
        "121 Seiten: 100 aus der Freimenge, 0 aus dem Übertrag, Pakete: 3",
        "121 pages : 100 sur la franchise, 0 sur le report, lots : 3",
    ),
    "minimum_commitment": (
        "37.5 km at 0.30", "37,5 km unter der Mindestabnahme zu 0,30", "37,5 km en dessous du minimum garanti à 0,30",
    ),
    "event_guarantee": (
        "K1: 73.75 h, 49.75 h over 24 h, 3 started x 150.00",
        "K1: 73,75 h, 49,75 h über 24 h, 3 angefangene Abschnitte von 24 h × 150,00",
        "K1 : 73,75 h, 49,75 h au-delà de 24 h, 3 tranches de 24 h entamées × 150,00",
    ),
    "gain_share": (
        "0.5 of 2 l/100km saved: 75 % of 1000.00 back",
        "0,5 von 2 l/100km eingespart: Erstattung von 75 % von 1.000,00",
        "0,5 sur 2 l/100km économisés : remboursement de 75 % de 1\u202f000,00",
    ),
    "obligation": (
        "15 % of 1380 km at 0.0400", "Zuschlag von 15 % auf 1.380 km zu 0,0400",
        "majoration de 15 % sur 1\u202f380 km à 0,0400",
    ),
    "prepaid": ("paid in advance", "mit dem Guthaben verrechnet", "imputé sur le crédit prépayé"),
    "spend_cap": (
        "above 2500.00", "über der Kostenobergrenze von 2.500,00, nicht berechnet",
        "au-delà du plafond de dépenses de 2\u202f500,00, non facturé",
    ),
    "evidence_dispute": (
        "2026-06-01 to 2026-06-30: 1000 instead of 1050 km at 0.50",
        "1. Juni 2026 bis 30. Juni 2026: 1.000 statt 1.050 km zu 0,50",
        "du 1er juin 2026 au 30 juin 2026 : 1\u202f000 au lieu de 1\u202f050 km à 0,50",
    ),
    "availability": (
        "97.0279 % of 98 %: 5 % of 1850.00", "97,0279 % statt 98 %: 5 % von 1.850,00",
        "97,0279 % au lieu de 98 % : 5 % de 1\u202f850,00",
    ),
    "performance": (
        "2026-06 reached the target again: 35.00 of earlier credits are earned back",
        "Juni 2026 erreicht den Zielwert wieder: frühere Gutschriften über 35,00 entfallen",
        "juin 2026 atteint de nouveau l'objectif : 35,00 d'avoirs antérieurs sont repris",
    ),
    "usage_charge": (
        "220 page at 0.0500", "220 Seiten zu 0,0500", "220 pages à 0,0500",
    ),
    "fixed_fee": (
        "2026-06 was invoiced in advance", "Juni 2026 wurde im Voraus berechnet",
        "juin 2026 a été facturé à l'avance",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", SAID)
def test_a_line_of_each_kind_reads_so(kind: str) -> None:
    every = zip(*(lines(language) for language in LANGUAGES), strict=True)
    found = {one.text: tuple(line.text for line in (one, *others)) for one, *others in every if one.kind == kind}
    assert found[SAID[kind][0]] == SAID[kind]


# Numbers, units, days


@pytest.mark.parametrize("language", ["de", "fr"])
def test_signs_of_numbers_are_those_of_cldr(language: str) -> None:
    symbols = Locale(language).number_symbols["latn"]
    assert notation.SIGNS[language] == (symbols["group"], symbols["decimal"])


@pytest.mark.parametrize(
    ("text", "german", "french"),
    [
        ("1850.00 EUR", "1.850,00 EUR", "1\u202f850,00 EUR"),
        ("-1234567.5", "-1.234.567,5", "-1\u202f234\u202f567,5"),
        ("999", "999", "999"),
        ("0.0420 EUR/km", "0,0420 EUR/km", "0,0420 EUR/km"),
        ("1 page", "1 Seite", "1 page"),
        ("1.5 page", "1,5 Seiten", "1,5 page"),
        ("2 click", "2 Klicks", "2 clics"),
        ("0.01 EUR/page", "0,01 EUR/Seite", "0,01 EUR/page"),
        ("5 l/100km", "5 l/100km", "5 l/100km"),
        ("NH-01, K1000, 2026-06, 10:30:00, 4.2.1", "NH-01, K1000, 2026-06, 10:30:00, 4.2.1", None),
        ("97.0279 %", "97,0279 %", "97,0279 %"),
    ],
)
def test_numbers_are_written_as_the_language_does(text: str, german: str, french: str | None) -> None:
    assert notation.figures(text, "en") == text
    assert notation.figures(text, "de") == german
    assert notation.figures(text, "fr") == (german if french is None else french)


def test_periods_and_days_are_written_as_the_language_does() -> None:
    assert [notation.period("2026-Q1", language) for language in LANGUAGES] == [
        "2026-Q1", "1. Quartal 2026", "1er trimestre 2026",
    ]  # fmt: skip
    assert [notation.period("2026-03", language) for language in LANGUAGES] == ["2026-03", "März 2026", "mars 2026"]
    assert [notation.day("2026-08-01", language) for language in LANGUAGES] == [
        "2026-08-01", "1. August 2026", "1er août 2026",
    ]  # fmt: skip


# Tables


TABLES: dict[str, Words] = {
    "phrases": phrase.PHRASES, "steps": told.NAMES, "patterns": told.PATTERNS, "billing": wording.PHRASES,
    "reasons": wording.REASONS, "cases": wording.CASES, "words": WORDS, "windows": WINDOWS,
}  # fmt: skip


@pytest.mark.parametrize("name", TABLES)
def test_every_phrase_has_the_same_parts_in_the_same_order(name: str) -> None:
    for key, said in TABLES[name].items():
        assert len({tuple(re.findall(r"\{[nupd]?\}", text)) for text in said}) == 1, key
        assert all(said), key


def test_units_have_one_and_many() -> None:
    assert {unit: [len(pair) for pair in said] for unit, said in UNITS.items()} == {unit: [2, 2, 2] for unit in UNITS}
