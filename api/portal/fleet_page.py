"""Assets: the list, and one with its readings."""

import json
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query, Request, Response
from pydantic import AwareDatetime

from api.paging import Cursor, cursor, read_name
from api.portal import format as show
from api.portal import tongue
from api.portal.context import shown
from api.routes.asset import found
from api.visit import Anyone, Visit
from contracts.store import view as contract_view
from core.time import zone
from core.units import from_ticks
from ingest.catalogue import SINCE_EVER
from ingest.store import view
from ingest.store.view import AssetView, ReadingView, RegisterView

router = APIRouter(prefix="/portal/assets")
PAGE = 50
LOOK_BACK = timedelta(days=7)
MOST_POINTS = 5000


@router.get("")
def assets_page(request: Request, visit: Anyone, cursor: Cursor = None) -> Response:
    """All assets, by name."""
    rows = view.assets(visit.connection, after=read_name(cursor), most=PAGE + 1)
    after = _after(rows[PAGE - 1].name) if len(rows) > PAGE else None
    return shown(request, visit, "assets.html", assets=rows[:PAGE], after=after)


@router.get("/{asset}")
def asset_page(
    request: Request,
    visit: Anyone,
    asset: str,
    register: Annotated[str | None, Query(max_length=130)] = None,
    until: AwareDatetime | None = None,
) -> Response:
    """One asset: a week of readings up to and with `until`, by default the newest, and its devices."""
    row = found(visit, asset)
    served = view.registers(visit.connection, [row.id])
    where, covered = _coverage(visit, row)
    newest = {one.path: one for one in served}
    chosen = newest.get(register or "", next(iter(newest.values()), None))
    newest_at = row.last_reading_at or visit.at
    before = min(until or newest_at, newest_at) + timedelta(microseconds=1)
    readings = _readings(visit, row, chosen, before) if chosen else []
    codes, language = view.state_categories(visit.connection), tongue.of(request, visit)
    return shown(
        request,
        visit,
        "asset.html",
        asset=row,
        coverage=covered,
        facts=_facts(newest, codes, language),
        registers=served,
        register=chosen,
        paths=list(newest),
        since_ever=SINCE_EVER,
        zone=where,
        since=before - LOOK_BACK,
        before=before,
        later=before + LOOK_BACK if before < newest_at else None,
        readings=readings,
        points=_points(readings, chosen) if chosen else "",
        shown=lambda one: _value(one.value, chosen, codes, language) if chosen else "",
        newest=lambda one: "–" if one.last_value is None else _value(one.last_value, one, codes, language),
    )


def _coverage(visit: Visit, row: AssetView) -> tuple[ZoneInfo, list[str]]:
    rows = contract_view.covered_by(visit.connection, row.id)
    known = contract_view.contracts_by_key(visit.connection, {one.contract for one in rows})
    names = [known[one.contract].name for one in rows if one.contract in known]
    where = next((known[one.contract].timezone for one in reversed(rows) if one.contract in known), "UTC")
    return zone(where), list(dict.fromkeys(names))


def _readings(visit: Visit, row: AssetView, register: RegisterView, before: datetime) -> list[ReadingView]:
    return view.readings(
        visit.connection, row.id, path=register.path, since=before - LOOK_BACK, before=before, most=MOST_POINTS
    )


def _facts(newest: dict[str, RegisterView], codes: dict[int, str], language: str) -> list[tuple[str, str, bool]]:
    facts = []
    for path, one in newest.items():
        if one.last_value is not None:
            bad = one.kind == "state" and codes.get(one.last_value) in ("fault", "unplanned_repair")
            facts.append((path, _value(one.last_value, one, codes, language), bad))
    return facts


def _value(ticks: int, register: RegisterView, codes: dict[int, str], language: str) -> str:
    if register.kind == "state":
        return show.category_name(codes.get(ticks, str(ticks)), language)
    exact = from_ticks(ticks, resolution=register.resolution, register_unit=register.unit)
    return f"{show.number(exact.magnitude, language=language)} {exact.unit}"


def _points(readings: list[ReadingView], register: RegisterView) -> str:
    """Seconds and values for the chart; places on a screen, so floats are near enough."""
    at = [int(one.at.timestamp()) for one in readings]
    scale = Fraction(1) if register.kind == "state" else Fraction(register.resolution)
    return json.dumps([at, [float(one.value * scale) for one in readings]])


def _after(name: str) -> str:
    return cursor(name)
