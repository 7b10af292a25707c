"""What stories of several files ask for: a declared device, a command line on the database."""

import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from tests.stories.ingesting import declare


@pytest.fixture
def device(engine: Engine, unique: str) -> str:
    name = f"dev-{unique}"
    declare(engine, [name])
    return name


@pytest.fixture
def command(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", environment["YARDSTICK_DATABASE_URL"])
    monkeypatch.setenv("COLUMNS", "250")
    return CliRunner()
