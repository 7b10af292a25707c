"""Debian's archive, used with private state: nothing of the host's package system is written.

The host's own apt configuration stays in effect (mirror, proxy, certificates, credentials); only places and hooks are
replaced. The status file is empty, so that the packages' whole closure is known and the host's versions do not matter.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embedded.problem import EmbeddedError
from embedded.source import debian_sources, parse_sources, write_sources

if TYPE_CHECKING:
    from collections.abc import Sequence

    from embedded.place import Say

KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
)
FIRST_RELEASE_WITH_TIMESCALEDB = (13, "trixie")

# Hooks belong to the host (some delete its caches); #clear empties the lists that -o could only append to.
CONFIGURATION = """\
Dir::State "{place}/state";
Dir::State::status "{place}/status";
Dir::Cache "{place}/cache";
Dir::Log "{place}/log";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "{place}/sources";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
APT::Sandbox::User "";
APT::Install-Recommends "false";
Acquire::Languages "none";
Acquire::Retries "3";
#clear APT::Architectures;
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear DPkg::Pre-Invoke;
#clear DPkg::Post-Invoke;
#clear DPkg::Pre-Install-Pkgs;
"""


@dataclass(frozen=True)
class Host:
    """The Debian release of this machine."""

    version: int | None  # None on testing and unstable, which carry no number
    codename: str

    @property
    def suite_for_services(self) -> str:
        """The first suite from the host's own on that has TimescaleDB."""
        first, codename = FIRST_RELEASE_WITH_TIMESCALEDB
        return codename if self.version is not None and self.version < first else self.codename


def read_host(os_release: Path = Path("/etc/os-release")) -> Host:
    """Read which Debian this is. Raises EmbeddedError where it is none or its tools are missing."""
    text = os_release.read_text() if os_release.exists() else ""
    field = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', text, re.MULTILINE))
    if field.get("ID") != "debian" or not field.get("VERSION_CODENAME"):
        raise EmbeddedError(
            f"This machine is {field.get('PRETTY_NAME', 'of an unknown kind')}; "
            "the embedded database and broker come from Debian's packages and need Debian 12 or later."
        )
    for tool in ("apt-get", "apt-cache", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise EmbeddedError(f"The program {tool} is missing (Debian's packages apt and dpkg provide it).")
    return Host(int(field["VERSION_ID"]) if field.get("VERSION_ID") else None, field["VERSION_CODENAME"])


class Archive:
    """Packages of one suite; `update` first, then ask and download."""

    def __init__(self, place: Path, *, host: Host, suite: str) -> None:
        self.place, self.suite = place, suite
        for each in ("state/lists/partial", "cache/archives/partial", "sources", "log"):
            (place / each).mkdir(parents=True, exist_ok=True)
        (place / "status").write_text("")
        (place / "apt.conf").write_text(CONFIGURATION.format(place=place))
        _check_keyring()
        sources = debian_sources(read_host_sources(), host=host.codename, suite=suite)
        if not sources:
            raise EmbeddedError(
                f"apt names no Debian archive for {host.codename} main; add one to /etc/apt/sources.list.d."
            )
        (place / "sources/debian.sources").write_text(write_sources(sources))

    def update(self) -> None:
        """Fetch the package lists. Raises EmbeddedError with apt's own words."""
        self._run("apt-get", "-q", "--error-on=any", "update", failing="Debian's package lists could not be fetched")

    def newest(self, pattern: str) -> str:
        """Return the package whose name matches; of several, the one with the greatest number in its name."""
        names = self._run("apt-cache", "pkgnames", failing="The package lists cannot be read").split()
        found = [name for name in names if re.fullmatch(pattern, name)]
        if not found:
            raise EmbeddedError(f"Debian {self.suite} has no package {pattern} for this machine's architecture.")
        return max(found, key=lambda name: [int(n) for n in re.findall(r"\d+", name)])

    def closure(self, packages: Sequence[str]) -> list[tuple[str, str]]:
        """Return (name, version) of the packages and all they depend on."""
        text = self._run("apt-get", "-s", "install", *packages, failing=f"{', '.join(packages)} cannot be resolved")
        return re.findall(r"^Inst (\S+) \((\S+) ", text, re.MULTILINE)

    def size(self, packages: Sequence[tuple[str, str]]) -> int:
        """Return the bytes that downloading would take."""
        text = self._run("apt-get", "download", "--print-uris", *_pinned(packages), failing="Sizes are unknown")
        return sum(int(size) for size in re.findall(r"^'\S+' \S+ (\d+) ", text, re.MULTILINE))

    def download(self, packages: Sequence[tuple[str, str]], *, into: Path, say: Say) -> None:
        """Download and verify the packages into a folder, telling how far it got every few seconds."""
        total = self.size(packages) / 1e6
        say(f"Downloading {len(packages)} packages of Debian {self.suite}, {total:.0f} MB …")
        log = self.place / "log/download"
        with log.open("w") as output:
            command = ["apt-get", "-c", str(self.place / "apt.conf"), "-q", "download", *_pinned(packages)]
            running = subprocess.Popen(command, cwd=into, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
            while not _ended(running, within_seconds=5):
                say(f"  {sum(f.stat().st_size for f in into.iterdir()) / 1e6:.0f} of {total:.0f} MB")
        if running.returncode != 0:
            raise EmbeddedError(f"The download failed:\n{_last_lines(log.read_text())}")

    def _run(self, program: str, *arguments: str, failing: str) -> str:
        command = [program, "-c", str(self.place / "apt.conf"), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        if done.returncode != 0:
            raise EmbeddedError(f"{failing}:\n{_last_lines(done.stdout + done.stderr)}")
        return done.stdout


def read_host_sources(etc: Path = Path("/etc/apt")) -> list[dict[str, str]]:
    """Return the stanzas of all source files of the host, in deb822 fields."""
    files = [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*"))]
    present = [f for f in files if f.is_file() and f.suffix in {".list", ".sources"}]
    return [stanza for f in present for stanza in parse_sources(f.read_text(), deb822=f.suffix == ".sources")]


def _check_keyring() -> None:
    if not any(keyring.exists() for keyring in KEYRINGS):
        raise EmbeddedError(f"Debian's keyring {KEYRINGS[0]} is missing (package debian-archive-keyring).")


def _pinned(packages: Sequence[tuple[str, str]]) -> list[str]:
    return [f"{name}={version}" for name, version in packages]


def _ended(running: subprocess.Popen[bytes], *, within_seconds: float) -> bool:
    try:
        running.wait(within_seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _last_lines(text: str, count: int = 8) -> str:
    return "\n".join(f"  {line}" for line in text.strip().splitlines()[-count:])
