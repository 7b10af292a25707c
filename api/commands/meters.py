"""Meters on the command line: how they stand, what waits for a decision, and what people decide."""

import json
from datetime import datetime, timedelta
from typing import Annotated, Any

import typer
from sqlalchemy import Connection

from api.commands.connection import worker
from api.commands.meter_word import sealed, sealed_line, short, span_words, took_words
from core.clock import now
from core.database import transaction
from core.problem import Problem, Problems
from core.store import current_knowledge, knowledge_as_of
from core.time import read_time, zone
from core.units import Quantity
from ingest.meter import run
from ingest.store import completeness, declared, hold, meter

app = typer.Typer(help="Look at meters, and decide what they cannot explain.")
MONTH = timedelta(days=31)
From = Annotated[str | None, typer.Option("--from", help="First instant; 31 days before --to without it.")]
To = Annotated[str | None, typer.Option("--to", help="First instant that no longer belongs to it; now without it.")]
AsOf = Annotated[str | None, typer.Option(help="As known then: a time, or a knowledge number such as K 17.")]
Zone = Annotated[str, typer.Option("--zone", help="Of times without an offset.")]
AsJson = Annotated[bool, typer.Option("--json", help="As JSON.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept with the decision.")]
By = Annotated[str, typer.Option(help="Who decides.")]


@app.command("show")
def show(
    asset: Annotated[str, typer.Argument(help="The asset's name.")],
    start: From = None,
    end: To = None,
    as_of: AsOf = None,
    where: Zone = "UTC",
    as_json: AsJson = False,
) -> None:
    """Show an asset's registers, quantities, breaks, holds, states, coverage, assignments and clocks."""
    first, last = span(start, end, where)
    with worker() as engine, transaction(engine) as connection:
        if not declared.asset_ids(connection, [asset]):
            raise Problems((Problem(asset, "is no asset", "`yardstick device list` names those that are served"),))
        found = meter.standing(connection, asset, start=first, end=last, known=known_at(connection, as_of, where))
        found["sealed"] = sealed(connection, first)
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for line in lines(found):
        typer.echo(line)


@app.command("holds")
def holds(
    asset: Annotated[str | None, typer.Option(help="Only this asset.")] = None,
    start: From = None,
    end: To = None,
    as_of: AsOf = None,
    where: Zone = "UTC",
    as_json: AsJson = False,
) -> None:
    """List stretches that counters cannot explain: nothing of them is billed until somebody decides."""
    first, last = span(start, end, where, back=2 * MONTH)
    with worker() as engine, transaction(engine) as connection:
        known = known_at(connection, as_of, where)
        found = [meter.hold_json(one) for one in hold.find(connection, start=first, end=last, known=known, asset=asset)]
    if as_json:
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    for one in found:
        typer.echo(_hold_line(one))
    typer.echo(f"{len(found)} open from {first:%Y-%m-%d} to {last:%Y-%m-%d}; decide by `yardstick meters release`")


@app.command("release")
def release(
    reference: Annotated[str, typer.Argument(help="The hold, as `meters holds` names it.")],
    reason: Reason,
    bill: Annotated[str | None, typer.Option(help='So much was used, e.g. "120.3 km".')] = None,
    from_zero: Annotated[bool, typer.Option("--from-zero", help="It began again at zero.")] = False,
    void: Annotated[bool, typer.Option("--void", help="Nothing is to be billed for it.")] = False,
    reopen: Annotated[bool, typer.Option("--reopen", help="Take the decision back: it waits again.")] = False,
    by: By = "command line",
) -> None:
    """Decide about a hold. It counts from now on; what was issued before is corrected by the next run."""
    kinds = [("bill", bill is not None), ("from_zero", from_zero), ("void", void), ("reopened", reopen)]
    chosen = [kind for kind, given in kinds if given]
    if len(chosen) != 1:
        remedy = "give one of --bill, --from-zero, --void, --reopen"
        raise Problems((Problem(reference, "needs exactly one decision", remedy),))
    asked = None if bill is None else Quantity.parse(bill)
    with worker() as engine:
        run.release(engine, reference, now(), kind=chosen[0], bill=asked, author=by, reason=reason)
    typer.echo(f"{reference}: {chosen[0]}{f' {bill}' if bill else ''}")


