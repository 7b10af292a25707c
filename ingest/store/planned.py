"""Statements on hypertables outside functions, planned for the stretch of time that is asked for.

A plan that a session keeps for any stretch opens every chunk there is. Functions of the database that read hypertables
set `plan_cache_mode` themselves.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, TextClause, text

CUSTOM = text("SET LOCAL plan_cache_mode = force_custom_plan")
AUTO = text("SET LOCAL plan_cache_mode = auto")


def in_its_chunks(connection: Connection, statement: TextClause, given: Mapping[str, object]) -> Sequence[Any]:
    """What it brings. Afterwards plans are kept again, e.g. those by which foreign keys are looked up."""
    connection.execute(CUSTOM)
    found = connection.execute(statement, given).all()
    connection.execute(AUTO)
    return found
