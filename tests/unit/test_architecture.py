import tomllib
from pathlib import Path

import pytest

from tests.unit.architecture import PACKAGES, foreign_tables, impurities, is_shell, long_functions

SOURCES = sorted(str(path) for package in PACKAGES for path in Path(package).rglob("*.py"))
ROOT = Path(__file__).parents[2]
PURE = [path for path in SOURCES if not is_shell(path)]


@pytest.mark.parametrize("path", PURE)
def test_a_pure_file_reaches_for_nothing(path: str) -> None:
    assert impurities(Path(path).read_text()) == []


@pytest.mark.parametrize("path", [path for path in SOURCES if not path.startswith("migrations")])
def test_a_table_is_queried_by_its_owner_alone(path: str) -> None:
    assert foreign_tables(path.split("/", maxsplit=1)[0], Path(path).read_text()) == []


@pytest.mark.parametrize("path", SOURCES)
def test_no_function_is_longer_than_seventy_lines(path: str) -> None:
    assert long_functions(Path(path).read_text(), 70) == []


@pytest.mark.parametrize("package", [package for package in PACKAGES if package != "migrations"])
def test_each_package_says_in_under_fifteen_lines_what_it_owns(package: str) -> None:
    docstring = Path(package, "__init__.py").read_text()
    assert "Owns:" in docstring
    assert "Does not own:" in docstring
    assert docstring.count("\n") < 15


@pytest.mark.parametrize(
    ("source", "finding"),
    [
        ("import os", "line 1: imports os"),
        ("from core.clock import now", "line 1: imports core.clock.now"),
        ("from core import database", "line 1: imports core.database"),
        ("from datetime import datetime\ndatetime.now()", "line 2: reads the clock by .now"),
        ("open('x')", "line 1: calls open()"),
    ],
)
def test_the_purity_check_can_fail(source: str, finding: str) -> None:
    assert impurities(source) == [finding]


def test_the_ownership_check_can_fail() -> None:
    source = 'QUERY = "SELECT 1 FROM ingest.reading JOIN core.audit ON true"'
    assert foreign_tables("billing", source) == ["line 1: ingest.reading"]
    assert foreign_tables("ingest", source) == []


def test_the_length_check_can_fail() -> None:
    source = "def long():\n" + "    pass\n" * 70
    assert long_functions(source, 70) == ["long: 71 lines"]
    assert long_functions(source, 71) == []


def test_every_package_is_installed() -> None:
    named = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]
    roots = {name.partition(".")[0] for name in named}
    there = {
        ".".join(file.parent.relative_to(ROOT).parts) for root in roots for file in (ROOT / root).rglob("__init__.py")
    }
    assert set(named) == there
