"""Meters by stretches of time on the command line: use, levels, and how long states lasted."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

import typer
from sqlalchemy import Connection

from api import grouping, question, usage
from api.commands.connection import worker
from api.commands.meter_word import iso
from api.commands.meters import AsJson, AsOf, From, To, known_at, span
from api.errors import InvalidQuestion
from contracts.facts import StateNeed
from contracts.store import view as contract_view
from contracts.store.view import ContractView
from core.canonical import decimal_text, fraction_text
from core.clock import now
from core.database import transaction
from core.grain import Grain
from core.money import round_fraction
from core.problem import Problem, Problems
from core.time import micros, zone
from ingest.store import completeness, component, level, mean, refill, state
from ingest.store.completeness import Register
from ingest.store.counter import Asked, MixedTicks
from ingest.store.shown import share
from ingest.timeline import shares

app = typer.Typer(help="Meters by stretches of time.")
By = Annotated[Grain, typer.Option("--grain", help="How time is cut, in the zone.")]
Local = Annotated[str | None, typer.Option("--zone", help="Of the grain and of times without an offset.")]
Path = Annotated[str | None, typer.Option("--register", help="A path such as vehicle/odometer; all without it.")]


@app.command("usage")
def show_usage(  # noqa: PLR0913, PLR0917 - a question has as many parts
    asset: Annotated[str | None, typer.Argument(help="An asset's name; with --contract, only this one.")] = None,
    contract: Annotated[str | None, typer.Option(help="A contract's name: its measure, while it covers.")] = None,
    measure: Annotated[str | None, typer.Option(help="Of the contract; its first counter without it.")] = None,
    register: Path = None,
    start: From = None,
    end: To = None,
    grain: Annotated[
        Literal["hour", "day", "week", "month", "quarter", "year", "period"], typer.Option(help="How time is cut.")
    ] = "day",
    group_by: Annotated[
        Literal["asset", "group", "site", "kind", "contract", "customer", "register", "component"] | None,
        typer.Option(help="Of an asset: register or component. Of a contract: the others."),
    ] = None,
    as_of: AsOf = None,
    where: Local = None,
    as_json: AsJson = False,
) -> None:
    """Show what counters counted, by any grain: of an asset's registers, or of what contracts cover."""
    if asset is None and contract is None:
        raise Problems((Problem("usage", "needs an asset, or --contract", "`yardstick device list` names assets"),))
    with refused("usage"), worker() as engine, transaction(engine) as connection:
        if contract is None:
            grained = _grain(grain)
            asked = _Asked(connection, where or "UTC", start, end, as_of)
            rows = _of_asset(asked, asset or "", register, grained, by_component=group_by == "component")
        else:
            row = _contract(connection, contract)
            asked = _Asked(connection, where or row.timezone, start, end, as_of)
            rows = _of_contract(asked, row, measure, asset, grain, group_by or "asset")  # type: ignore[arg-type]
    _print(rows, asked.local, as_json=as_json)


@app.command("levels")
def show_levels(  # noqa: PLR0913, PLR0917 - the question has as many parts
    asset: Annotated[str, typer.Argument(help="The asset's name.")],
    register: Path = None,
    start: From = None,
    end: To = None,
    grain: By = "hour",
    as_of: AsOf = None,
    where: Local = None,
    as_json: AsJson = False,
) -> None:
    """Show what gauges showed in each stretch: lowest, highest, last, and the mean.

    The mean is weighted by time: a level holds until the next reading, and after the register's silence limit nothing
    is known.
    """
    until = now()
    with _asking("levels", where, start, end, as_of) as asked:
        cuts = asked.cuts(grain)
        rows = [
            {
                "key": path,
                "from": one.start,
                "to": one.end,
                "readings": one.readings,
                **{name: _digits(getattr(one, name)) for name in ("lowest", "highest", "last")},
                "mean": None if held.mean is None else fraction_text(held.mean),
                "coverage": share(held.coverage),
                "unit": served[-1].unit,
            }
            for path, served in asked.served(asset, "gauge", register).items()
            for one, held in zip(
                level.load(asked.connection, served, cuts, known=asked.known),
                mean.load(asked.connection, served, cuts, known=asked.known, until=until),
                strict=True,
            )
        ]
    _print(rows, asked.local, as_json=as_json)


