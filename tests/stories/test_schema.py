"""The schema that migrations make, held against the golden file and against the rows in Python."""

import importlib
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine
from sqlmodel import SQLModel

from migrations.catalogue import SCHEMAS, describe
from migrations.run import upgrade

GOLDEN = Path(__file__).parents[1] / "golden" / "schema.sql"
pytestmark = pytest.mark.services


def test_migrations_make_the_golden_schema(admin_engine: Engine, request: pytest.FixtureRequest) -> None:
    with admin_engine.connect() as connection:
        found = describe(connection)
    if request.config.getoption("--update-golden"):
        GOLDEN.write_text(found)
    assert found == GOLDEN.read_text()


def test_migrating_again_changes_nothing(admin_engine: Engine) -> None:
    upgrade(admin_engine)
    with admin_engine.connect() as connection:
        assert describe(connection) == GOLDEN.read_text()


def test_every_column_of_a_row_in_python_is_a_column_of_its_table(admin_engine: Engine) -> None:
    for package in ("ingest", "contracts", "billing"):
        for path in sorted(Path(package).rglob("tables.py")):
            importlib.import_module(".".join(path.with_suffix("").parts))
    with admin_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_schemas": True, "include_name": ours})
        found = [step for step in compare_metadata(context, SQLModel.metadata) if concerns_columns(step)]
    assert found == []


def ours(name: str | None, kind: str, _parents: object) -> bool:
    return kind != "schema" or name in SCHEMAS


def concerns_columns(step: object) -> bool:
    """Only columns and tables that Python names: the comparison would drop indexes that it does not know."""
    return isinstance(step, tuple) and step[0] in {"add_table", "add_column", "modify_type"}
