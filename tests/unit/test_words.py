"""Contracts in words: schemas for editors, sentences in three languages, what an amendment changes."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from contracts import check, difference
from contracts.document import KINDS, Agreement, read_agreement
from contracts.facts_document import FactsDocument, read_facts
from contracts.language import LANGUAGES
from contracts.schema import contract_schema, facts_schema
from contracts.sentence import agreement, words
from contracts.standard import SENTENCES, template
from contracts.terms.base import PLACEHOLDER
from contracts.text import read

SPECS = Path(__file__).parent.parent / "specs"
EXAMPLES = sorted((Path(__file__).parent.parent.parent / "docs" / "examples").glob("*.yaml"))


def read_file(path: Path) -> Agreement:
    found = read_agreement(path.read_bytes())
    assert isinstance(found, Agreement), [str(problem) for problem in found]
    return found


def resolve(schema: dict[str, Any], node: dict[str, Any]) -> dict[str, Any]:
    return schema["$defs"][node["$ref"].rpartition("/")[2]] if "$ref" in node else node


def test_the_schema_knows_every_kind_and_no_unknown_field() -> None:
    schema = contract_schema()
    whole = resolve(schema, schema)
    kinds = [resolve(schema, node) for node in whole["properties"]["terms"]["items"]["oneOf"]]
    assert {kind["properties"]["kind"]["const"] for kind in kinds} == {*KINDS, "not_computed"}
    assert all(kind["additionalProperties"] is False for kind in kinds)
    assert {"currency", "timezone", "billing", "terms"} <= set(whole["required"])


def test_amounts_are_text_with_a_pattern() -> None:
    schema = contract_schema()
    amount = schema["$defs"]["FixedFee"]["properties"]["amount"]
    assert re.fullmatch(amount["pattern"], "1850.00 EUR")
    assert not re.fullmatch(amount["pattern"], "1850")
    assert facts_schema()["$defs"]["FactLists"]["properties"]["tickets"]["items"]["$ref"].endswith("TicketFact")


@pytest.mark.parametrize("path", EXAMPLES, ids=[path.name for path in EXAMPLES])
def test_a_template_s_examples_come_out(path: Path) -> None:
    found = read_file(path)
    (source,) = found.facts
    document = read_facts(source, found.versions)
    assert isinstance(document, FactsDocument), [str(problem) for problem in document]
    assert [o.differences for o in check.run(found, document) if not o.matches] == []
    assert check.unanswered(found, document) == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("limit", "P3D", ("3 days", "3 Tage", "3 jours")),
        ("limit", "P1Y", ("1 year", "1 Jahr", "1 an")),
        ("limit", "48 h", ("48 h", "48 h", "48 h")),
        ("included", "100 page", ("100 page", "100 Seiten", "100 pages")),
        ("every", "month", ("month", "Monat", "mois")),
        (
            "treatments",
            {"fault": "down", "derated": "80 %"},
            (
                "fault: down; derated: up by 80 %",
                "Störung: nicht verfügbar; mit verminderter Leistung: zu 80 % verfügbar",
                "panne : indisponible ; à puissance réduite : disponible à 80 %",
            ),
        ),
        (
            "steps",
            [{"at_or_above": "98 %", "credit": "0 %"}, {"at_or_above": "0 %", "credit": "9 %"}],
            ("0 % at 98 % or more, 9 % below 98 %", "0 % ab 98 %, 9 % unter 98 %",
             "0 % à partir de 98 %, 9 % au-dessous de 98 %"),
        ),
        (
            "tiers",
            [{"above": "0 km", "price": "0.04 EUR/km"}, {"above": "8000 km", "price": "0.03 EUR/km"}],
            ("0.04 EUR/km up to 8000 km, 0.03 EUR/km above 8000 km",
             "0,04 EUR/km bis 8.000 km, 0,03 EUR/km über 8.000 km",
             "0,04 EUR/km jusqu'à 8\u202f000 km, 0,03 EUR/km au-dessus de 8\u202f000 km"),
        ),
    ],
)  # fmt: skip
def test_a_parameter_reads_in_three_languages(name: str, value: Any, said: tuple[str, str, str]) -> None:
    assert tuple(words(name, value, language) for language in ("en", "de", "fr")) == said


def test_a_document_is_shown_in_its_own_language() -> None:
    text = (SPECS / "fee.yaml").read_text().split("\n---")[0].replace("currency: EUR", "currency: EUR\nlanguage: de")
    found = read_agreement(text)
    assert isinstance(found, Agreement)
    assert any("abgerechnet je Monat" in line for line in agreement(found.versions))
    assert any("billed each month" in line for line in agreement(found.versions, "en"))


def test_an_amendment_is_told_in_words_and_in_money() -> None:
    found = read_file(SPECS / "w18-whole-invoice.contract.yaml")
    before, after = found.versions
    changes = list(difference.in_words(before, after))
    assert changes[0].startswith("clause 2.2, tiers: 0.0400 EUR/km up to 8000 km")
    assert changes[1].startswith("clause 2.2 reads now: Each kilometre")
    assert len(changes) == 2
    sources, _ = read((SPECS / "w18-whole-invoice.facts.yaml").read_bytes())
    facts = read_facts(sources[0], found.versions)
    assert isinstance(facts, FactsDocument)
    # 8000 x 0.0420 + 2400 x 0.0380 = 427.20; 8000 x 0.0400 + 2400 x 0.0360 = 406.40. Under the surcharge lie 1380 km:
    # 15 % of 1380 x 0.0420 = 8.694 and of 1380 x 0.0400 = 8.28, from the 6600th to the 7980th km.
    effects = [
        (e.clause, str(e.before), str(e.after), str(e.change))
        for e in difference.in_money(before, after, facts, "2026-06")
    ]
    assert effects == [
        ("2.2", "427.20 EUR", "406.40 EUR", "-20.80 EUR"),
        ("5.1", "8.69 EUR", "8.28 EUR", "-0.41 EUR"),
    ]


def test_new_and_dropped_clauses_and_parameters_are_named() -> None:
    text = (SPECS / "w01-km-amended.contract.yaml").read_text().split("\n---\n")
    first = yaml.load(text[0], Loader=yaml.BaseLoader)  # noqa: S506 - only text
    second = yaml.load(text[1], Loader=yaml.BaseLoader)  # noqa: S506 - only text
    second["terms"][0]["included"] = "100 km"
    second["terms"].append({"clause": "9", "not_computed": "left to people", "text": "Tyres are shown on request."})
    second["billing"]["payment"] = "P14D"
    versions = read_agreement(yaml.safe_dump_all([first, second]))
    assert isinstance(versions, Agreement)
    before, after = versions.versions
    changes = list(difference.in_words(before, after))
    assert "payment" in changes[0]
    assert "clause 2.2, included: 100 km (new)" in changes
    assert changes[-1] == "clause 9 is new: Tyres are shown on request."
    back = list(difference.in_words(after, before))
    assert back[-1] == "clause 9 is gone: Tyres are shown on request."


@pytest.mark.parametrize("language", ["en", "de", "fr"])
def test_every_kind_has_standard_sentences_of_parameters_that_it_has(language: str) -> None:
    schema = contract_schema()
    kinds = {
        node["properties"]["kind"]["const"]: set(node["properties"])
        for node in schema["$defs"].values()
        if "const" in node.get("properties", {}).get("kind", {})
    }
    assert set(SENTENCES) == set(KINDS)
    for kind, sentences in SENTENCES.items():
        for sentence in sentences:
            names = [set(PLACEHOLDER.findall(one)) for one in sentence[:3]]
            assert names[0] == names[1] == names[2], sentence
            conditions = {re.split("[!=~]", one)[0] for one in sentence[3:]}
            assert names[0] | conditions <= kinds[kind], sentence
            assert not re.search(r"\d", PLACEHOLDER.sub("", sentence[LANGUAGES.index(language)]))


def test_an_agreement_is_told_in_another_language_from_the_same_parameters() -> None:
    found = read_file(EXAMPLES[0].with_name("truck-uptime-duties.yaml"))
    german = "\n".join(agreement(found.versions, "de"))
    assert "Zugesagt ist eine Verfügbarkeit von 97,5 % je Monat" in german
    assert "Die Pflicht ist 48 h nach der Warnung verletzt (Portal, E-Mail)." in german
    assert "Gutschrift von 4 % der Beträge nach Ziffer 2.1 je angefangenem fehlenden Prozentpunkt." in german
    french = "\n".join(agreement(found.versions, "fr"))
    assert "Jusqu'au rétablissement, les prix de la clause 2.2 augmentent de 12 %." in french
    assert "The customer keeps" not in german


def test_a_standard_sentence_is_said_where_its_condition_holds() -> None:
    source = {"kind": "spend_cap", "of": ["2.1"], "limit": "2500.00 EUR", "window": "month", "on_reach": "pause"}
    assert template(source, "de") == (
        "Die Beträge nach Ziffer {of} sind zusammen auf {limit} je {window} begrenzt. "
        "Ist die Grenze erreicht, ruht die Nutzung."
    )
    rates = [{"kind": "availability", "base": ["2.1"], "remedy": "per_hour", "rate": one} for one in ("2 %", "30 EUR")]
    assert [template(one, "en") for one in rates] == [
        "Credit of {rate} of {base} {remedy}.",
        "Credit of {rate} {remedy}.",
    ]


def test_numbers_and_days_of_parameters_are_written_as_the_language_does() -> None:
    assert words("review", ["2026-04-01", "2026-10-01"], "fr") == "1er avril 2026, 1er octobre 2026"
    assert words("multiplier", "1.5", "de") == "1,5"
    assert words("surcharge_of", "2.2", "de") == "2.2", "the number of a clause is no number"
    assert words("reference_price", "1.4500 EUR/l", "de") == "1,4500 EUR/l"
    assert words("weights", {"T1": "1.25"}, "fr") == "T1 1,25"
