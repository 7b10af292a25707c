"""What an evaluation rests on, as one hash: the versions, the facts, the period, and what computes with them."""

from __future__ import annotations

from hashlib import sha256
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING, TypeVar

from contracts.evaluation import ENGINE_VERSION
from core import canonical
from core.time import TZDATA_VERSION

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from contracts.facts import Counter, Piece, Register, StateSpan
    from contracts.scene import Scene

T = TypeVar("T")


def input_hash(scene: Scene) -> str:
    """Sha256 of the canonical JSON of everything that the scene knows. Members stand in the order of their names."""
    facts = scene.facts
    return sha256(
        f'{{"attributions":{_unordered(facts.attributions)},'
        f'"carried":{_unordered(facts.carried)},'
        f'"counters":{_by_register(facts.counters, _counter)},'
        f'"engine":"{ENGINE_VERSION}",'
        f'"gauges":{canonical.text(facts.gauges) if facts.gauges else "{}"},'
        f'"history":{_unordered(facts.history)},'
        f'"index_values":{_unordered(facts.index_values)},'
        f'"invoiced":{_unordered(facts.invoiced)},'
        f'"meter_tests":{_unordered(facts.meter_tests)},'
        f'"notices":{_unordered(facts.notices)},'
        f'"otherwise":{canonical.text(facts.otherwise)},'
        f'"pauses":{_unordered(facts.pauses)},'
        f'"period":["{scene.period.label}",{scene.start},{scene.end},{scene.until}],'
        f'"quantities":{_unordered(facts.quantities)},'
        f'"ready_duties":{"false" if facts.unmet is None else "true"},'
        f'"states":{_by_register(facts.states, _spans)},'
        f'"substitutes":{_unordered(facts.substitutes)},'
        f'"tickets":{_unordered(facts.tickets)},'
        f'"tzdata":"{TZDATA_VERSION}",'
        f'"unmet":{_unordered(facts.unmet)},'
        f'"versions":[{",".join([quoted(version.hash) for version in scene.versions])}]}}'.encode()
    ).hexdigest()


def _unordered(items: Sequence[object] | None) -> str:
    return f"[{','.join(sorted(map(canonical.text, items)))}]" if items else "[]"


# Counters and spans of state are written by hand as `canonical.text` would: they are most of what is known.


def _by_register(known: Mapping[Register, T], write: Callable[[T], str]) -> str:
    found = sorted([(" | ".join(register), register) for register in known])
    return f"{{{','.join([f'{quoted(name)}:{write(known[register])}' for name, register in found])}}}"


def _spans(spans: Sequence[StateSpan]) -> str:
    return f"[{','.join(map(_span, spans))}]"


def _span(span: StateSpan) -> str:
    lost = span.performance
    performance = "null" if lost is None else f'"{canonical.fraction_text(lost)}"'
    return (
        f'{{"category":"{span.category}","cause":{quoted(span.cause)},"end":{span.end},"performance":{performance},'
        f'"start":{span.start},"subsystem":{quoted(span.subsystem)}}}'
    )


def _counter(counter: Counter) -> str:
    return (
        f'{{"cases":{canonical.text(counter.cases) if counter.cases else "[]"},'
        f'"pieces":[{",".join([_piece(piece) for piece in counter.pieces])}],'
        f'"resolution":"{counter.resolution:f}","unit":{quoted(counter.unit)}}}'
    )


def _piece(piece: Piece) -> str:
    return (
        f'{{"closing":{piece.closing},"closing_quality":"{piece.closing_quality}","device":{quoted(piece.device)},'
        f'"end":{piece.end},"opening":{piece.opening},"opening_quality":"{piece.opening_quality}",'
        f'"removed":{piece.removed},"start":{piece.start}}}'
    )
