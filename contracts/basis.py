"""What an evaluation rests on, as one hash: the versions, the facts, the period, and what computes with them."""

from __future__ import annotations

from hashlib import sha256
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING

from contracts.evaluation import ENGINE_VERSION
from core import canonical
from core.time import TZDATA_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence

    from contracts.facts import StateSpan
    from contracts.scene import Scene

UNORDERED = (
    "quantities", "attributions", "notices", "carried", "history", "invoiced", "unmet", "tickets", "pauses",
    "substitutes", "index_values", "meter_tests",
)  # fmt: skip


def input_hash(scene: Scene) -> str:
    """Sha256 of the canonical JSON of everything that the scene knows."""
    facts = scene.facts
    known = {name: _unordered(getattr(facts, name)) for name in UNORDERED} | {
        "versions": canonical.text([version.hash for version in scene.versions]),
        "period": canonical.text([scene.period.label, scene.start, scene.end, scene.until]),
        "counters": canonical.text(facts.counters),
        "gauges": canonical.text(facts.gauges),
        "ready_duties": canonical.text(facts.unmet is not None),
        "states": _states(scene),
        "otherwise": canonical.text(facts.otherwise),
        "engine": canonical.text(ENGINE_VERSION),
        "tzdata": canonical.text(TZDATA_VERSION),
    }
    members = ",".join([f'"{name}":{known[name]}' for name in sorted(known)])
    return sha256(f"{{{members}}}".encode()).hexdigest()


def _unordered(items: Sequence[object] | None) -> str:
    return f"[{','.join(sorted(map(canonical.text, items)))}]" if items else "[]"


def _states(scene: Scene) -> str:
    """As `canonical.text` would write them, in a third of the time: there may be thousands."""
    spans = sorted((" | ".join(register), spans) for register, spans in scene.facts.states.items())
    return f"{{{','.join([f'{quoted(name)}:[{_spans(some)}]' for name, some in spans])}}}"


def _spans(spans: Sequence[StateSpan]) -> str:
    return ",".join([_span(span) for span in spans])


def _span(span: StateSpan) -> str:
    lost = span.performance
    performance = "null" if lost is None else f'"{canonical.fraction_text(lost)}"'
    return (
        f'{{"category":"{span.category}","cause":{quoted(span.cause)},"end":{span.end},"performance":{performance},'
        f'"start":{span.start},"subsystem":{quoted(span.subsystem)}}}'
    )
