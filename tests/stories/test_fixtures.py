"""A fresh database is migrated, and belongs to its test alone."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

pytestmark = pytest.mark.services


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_begins_with_nothing_known(engine: Engine, turn: int) -> None:
    with engine.begin() as connection:
        assert connection.execute(text("SELECT core.draw_knowledge()")).scalar_one() == 1, turn


def test_the_worker_owns_no_table(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(ProgrammingError, match="must be owner"):
        connection.execute(text("DROP TABLE ingest.quarantine"))
