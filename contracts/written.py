"""An evaluation as canonical JSON. What is told twice is written once, and nothing is sorted that is in order already.

Members stand in the order of their names, as `core.canonical` would put them.
"""

from __future__ import annotations

from functools import lru_cache
from json.encoder import encode_basestring as quoted
from typing import TYPE_CHECKING, TypeAlias

from core import canonical
from core.canonical import fraction_text
from core.time import instant, wall_text, zone

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from contracts.evaluation import Evaluation, Event, Figure, Line, OpenCase, Step, Verdict


Told: TypeAlias = "Line | Verdict"
Prepared: TypeAlias = "Mapping[int, tuple[Told, str]]"
"""Lines and verdicts that are written already, by `id`; they are held here, so that no other has the same."""


def evaluation_text(found: Evaluation, prepared: Prepared) -> tuple[str, str]:
    """What stands before its hash, and after."""
    where = zone(found.timezone)
    lines = [prepared[id(one)][1] if id(one) in prepared else _line(one) for one in found.lines]
    verdicts = [prepared[id(one)][1] if id(one) in prepared else _verdict(one) for one in found.verdicts]
    problems = [[problem.place, problem.message, problem.remedy] for problem in found.problems]
    before = (
        f'"as_of":{quoted(found.knowledge)}',
        f'"carry":{_json(found.carry)}',
        f'"contract":{quoted(found.contract)}',
        f'"currency":"{found.currency}"',
        f'"delta":[{",".join([_line(line) for line in found.delta])}]',
        f'"engine_version":"{found.engine_version}"',
        f'"events":[{",".join([_event(event, where) for event in found.events])}]',
        f'"from":"{time_text(found.start)}"',
        f'"input_hash":"{found.input_hash}"',
        f'"lines":[{",".join(lines)}]',
        f'"open_cases":[{",".join([_open_case(case, where) for case in found.open_cases])}]',
        f'"period":"{found.period}"',
        f'"problems":{_json(problems)}',
    )
    after = (
        f'"status":"{found.status}"',
        f'"timezone":"{found.timezone}"',
        f'"to":"{time_text(found.end)}"',
        f'"total":"{found.total}"',
        f'"tzdata_version":"{found.tzdata_version}"',
        f'"until":"{time_text(found.until)}"',
        f'"verdicts":[{",".join(verdicts)}]',
        f'"versions":[{",".join(map(str, found.versions))}]',
    )
    return f'{{{",".join(before)},"result_hash":', f",{','.join(after)}}}"


def _json(items: Sequence[object]) -> str:
    return canonical.text(items) if items else "[]"


def prepare(lines: Iterable[Line], verdicts: Iterable[Verdict]) -> Prepared:
    """Write what will be told again and again."""
    return {id(one): (one, _line(one)) for one in lines} | {id(one): (one, _verdict(one)) for one in verdicts}


def renamed(text: str, like: Told, one: Told) -> str:
    """What is written of one that differs from a written one in its owner, and a line in its id."""
    text = text.replace(f'"asset":{quoted(like.owner)},', f'"asset":{quoted(one.owner)},', 1)
    return text.replace(f'"id":"{like[0]}"', f'"id":"{one[0]}"', 1) if like[0] != one[0] else text


def _line(line: Line) -> str:
    quantity = "null" if line.quantity is None else f'"{fraction_text(line.quantity)}"'
    return (
        f'{{"amount":"{line.amount!s}","asset":{quoted(line.owner)},"clause":{quoted(line.clause)},'
        f'"from":"{time_text(line.start)}","id":"{line.id}","kind":"{line.kind}","quantity":{quantity},'
        f'"segment":{line.segment},"steps":[{",".join([step.written for step in line.steps])}],'
        f'"text":{quoted(line.text)},"to":"{time_text(line.end)}","unit":{quoted(line.unit)},'
        f'"unrounded":"{fraction_text(line.unrounded)}"}}'
    )


def _verdict(verdict: Verdict) -> str:
    bounds = ",".join([_bound(name, *both) for name, both in sorted(verdict.bounds.items())]) if verdict.bounds else ""
    given = verdict.values
    values = ",".join([f'{quoted(name)}:"{given[name]!s}"' for name in sorted(given)])
    return (
        f'{{"asset":{quoted(verdict.owner)},"bounds":{{{bounds}}},"certain":{"true" if verdict.certain else "false"},'
        f'"clause":{quoted(verdict.clause)},"explanation":{quoted(verdict.explanation)},'
        f'"from":"{time_text(verdict.start)}","kind":"{verdict.kind}","state":"{verdict.state}",'
        f'"status":"{verdict.status}","steps":[{",".join([step.written for step in verdict.steps])}],'
        f'"to":"{time_text(verdict.end)}","values":{{{values}}}}}'
    )


def _bound(name: str, low: Figure, high: Figure) -> str:
    text = str(low)
    return f'"{name}":["{text}","{text if high is low else high}"]'


def step_text(step: Step) -> str:
    """One step."""
    given = step.values
    values = ",".join(
        [f"{quoted(name)}:{quoted(given[name])}" for name in (sorted(given) if len(given) > 1 else given)]
    )
    return (
        f'{{"formula":{quoted(step.formula)},"label":{quoted(step.label)},"result":{quoted(step.result)},'
        f'"values":{{{values}}}}}'
    )


def _event(event: Event, where: ZoneInfo) -> str:
    at = wall_text(instant(event.at), where)
    return canonical.text({"asset": event.owner, "at": at, "clause": event.clause, "event": event.event})


def _open_case(item: OpenCase, where: ZoneInfo) -> str:
    case = item.case
    return canonical.text(
        {
            "asset": case.asset,
            "clause": item.clause,
            "from": wall_text(instant(case.start), where),
            "reason": case.reason,
            "register": case.register,
            "to": wall_text(instant(case.end), where),
        }
    )


@lru_cache(maxsize=4096)
def time_text(microseconds: int) -> str:
    """An instant in UTC. An evaluation names the same ones again and again."""
    return str(canonical.plain(instant(microseconds)))
