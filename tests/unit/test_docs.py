"""The documentation against the product: its commands run, its names exist."""

import re
import shlex
from pathlib import Path

import pytest

from api.application import create
from api.main import app, load
from core import clock
from core.database import connect
from core.settings import Settings
from ingest import catalogue
from ingest.reason import Reason

ROOT = Path(__file__).parents[2]
PAGES = sorted([ROOT / "README.md", *(ROOT / "docs").glob("*.md")])
TEXT = "\n".join(page.read_text() for page in PAGES)
BLOCKS = re.findall(r"^```(?:ba)?sh\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
COMMANDS = [line for block in BLOCKS for line in block.splitlines() if line.startswith("yardstick")]
ALONE = [
    line for block in BLOCKS if "# needs" not in block for line in block.splitlines() if line.startswith("yardstick")
]


def test_there_are_commands_to_try() -> None:
    assert len(ALONE) >= 3
    assert len(COMMANDS) > len(ALONE)


@pytest.mark.parametrize("line", ALONE)
def test_a_documented_command_that_needs_no_database_runs(line: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(SystemExit) as ended:
        app(shlex.split(line)[1:])
    assert ended.value.code == 0


@pytest.mark.parametrize("line", COMMANDS)
def test_a_documented_command_exists_with_the_options_given(line: str) -> None:
    name, *words = shlex.split(line)[1:]
    command = load(name)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    # Resilient: files need not exist; an option or an argument too many is still an error.
    command.make_context(name, words, resilient_parsing=True)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_link_leads_to_a_file(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_setting_is_documented() -> None:
    documented = (ROOT / "docs/operate.md").read_text()
    assert [name for name in Settings.model_fields if f"YARDSTICK_{name.upper()}" not in documented] == []


def test_a_documented_declaration_of_devices_is_accepted() -> None:
    blocks = re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)
    found = [block for block in blocks if "devices:" in block]
    assert found
    for block in found:
        assert isinstance(catalogue.read(block), catalogue.Catalogue), catalogue.read(block)


def test_every_quarantine_reason_is_documented() -> None:
    documented = (ROOT / "docs/devices.md").read_text()
    assert [reason.value for reason in Reason if f"`{reason.value}`" not in documented] == []


def test_every_resource_of_the_api_is_documented() -> None:
    documented = (ROOT / "docs/api.md").read_text()
    nowhere = connect("postgresql://", role="yardstick_api")  # nothing is asked of it
    paths = create(nowhere, clock.now).openapi()["paths"]
    resources = {path.split("/")[2] for path in paths if path.startswith("/v1/")}
    assert [name for name in sorted(resources) if f"`{name}" not in documented] == []
