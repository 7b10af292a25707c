"""A contract file gives versions, or every problem in it with its place."""

import copy
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.check import run
from contracts.document import Agreement, from_canonical, read_agreement
from contracts.facts_document import FactsDocument, read_facts
from contracts.text import read
from core.problem import Problem, Problems

SPECS = Path(__file__).parent.parent / "specs"
SOURCES = [
    yaml.load((SPECS / name).read_text().split("\n---")[0], Loader=yaml.BaseLoader)  # noqa: S506 - only text
    for name in (
        "w01-km-amended.contract.yaml",
        "w05-caps.contract.yaml",
        "x02-price-models.contract.yaml",
        "uptime.yaml",
        "x01-other-kinds.contract.yaml",
        "w10-minimum-km.contract.yaml",
        "w12-fuel-gain-share.contract.yaml",
        "duty.yaml",
        "plan.yaml",
        "level.yaml",
    )
]


def problems(source: Any) -> tuple[Problem, ...]:
    found = read_agreement(yaml.safe_dump(source, allow_unicode=True))
    return () if isinstance(found, Agreement) else found


def broken(change: Any, n: int = 1) -> list[str]:
    source = copy.deepcopy(SOURCES[n])
    change(source)
    return [str(problem) for problem in problems(source)]


def test_all_problems_are_listed_at_once_with_their_places() -> None:
    source = copy.deepcopy(SOURCES[0])
    source["currency"] = "EURO"
    source["timezone"] = "Europe/Atlantis"
    source["billing"]["rounding"] = "commercial"
    source["terms"][0]["tiers"][1] = {"above": "0 km", "price": "0.0380 EUR/mi"}
    source["terms"][0]["colour"] = "red"
    del source["recorded_at"]
    places = [problem.place.partition(", line")[0] for problem in problems(source)]
    assert places == [
        "version 1, timezone",
        "version 1, currency",
        "version 1, recorded_at",
        "version 1, billing.rounding",
        "version 1, clause 2.2, colour",
    ]
    source["currency"], source["timezone"], source["recorded_at"] = "EUR", "Europe/Berlin", "2025-12-15"
    source["billing"]["rounding"] = "half_up"
    del source["terms"][0]["colour"]
    assert [problem.place.partition(", line")[0] for problem in problems(source)] == [
        "version 1, clause 2.2, tiers[1].price",
        "version 1, clause 2.2, tiers[1].above",
    ]


def test_a_place_has_its_line() -> None:
    text = (SPECS / "w01-km-amended.contract.yaml").read_text().replace("0.0360 EUR/km", "0.0360 USD/km")
    found = read_agreement(text)
    assert not isinstance(found, Agreement)
    assert [problem.place for problem in found] == ["version 2, clause 2.2, tiers[1].price, line 53"]