@app.command("reset")
def reset(  # noqa: PLR0913, PLR0917 - a declaration has as many parts
    asset: Annotated[str, typer.Argument(help="The asset's name.")],
    register: Annotated[str, typer.Argument(help="The register's path, e.g. vehicle/odometer.")],
    at: Annotated[str, typer.Option("--at", help="When it began anew.")],
    reason: Reason,
    closing: Annotated[str | None, typer.Option(help="What it showed just before.")] = None,
    opening: Annotated[str | None, typer.Option(help="What it showed just after; a counter: zero without it.")] = None,
    void: Annotated[bool, typer.Option("--void", help="Take back that it began anew then.")] = False,
    where: Zone = "UTC",
    by: By = "command line",
) -> None:
    """Declare that a counter or gauge began anew: a reset, another display, another cartridge."""
    before, after = (None if one is None else Quantity.parse(one) for one in (closing, opening))
    since = read_time(at, zone(where))
    with worker() as engine:
        place, said = (asset, register), {"author": by, "reason": reason}
        run.begin_anew(engine, place, since, now(), closing=before, opening=after, void=void, **said)
    typer.echo(f"{asset} {register}: {'not ' if void else ''}begun anew at {since:%Y-%m-%dT%H:%M:%SZ}")


@app.command("estimate")
def estimate(  # noqa: PLR0913, PLR0917 - an estimate has as many parts
    asset: Annotated[str, typer.Argument(help="The asset's name.")],
    register: Annotated[str, typer.Argument(help="The counter's path, e.g. vehicle/odometer.")],
    start: Annotated[str, typer.Option("--from", help="First instant.")],
    end: Annotated[str, typer.Option("--to", help="First instant that no longer belongs to it.")],
    reason: Reason,
    quantity: Annotated[
        str | None, typer.Option(help="So much was probably used; without it the estimate ends.")
    ] = None,
    method: Annotated[str, typer.Option(help="How it was found.")] = "by hand",
    where: Zone = "UTC",
    by: By = "command line",
) -> None:
    """Note what was probably used where readings are missing. It is shown, and never billed as if it had been read.

    A contract's measure that says `estimates: bill_flagged` bills it, flagged, and trues it up when readings come.
    """
    span = (read_time(start, zone(where)), read_time(end, zone(where)))
    amount = None if quantity is None else Quantity.parse(quantity)
    with worker() as engine:
        said = {"author": by, "reason": reason}
        run.estimate(engine, (asset, register), span, now(), quantity=amount, method=method, **said)
    typer.echo(f"{asset} {register}: {quantity or 'no estimate'} from {start} to {end}")


