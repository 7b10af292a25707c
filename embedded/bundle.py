"""Folders of extracted packages: built whole or not at all, checked at every start, rebuilt when damaged."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embedded.apt import Archive, read_host
from embedded.place import home, locked, make_open
from embedded.problem import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from embedded.apt import Host
    from embedded.place import Say

LAYOUT = 2  # raise it when a folder's making changes: older folders are then left alone and new ones built
MARKER = "complete"  # lists every file and its size; written last

# Of the closure only libraries are needed, not what installs, configures or documents them; LLVM and Perl serve
# PostgreSQL's just-in-time compiler and scripts, which stay unused.
NEEDED = re.compile(r"zlib1g|lib(?!llvm|z3|perl|debconf|semanage|c-bin|c-l10n)(?!.*-(?:perl|common|modules.*)$).*")


@dataclass(frozen=True)
class Bundle:
    """A set of packages that live together in one folder."""

    name: str
    packages: tuple[str, ...]  # patterns of names
    suite: Callable[[Host], str]
    also: str = r"(?!)"  # pattern: needed beyond libraries and the packages themselves
    without: str = r"(?!)"  # pattern: libraries that the host must bring
    finish: Callable[[Path, Path], None] = lambda _new, _final: None  # (folder being built, its path once complete)


def provide(bundle: Bundle, *, say: Say) -> Path:
    """Return the bundle's complete folder; fetch it first where it is missing or damaged. Raises EmbeddedError."""
    host = read_host()
    suite = bundle.suite(host)
    place = make_open(home() / "packages")
    folder = place / f"{bundle.name}-{suite}-{os.uname().machine}-{LAYOUT}"
    with locked(place / "lock", say):
        if not is_complete(folder):
            if folder.exists():
                say(f"{folder} is damaged; it is fetched again.")
            _build(bundle, folder, archive_of=(host, suite), say=say)
    return folder


def is_complete(folder: Path) -> bool:
    """Tell whether the folder has its marker and every file that the marker lists, in its size."""
    marker = folder / MARKER
    if not marker.is_file():
        return False
    lines = marker.read_text(errors="surrogateescape").splitlines()
    return bool(lines) and all(_has(folder, line) for line in lines)


def _has(folder: Path, line: str) -> bool:
    size, _, name = line.partition(" ")
    try:
        return (folder / name).lstat().st_size == int(size)
    except (OSError, ValueError):
        return False


def _build(bundle: Bundle, folder: Path, *, archive_of: tuple[Host, str], say: Say) -> None:
    for stale in folder.parent.glob(".new-*"):  # of a start that died; we hold the lock
        shutil.rmtree(stale)
    work = Path(tempfile.mkdtemp(prefix=".new-", dir=folder.parent))
    try:
        new = work / folder.name
        (work / "deb").mkdir()
        _download(bundle, work, archive_of=archive_of, say=say)
        started = time.monotonic()
        _extract(sorted((work / "deb").glob("*.deb")), into=new)
        bundle.finish(new, folder)
        _write_marker(new)
        if folder.exists():
            shutil.rmtree(folder)
        new.rename(folder)
        say(f"Unpacked into {folder} in {time.monotonic() - started:.1f} s.")
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _download(bundle: Bundle, work: Path, *, archive_of: tuple[Host, str], say: Say) -> None:
    host, suite = archive_of
    started = time.monotonic()
    archive = Archive(work / "apt", host=host, suite=suite)
    archive.update()
    wanted = [archive.newest(pattern) for pattern in bundle.packages]
    needed = [(name, version) for name, version in archive.closure(wanted) if _is_needed(bundle, name, wanted)]
    archive.download(needed, into=work / "deb", say=say)
    lists = sum(f.stat().st_size for f in (work / "apt/state/lists").rglob("*") if f.is_file())
    size = sum(f.stat().st_size for f in (work / "deb").iterdir())
    seconds = time.monotonic() - started
    say(f"Downloaded {size / 1e6:.0f} MB (package lists unpacked: {lists / 1e6:.0f} MB) in {seconds:.1f} s.")


def _is_needed(bundle: Bundle, name: str, wanted: list[str]) -> bool:
    if name in wanted or re.fullmatch(bundle.also, name):
        return True
    return bool(NEEDED.fullmatch(name)) and not re.fullmatch(bundle.without, name)


def _extract(packages: list[Path], *, into: Path) -> None:
    make_open(into)
    for package in packages:
        command = ["dpkg-deb", "-x", str(package), str(into)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, umask=0o022)
        if done.returncode != 0:
            raise EmbeddedError(f"{package.name} could not be unpacked: {done.stderr.strip()}")
    for unused in ("usr/share/doc", "usr/share/man", "usr/share/locale", "usr/share/lintian"):
        shutil.rmtree(into / unused, ignore_errors=True)


def _write_marker(folder: Path) -> None:
    """Write the marker after everything else has reached the disk."""
    files = sorted(f for f in folder.rglob("*") if f.is_symlink() or f.is_file())
    lines = [f"{f.lstat().st_size} {f.relative_to(folder)}" for f in files]
    os.sync()
    (folder / MARKER).write_text("\n".join(lines) + "\n", errors="surrogateescape")