CASES: list[tuple[str, Any, int]] = [
    ("leaves a hole below it", lambda s: s["terms"][1]["steps"].pop(), 1),
    ("does not fall", lambda s: s["terms"][1]["steps"][1].update(at_or_above="99 %"), 1),
    ("unknown is missing", lambda s: s["terms"][1]["treatments"].pop("unknown"), 1),
    ("is no category of time", lambda s: s["terms"][1]["treatments"].update(lunch="up"), 1),
    ("min_coverage", lambda s: s["terms"][1].pop("min_coverage"), 1),
    ("clause '9.9' does not exist", lambda s: s["terms"][1].update(base=["9.9"]), 1),
    ("clause '4.2' is no charge", lambda s: s["terms"][1].update(base=["4.2"]), 1),
    ("obligated", lambda s: s["terms"][1].pop("obligated"), 1),
    ("is no calendar", lambda s: s["terms"][1].update(required="office"), 1),
    ("digits outside braces", lambda s: s["terms"][0].update(text="A truck costs 1850 EUR."), 1),
    ("names {price}", lambda s: s["terms"][0].update(text="A truck costs {price}."), 1),
    ("a brace without its partner", lambda s: s["terms"][0].update(text="A truck costs {amount."), 1),
    ("neither a covered asset nor a group", lambda s: s["terms"][0].update(applies_to="lorries"), 1),
    ("occurs twice", lambda s: s["terms"].append(dict(s["terms"][0])), 1),
    ("covered twice", lambda s: s["coverage"].append(dict(s["coverage"][0])), 1),
    ("empty or inverted", lambda s: s["coverage"][0].update(to="2025-07-01"), 1),
    ("customer is missing", lambda s: s["parties"].pop("customer"), 1),
    ("more than EUR has", lambda s: s["billing"].update(decimals="3"), 1),
    ("'standing' is no measure", lambda s: s["terms"][1].update(measure="standing"), 1),
    ("is no measure", lambda s: s["terms"][0].update(measure="miles"), 0),
    ("does not rise", lambda s: s["terms"][0]["tiers"][2].update(above="8000 km"), 0),
    ("is 1 km", lambda s: s["terms"][0]["tiers"][0].update(above="1 km"), 0),
    ("has no meaning in the model graduated", lambda s: s["terms"][0].update(price="1 EUR/km"), 0),
    ("the model flat needs it", lambda s: s["terms"][0].update(model="flat"), 0),
    ("is not in km", lambda s: s["terms"][0]["tiers"][1].update(above="8 mi"), 0),
    ("is not in the contract's currency", lambda s: s["terms"][0]["tiers"][1].update(price="1 USD/km"), 0),
    ("states no on_reset", lambda s: s["measures"][0].pop("on_reset"), 0),
    ("is no rate of km", lambda s: s["measures"][0].update(max_rate="130 kWh/h"), 0),
    ("included, line 24: is missing", lambda s: s["terms"][0].update(kind="allowance"), 0),
    ("kind is missing or unknown", lambda s: s["terms"][0].update(kind="subscription"), 0),
    ("count 1, 2, 3", lambda s: s.update(version="7"), 0),
    ("a stair has a fee", lambda s: s["terms"][0]["tiers"][0].update(price="1 EUR/h"), 2),
    ("shares a pool's amount", lambda s: s["terms"][0].update(allocate="by_quantity"), 2),
    (
        "97.99 % is below 98 %, where a credit is still owed",
        lambda s: s["terms"][1].update(earn_back_target="97.99 %", earn_back_windows="2"),
        1,
    ),
    (
        "98 % is below 98.5 %",
        lambda s: s["terms"][1].update(
            earn_back_target="98 %",
            earn_back_windows="2",
            steps=[
                {"at_or_above": "99 %", "credit": "0 %"},
                {"at_or_above": "98.5 %", "credit": "0 %"},
                {"at_or_above": "0 %", "credit": "5 %"},
            ],
        ),
        1,
    ),
    ("is more than the whole", lambda s: s["terms"][1].update(earn_back_target="101 %", earn_back_windows="2"), 1),
    ("earn_back_windows, line", lambda s: s["terms"][1].update(earn_back_target="99 %", earn_back_windows="0"), 1),
    ("99.9 % is below 100 %", lambda s: s["terms"][1].update(earn_back_target="99.9 %"), 9),
    (
        "of money made up a share is won back",
        lambda s: s["terms"].append(
            {
                "clause": "2.9",
                "kind": "minimum_commitment",
                "text": "{minimum}",
                "obligated": "customer",
                "of": ["2.1"],
                "minimum": "5 EUR",
                "window": "period",
                "scope": "pool",
                "shortfall_price": "100 %",
                "makeup_price": "1 EUR/km",
            }
        ),
        1,
    ),
    (
        "a month is shorter than the quarter that is billed",
        lambda s: (
            s["billing"].update(period="quarter"),
            s["terms"].append(
                {
                    "clause": "2.9",
                    "kind": "spend_cap",
                    "text": "{limit}",
                    "obligated": "provider",
                    "of": ["2.1"],
                    "limit": "5 EUR",
                    "window": "month",
                    "on_reach": "waive",
                }
            ),
        ),
        1,
    ),
    ("is not in t", lambda s: s["terms"][2]["multipliers"][1].update(above="10 kg"), 2),
]


@pytest.mark.parametrize(("message", "change", "n"), CASES, ids=[message for message, _, _ in CASES])
def test_what_would_leave_something_unsaid_is_a_problem(message: str, change: Any, n: int) -> None:
    assert any(message in problem for problem in broken(change, n)), broken(change, n)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x", "an alias"),
        ("a: !!python/object/apply:os.system [ls]", "a tag"),
        ("[" * 50 + "]" * 50, "nested deeper"),
        ("a: [1", "no YAML"),
        (b"\xff\xfe", "not UTF-8"),
        ("x" * 20_000_001, "more than"),
        ("schema: contract/9", "write contract/1 or facts/1"),
        ("", "no contract version"),
        ("? [a, b]\n: c", "a key must be a word"),
    ],
)
def test_texts_that_are_no_contract_are_refused_with_a_reason(text: str | bytes, message: str) -> None:
    found = read_agreement(text)
    assert not isinstance(found, Agreement)
    assert any(message in str(problem) for problem in found), found