@app.command("silent")
def silent(as_json: AsJson = False) -> None:
    """List registers that have said nothing for longer than they may. Exit 1 if there are any."""
    at = now()
    with worker() as engine, transaction(engine) as connection:
        found = completeness.silent(connection, at)
    rows = [
        {
            "device": one.device,
            "asset": one.asset,
            "path": one.path,
            "last_at": one.last_at and one.last_at.isoformat(),
            "limit": str(one.limit),
        }
        for one in found
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
    for one in [] if as_json else rows:
        typer.echo(
            f"{one['device']}  {one['asset']} {one['path']}: last {one['last_at'] or 'never'}, limit {one['limit']}"
        )
    raise typer.Exit(1 if found else 0)


def span(start: str | None, end: str | None, where: str, back: timedelta = MONTH) -> tuple[datetime, datetime]:
    """From the first to the last instant, as the options say. Raises Problems."""
    local = zone(where)
    last = now() if end is None else read_time(end, local)
    first = last - back if start is None else read_time(start, local)
    if first >= last:
        raise Problems((Problem("--from", "is not before --to", "turn them round"),))
    return first, last


def known_at(connection: Connection, as_of: str | None, where: str) -> int:
    """The number of a time, or as it is given; the newest without it."""
    if as_of is None:
        return current_knowledge(connection)
    if as_of.removeprefix("K").strip().isdecimal():
        return int(as_of.removeprefix("K"))
    return knowledge_as_of(connection, read_time(as_of, zone(where)))


def lines(found: dict[str, Any]) -> list[str]:
    """A standing in words, one fact a line."""
    return [
        f"{found['asset']} {span_words(found)}, as known at K {found['known']}",
        *_block("sealed", map(sealed_line, [found["sealed"]] if found["sealed"] else [])),
        *_block("registers", map(_register_line, found["registers"])),
        *_block("quantities", (line for one in found["quantities"] for line in _quantity_lines(one))),
        *_block("levels", map(_level_line, found["levels"])),
        *_block("breaks", map(_break_line, found["breaks"])),
        *_block("holds: not billed until somebody decides", map(_hold_line, found["holds"])),
        *_block("decisions", (f"{d['hold']}  {d['kind']}, {d['author']}: {d['reason']}" for d in found["decisions"])),
        *_block("estimates", map(_estimate_line, found["estimates"])),
        *_block("states", (line for one in found["states"] for line in _state_lines(one))),
        *_block("cross-checks", map(_check_line, found["checks"])),
        *_block("mounted here", map(_mounting_line, found["components"])),
        *_block("mounted on", map(_mounting_line, found["mounted"])),
        *_block("clocks: how long after being taken readings arrived", map(_clock_line, found["clocks"])),
    ]


def _block(title: str, rows: Any) -> list[str]:
    found = list(rows)
    return ["", title, *(f"  {row}" for row in found)] if found else []


def _register_line(one: dict[str, Any]) -> str:
    expected = f" of {one['expected']} expected" if one["expected"] is not None else ""
    last = f"last {one['last']} {one['unit']} at {short(one['last_at'])}" if one["last_at"] else "no reading"
    gaps = f", {len(one['gaps'])} gaps, the first {span_words(one['gaps'][0])}" if one["gaps"] else ""
    return (
        f"{one['path']} ({one['kind']}) by {one['device']} from {short(one['from'])} to {short(one['to'])}: {last}; "
        f"{one['received']} readings{expected}, coverage {one['coverage']}{gaps}"
    )


def _quantity_lines(one: dict[str, Any]) -> list[str]:
    """Of several devices each: what an exchange rests on, written down or not."""
    if one["quantity"] is None:
        return [f"{one['path']}: nothing known"]
    held = ", parts held" if one["held"] else ""
    if len(one["parts"]) == 1:
        return [f"{one['path']}: {one['quantity']} {one['unit']}, {_ends(one)}{held}"]
    parts = [f"  {part['device']} {_when(one, part)}: {_ends(part)}" for part in one["parts"]]
    return [f"{one['path']}: {one['quantity']} {one['unit']}, {len(parts)} devices{held}", *parts]


def _ends(one: dict[str, Any]) -> str:
    return f"{one['opening']} ({one['opening_quality']}) to {one['closing']} ({one['closing_quality']})"


def _when(one: dict[str, Any], part: dict[str, Any]) -> str:
    """From where another stops until where another begins."""
    first, last = part is one["parts"][0], part is one["parts"][-1]
    words = ["" if first else f"from {short(part['from'])}", "" if last else f"until {short(part['to'])}"]
    return " ".join(word for word in words if word)


def _level_line(one: dict[str, Any]) -> str:
    return (
        f"{one['path']}: used {one['used']} {one['unit']}, refilled {one['refilled']}, last {one['last'] or 'unknown'}"
    )


def _break_line(one: dict[str, Any]) -> str:
    return f"{one['path']} {one['kind']} {span_words(one)}: {one['before']} to {one['after']} {one['unit']}"


def _hold_line(one: dict[str, Any]) -> str:
    shown = f"{one['before']} to {one['after']} {one['unit']}"
    place = f"{one['asset']} {one['path']} ({one['device']})"
    return f"{one['hold']}  {place} {span_words(one)}: {one['reason']}, {shown}"


def _estimate_line(one: dict[str, Any]) -> str:
    read = f"; readings say {one['actual']} {one['unit']}" if one["actual"] is not None else ""
    said = f"{one['quantity']} {one['unit']} estimated, {one['method']}"
    return f"{one['path']} {span_words(one)}: {said}{read}"


def _state_lines(one: dict[str, Any]) -> list[str]:
    sums = ", ".join(f"{name} {took_words(took)}" for name, took in one["time"].items())
    return [f"{one['path']}: {sums}", *(f"  {span_words(s)} {s['state']}" for s in one["spans"])]


def _check_line(one: dict[str, Any]) -> str:
    others = " + ".join(one["against"])
    return f"{one['path']} {one['finding']}: {one['use']} {one['unit']} against {one['of_others']} ({others})"


def _mounting_line(one: dict[str, Any]) -> str:
    return f"{one['component']} at {one['asset']}/{one['position']} from {short(one['from'])} to {short(one['to'])}"


def _clock_line(one: dict[str, Any]) -> str:
    return (
        f"{one['device']}: {one['readings']} readings, status {one['status']}, least {took_words(one['least'])}, "
        f"middle {took_words(one['middle'])}, most {took_words(one['most'])}"
    )