@app.command("refills")
def show_refills(  # noqa: PLR0913, PLR0917 - the question has as many parts
    asset: Annotated[str, typer.Argument(help="The asset's name.")],
    register: Path = None,
    start: From = None,
    end: To = None,
    grain: By = "day",
    as_of: AsOf = None,
    where: Local = None,
    as_json: AsJson = False,
) -> None:
    """Show what gauges used and took in in each stretch, with the single refills: rises beyond the threshold."""
    with _asking("refills", where, start, end, as_of) as asked:
        cuts = asked.cuts(grain)
        rows = [
            {
                "key": path,
                "from": one.start,
                "to": one.end,
                "used": fraction_text(one.used),
                "refilled": fraction_text(one.refilled),
                "unit": served[-1].unit,
                "refills": [_refill(each) for each in one.refills],
            }
            for path, served in asked.served(asset, "gauge", register).items()
            for one in refill.load(asked.connection, (asset, path), cuts, known=asked.known)
        ]
    _print(rows, asked.local, as_json=as_json)


def _refill(one: refill.Refill) -> dict[str, Any]:
    quantity = fraction_text(one.after - one.before)
    return {
        "at": one.at, "before": fraction_text(one.before), "after": fraction_text(one.after), "quantity": quantity,
    }  # fmt: skip


@app.command("states")
def show_states(  # noqa: PLR0913, PLR0917 - the question has as many parts
    asset: Annotated[str, typer.Argument(help="The asset's name.")],
    register: Path = None,
    start: From = None,
    end: To = None,
    grain: By = "day",
    as_of: AsOf = None,
    where: Local = None,
    as_json: AsJson = False,
) -> None:
    """Show for how long each state lasted in each stretch; silence beyond the limit is unknown."""
    until = micros(now())
    with _asking("states", where, start, end, as_of) as asked:
        cuts, rows = asked.cuts(grain), []
        for path, served in asked.served(asset, "state", register).items():
            silence = (served[-1].silence or asked.end - asked.start) // timedelta(microseconds=1)
            need = StateNeed(asset, path, micros(asked.start), micros(asked.end), silence)
            (said,) = state.load(asked.connection, [need], known=asked.known)
            sums = shares(said, [micros(at) for at in cuts], until=until)
            rows += [
                {
                    "key": path,
                    "from": a,
                    "to": b,
                    "seconds": {name: fraction_text(Fraction(took, 1_000_000)) for name, took in sorted(one.items())},
                }
                for (a, b), one in zip(pairwise(cuts), sums, strict=True)
            ]
    _print(rows, asked.local, as_json=as_json)


class _Asked:
    """A stretch of time in a zone, as known then or now."""

    def __init__(  # what every question here names
        self, connection: Connection, where: str, start: str | None, end: str | None, as_of: str | None
    ) -> None:
        self.connection = connection
        self.local: ZoneInfo = zone(where)
        self.start, self.end = span(start, end, where)
        self.known = known_at(connection, as_of, where)

    def cuts(self, grain: Grain) -> list[datetime]:
        """What cuts it. Raises InvalidQuestion for too many."""
        return question.stretches(self.start, self.end, grain, self.local)

    def served(self, asset: str, kind: str, path: str | None) -> dict[str, list[Register]]:
        """The asset's registers of a kind, by path. Raises Problems where there is none."""
        every = completeness.registers(self.connection, asset, start=self.start, end=self.end, known=self.known)
        found: dict[str, list[Register]] = {}
        for one in every:
            if one.kind == kind and path in (None, one.path):
                found.setdefault(one.path, []).append(one)
        if not found:
            known = ", ".join(sorted({one.path for one in every if one.kind == kind})) or f"no {kind}"
            raise Problems((Problem(asset, f"has no such {kind} in that time", f"it has {known}"),))
        return found


@contextmanager
def _asking(place: str, where: str | None, start: str | None, end: str | None, as_of: str | None) -> Iterator[_Asked]:
    with refused(place), worker() as engine, transaction(engine) as connection:
        yield _Asked(connection, where or "UTC", start, end, as_of)


@contextmanager
def refused(place: str) -> Iterator[None]:
    """What cannot be asked, as a problem."""
    try:
        yield
    except (InvalidQuestion, MixedTicks) as error:
        raise Problems((Problem(place, str(error)),)) from None


def _grain(given: str) -> Grain:
    if given == "period":
        raise Problems((Problem("--grain", "an asset has no billing periods", "name a --contract, or ask by month"),))
    return given  # type: ignore[return-value]


def _of_asset(
    asked: _Asked, asset: str, register: str | None, grain: Grain, *, by_component: bool
) -> list[dict[str, Any]]:  # fmt: skip
    """By register, or by what was mounted meanwhile."""
    cuts = asked.cuts(grain)
    units = {path: served[-1].unit for path, served in asked.served(asset, "counter", register).items()}
    needs = [need for path, unit in units.items() for need in _needs(asked, asset, path, unit, cuts, by_component)]
    found = usage.each(asked.connection, needs, known=asked.known, visibly=False)
    return [
        {
            "key": f"{need.asset} {need.register}" if by_component else need.register,
            "from": one.start,
            "to": one.end,
            "quantity": fraction_text(one.quantity),
            "unit": need.unit,
            "estimated": one.carried,
        }
        for need, uses in zip(needs, found, strict=True)
        for one in uses
    ]


