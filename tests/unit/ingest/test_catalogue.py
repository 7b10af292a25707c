"""Device files: what they mean, and every problem with its place."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from core.problem import Problem
from ingest.catalogue import SINCE_EVER, Asset, Binding, Catalogue, Device, read
from ingest.declaration import Declaration

GOOD = """
devices:
  - device: TRK-1
    model: gateway 4
    registers:
      - {register: odometer, kind: counter, unit: km, resolution: "1 m", max_rate: "150 km/h", max_gap: "1 h",
         modulus: "1000000 km"}
      - {register: state, kind: state, max_gap: "15 min"}
      - {register: hours, kind: counter, unit: h}
    asset: T1
    position: vehicle
  - {device: P-1, registers: [{register: pages, kind: counter, unit: page, minimum: "5 page"}]}
assets: [{asset: T1, kind: truck, site: Rotterdam}]
bindings:
  - {device: P-1, asset: P1, position: printer, from: "2026-06-01T00:00:00Z", to: "2026-07-01T00:00:00Z",
     opening: {pages: "100 page"}}
"""


def test_a_device_file_says_what_registers_are_in_ticks() -> None:
    odometer = Declaration(
        "odometer",
        "counter",
        "km",
        Decimal("0.001"),
        modulus=1_000_000_000,
        max_rate=Decimal(150_000),
        max_gap=timedelta(hours=1),
    )
    state = Declaration("state", "state", "state", Decimal(1), max_gap=timedelta(minutes=15))
    hours = Declaration("hours", "counter", "s", Decimal(1))  # a second is no finite decimal of an hour
    pages = Declaration("pages", "counter", "page", Decimal(1), minimum=5)
    june, july = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC)
    assert read(GOOD) == Catalogue(
        (Device("TRK-1", "gateway 4", (odometer, state, hours)), Device("P-1", "", (pages,))),
        (Asset("T1", "truck", "Rotterdam"), Asset("P1", "")),
        (
            Binding("TRK-1", "T1", "vehicle", SINCE_EVER, None, "", {}, {}),
            Binding("P-1", "P1", "printer", june, july, "", {"pages": 100}, {}),
        ),
    )


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("devices: [", "the file", "no YAML"),
        ("[]", "", "valid dictionary"),
        ("devices: [{device: 'a b', registers: []}]", "devices[0].device", "pattern"),
        ("device: []", "device", "Extra inputs"),
        (
            "devices: [{device: A, registers: [{register: r, kind: meter}]}]",
            "devices[0].registers[0].kind",
            "'counter'",
        ),
        (
            "devices: [{device: A, registers: [{register: r, kind: counter}]}]",
            "devices[0].registers[0]",
            "needs a unit",
        ),
        (
            "devices: [{device: A, registers: [{register: r, kind: state, unit: km}]}]",
            "devices[0].registers[0]",
            "neither unit",
        ),
        (
            'devices: [{device: A, registers: [{register: r, kind: counter, unit: h, resolution: "1 s"}]}]',
            "devices[0].registers[0]",
            "write unit: s",
        ),
        (
            'devices: [{device: A, registers: [{register: r, kind: counter, unit: km, maximum: "1 l"}]}]',
            "devices[0].registers[0]",
            "does not convert",
        ),
        (
            'devices: [{device: A, registers: [{register: r, kind: counter, unit: page, maximum: "1.5 page"}]}]',
            "devices[0].registers[0]",
            "no whole number of ticks",
        ),
        ("devices: [{device: A, registers: [], asset: T1}]", "devices[0]", "belong together"),
        ("devices: [{device: A, registers: []}, {device: A, registers: []}]", "devices[1]", "occurs twice"),
        (
            'bindings: [{device: A, asset: T, position: p, from: "2026-07-01", to: "2026-06-01"}]',
            "bindings[0]",
            "ends before it begins",
        ),
        (
            'bindings: [{device: A, asset: T, position: p, opening: {x: "1 km"}}]',
            "bindings[0].opening",
            "declares no counter x",
        ),
    ],
)
def test_each_problem_names_its_place(text: str, place: str, words: str) -> None:
    found = read(text)
    assert isinstance(found, tuple), found
    assert [problem.place for problem in found] == [place]
    assert words in found[0].message + found[0].remedy


def test_all_problems_are_listed() -> None:
    found = read("devices: [{device: '', registers: [{register: r, kind: x}]}]\nassets: [{}]")
    assert isinstance(found, tuple)
    assert [type(problem) for problem in found] == [Problem] * 3
