"""Make `.venv` with the locked packages: `python3 -m embedded.environment [python3.x]` in the project's folder.

Runs under a bare Python. Debian's lacks ensurepip unless python3-venv is installed; pip then comes as a wheel from
Debian's archive, fetched as the services are.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from embedded.bundle import Bundle, provide
from embedded.place import say_on_stderr
from embedded.problem import EmbeddedError

HOST_CERTIFICATES = Path("/etc/ssl/certs/ca-certificates.crt")
# Debian's pip knows no certificates but the host's and does not even start without that file.
PIP_WITH_CERTIFICATES = """\
import runpy, sys
wheel, certificates = sys.argv[1:3]
del sys.argv[1:3]
sys.path.insert(0, wheel)
import pip._vendor.certifi
pip._vendor.certifi.where = lambda: certificates
runpy.run_module("pip", run_name="__main__")
"""
OLDEST = (3, 11)


def make_environment(root: Path) -> None:
    """Make `root`/.venv, unless it is complete for this lock, this interpreter and this place."""
    folder, lock = root / ".venv", root / "requirements.lock"
    key = _key(root, lock, root / "pyproject.toml")
    marker = folder / "complete"
    descriptor = os.open(root, os.O_RDONLY | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_EX)  # the kernel frees it when we end, however we do
    if marker.is_file() and marker.read_text() == key:
        return
    started = time.monotonic()
    say_on_stderr(f"Making {folder} with Python {sys.version.split()[0]} …")
    if folder.exists():
        shutil.rmtree(folder)
    pip, environment = _bare_environment(folder)
    _install(pip, "--require-hashes", "-r", lock, environment=environment, cwd=root)
    _install(pip, "--no-deps", "--no-build-isolation", "-e", root, environment=environment, cwd=root)
    marker.write_text(key)
    say_on_stderr(f"Installed the locked packages in {time.monotonic() - started:.0f} s.")


def _key(root: Path, *files: Path) -> str:
    content = b"\0".join(file.read_bytes() for file in files)
    return hashlib.sha256(f"{root}\0{sys.executable}\0{sys.version}\0".encode() + content).hexdigest()


def _bare_environment(folder: Path) -> tuple[list[str], dict[str, str]]:
    """Make a venv without packages; return the command for pip and the environment to run it in."""
    python = str(folder / "bin/python")
    if importlib.util.find_spec("ensurepip"):
        _run([sys.executable, "-m", "venv", str(folder)])
        return [python, "-m", "pip"], dict(os.environ)
    _run([sys.executable, "-m", "venv", "--without-pip", str(folder)])
    fetched = provide(PIP, say=say_on_stderr)
    wheel = next(fetched.glob("usr/share/python-wheels/pip-*.whl"))
    if HOST_CERTIFICATES.exists():
        return [python, f"{wheel}/pip"], dict(os.environ)
    certificates = str(fetched / "certificates.pem")
    command = [python, "-c", PIP_WITH_CERTIFICATES, str(wheel), certificates]
    return command, {"PIP_CERT": certificates, **os.environ}


def _install(pip: list[str], *arguments: str | Path, environment: dict[str, str], cwd: Path) -> None:
    common = ["install", "--quiet", "--disable-pip-version-check", "--no-input"]
    _run([*pip, *common, *(str(a) for a in arguments)], environment=environment, cwd=cwd)


def _run(command: list[str], *, environment: dict[str, str] | None = None, cwd: Path | None = None) -> None:
    done = subprocess.run(command, check=False, env=environment, cwd=cwd)
    if done.returncode != 0:
        raise SystemExit(f"Making .venv failed at: {' '.join(command)}\nThe next start begins anew.")


def _join_certificates(folder: Path, _final: Path) -> None:
    certificates = sorted(folder.glob("usr/share/ca-certificates/mozilla/*.crt"))
    (folder / "certificates.pem").write_bytes(b"".join(c.read_bytes() for c in certificates))


PIP = Bundle(
    name="pip",
    packages=("python3-pip-whl", "ca-certificates"),
    suite=lambda host: host.codename,
    without="lib.*|zlib.*",
    finish=_join_certificates,
)


if __name__ == "__main__":
    if sys.version_info < OLDEST:
        sys.exit(f"Python {sys.version.split()[0]} is too old; Yardstick needs 3.11 or later.")
    try:
        make_environment(Path.cwd())
    except EmbeddedError as problem:
        sys.exit(
            f"pip is missing. {str(problem).splitlines()[0]}\nInstall the package python3-venv, or another Python."
        )