def test_a_key_that_occurs_twice_is_a_problem() -> None:
    text = (
        (SPECS / "w01-km-amended.contract.yaml")
        .read_text()
        .replace("currency: EUR\n", "currency: EUR\ncurrency: USD\n", 1)
    )
    found = read_agreement(text)
    assert not isinstance(found, Agreement)
    assert any("occurs twice" in problem.message and "line 9" in problem.place for problem in found)


def test_a_version_reads_back_from_its_canonical_form() -> None:
    for source in SOURCES:
        version = from_canonical([source])[0]
        again = from_canonical([version.canonical])[0]
        assert (again, again.hash) == (version, version.hash)
    with pytest.raises(Problems):
        from_canonical([{"schema": "contract/1"}])


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(leaf for key, item in items for leaf in leaves(item, (*path, key)))]


JUNK = st.sampled_from(
    ["", "x", "-1", "NaN", "1e999", "9" * 60 + " EUR", "none", "P99Y", "2026-10-25 02:30", "9999-12-31 23:59",
     "0001-01-01", "{", "%", "1 km", [], {}, ["x"], {"x": "y"}, [[]], "0 %", "200 %", "24x7", "false", "contract"]
)  # fmt: skip


def spoil(value: Any, data: st.DataObject) -> Any:
    changed = copy.deepcopy(value)
    path = data.draw(st.sampled_from([leaf for leaf in leaves(changed) if leaf]))
    place = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = data.draw(JUNK)
    return changed


def junk_in_a_contract(source: Any, data: st.DataObject) -> None:
    changed = source
    for _ in range(data.draw(st.integers(1, 3))):
        changed = spoil(changed, data)
    found = read_agreement(yaml.dump(changed, Dumper=yaml.CSafeDumper))
    assert isinstance(found, Agreement) or all(problem.message for problem in found)


@given(st.sampled_from(SOURCES), st.data())
def test_any_junk_anywhere_gives_problems_or_a_version_never_a_crash(source: Any, data: st.DataObject) -> None:
    junk_in_a_contract(source, data)


@pytest.mark.slow
@settings(max_examples=1000)
@given(st.sampled_from(SOURCES), st.data())
def test_much_junk_anywhere_gives_problems_or_a_version_never_a_crash(source: Any, data: st.DataObject) -> None:
    junk_in_a_contract(source, data)


FACTS = list(yaml.load_all((SPECS / "w03-counters.facts.yaml").read_text(), Loader=yaml.BaseLoader))
CASES_WITH_FACTS = ("w03-counters", "w07-breakdown", "w10-minimum-km", "w12-fuel-gain-share", "w15-pressure-duty",
                    "x01-other-kinds")  # fmt: skip


@pytest.mark.parametrize("field", ["end_value", "start_value"])
def test_an_exchange_in_a_foreign_unit_is_a_problem_with_its_place(field: str) -> None:
    agreement = read_agreement((SPECS / "w03-counters.contract.yaml").read_bytes())
    assert isinstance(agreement, Agreement)
    changed = copy.deepcopy(FACTS[0])
    changed["facts"]["exchanges"][0][field] = "0 %"
    sources, _ = read(yaml.safe_dump(changed))
    found = read_facts(sources[0], agreement.versions)
    assert isinstance(found, tuple)
    assert [problem.place.partition(", line")[0] for problem in found] == [f"facts.exchanges[0].{field}"]
    assert [problem.message for problem in found] == ["0 % does not convert to km"]


@cache
def sound(name: str) -> tuple[Agreement, Any]:
    """What is spoilt in copies."""
    agreement = read_agreement((SPECS / f"{name}.contract.yaml").read_bytes())
    assert isinstance(agreement, Agreement)
    return agreement, yaml.load((SPECS / f"{name}.facts.yaml").read_text(), Loader=yaml.BaseLoader)  # noqa: S506 - only text


def junk_in_facts(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(CASES_WITH_FACTS))
    agreement, facts = sound(name)
    sources, _ = read(yaml.dump(spoil(facts, data), Dumper=yaml.CSafeDumper))
    document = read_facts(sources[0], agreement.versions)
    if isinstance(document, FactsDocument):
        run(agreement, document)
    else:
        assert document


@given(st.data())
def test_junk_in_facts_gives_problems_or_differences_never_a_crash(data: st.DataObject) -> None:
    junk_in_facts(data)


@pytest.mark.slow
@settings(max_examples=1000)
@given(st.data())
def test_much_junk_in_facts_gives_problems_or_differences_never_a_crash(data: st.DataObject) -> None:
    junk_in_facts(data)