def _needs(
    asked: _Asked, asset: str, path: str, unit: str, cuts: Sequence[datetime], by_component: bool  # noqa: FBT001
) -> Iterator[Asked]:  # fmt: skip
    if not by_component:
        yield Asked(asset, path, tuple(map(micros, cuts)), unit)
        return
    for one in component.mountings(asked.connection, asked.known, asset=asset):
        first, last = max(one.start, cuts[0]), min(one.end or cuts[-1], cuts[-1])
        if first < last:
            inside = (first, *(at for at in cuts if first < at < last), last)
            yield Asked(one.component, path, tuple(map(micros, inside)), unit)


def _of_contract(
    asked: _Asked, row: ContractView, measure: str | None, asset: str | None, grain: str, by: grouping.Grouping
) -> list[dict[str, Any]]:  # fmt: skip
    """By key of the group; all keys."""
    connection, of = asked.connection, grouping.measured(asked.connection, row, measure)
    by_period = grain == "period"
    cuts = grouping.periods(connection, of, asked.start, asked.end) if by_period else asked.cuts(grain)  # type: ignore[arg-type]
    claims, after, rows = grouping.claims(connection, of, cuts, by, asset), None, []
    while True:
        some, after = grouping.page(claims, len(cuts) - 1, after)
        cells = grouping.cells(
            some, cuts, lambda needs: usage.each(connection, needs, known=asked.known, visibly=False)
        )  # fmt: skip
        rows += [
            {
                "key": one.key,
                "from": cuts[one.number],
                "to": cuts[one.number + 1],
                "quantity": fraction_text(one.measured + one.estimated),
                "unit": of[0].measure.unit or "",
                "estimated": fraction_text(one.estimated),
            }
            for one in grouping.sums(cells)
        ]
        if after is None:
            return rows


def _contract(connection: Connection, name: str) -> ContractView:
    for one in contract_view.contracts(connection, most=1_000_000):
        if name in (one.name, one.public_id):
            return one
    raise Problems((Problem(name, "is no contract", "`yardstick contract list` names them"),))


def _print(rows: Sequence[dict[str, Any]], local: ZoneInfo, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(rows, indent=2, ensure_ascii=False, default=iso))
        return
    for one in rows:
        typer.echo(_line(one, local))
    typer.echo(f"{len(rows)} rows; local times of {local.key}, with their offset")


def _line(one: dict[str, Any], local: ZoneInfo) -> str:
    place = f"{_wall(one['from'], local)} to {_wall(one['to'], local)}  {one['key'] or '(none)'}"
    if "seconds" in one:
        return f"{place}: {', '.join(f'{name} {took} s' for name, took in one['seconds'].items()) or 'to come'}"
    if "refills" in one:
        each = [f"\n  {_wall(r['at'], local)}  {r['before']} to {r['after']} {one['unit']}" for r in one["refills"]]
        return f"{place}: used {one['used']}, refilled {one['refilled']} {one['unit']}{''.join(each)}"
    if "readings" in one:
        said = f"{one['lowest']} to {one['highest']} {one['unit']}, last {one['last']}, {one['readings']} readings"
        return f"{place}: {said if one['readings'] else 'no reading'}{_mean_words(one)}"
    guessed = one["estimated"]
    flag = ", estimated" if guessed is True else f", {guessed} of it estimated" if guessed not in (False, "0") else ""
    return f"{place}: {one['quantity']} {one['unit']}{flag}"


def _mean_words(one: dict[str, Any]) -> str:
    """Rounded for people to four digits; JSON has it exactly."""
    if one["mean"] is None:
        return ""
    mean_, part = (round_fraction(Fraction(one[name]), 4, "half_up").normalize() for name in ("mean", "coverage"))
    known = "" if part == 1 else f" over {(part * 100).normalize():f} % of the time"
    return f", mean {mean_:f} {one['unit']}{known}"


def _wall(at: datetime, local: ZoneInfo) -> str:
    """To the minute, and further where it needs it."""
    shown = at.astimezone(local)
    exact = "minutes" if not shown.second and not shown.microsecond else "auto"
    return shown.isoformat(sep=" ", timespec=exact)


def _digits(value: Any) -> str | None:
    return None if value is None else decimal_text(value)
