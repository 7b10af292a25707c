"""Where packages, templates and instances live, and who may lock them."""

from __future__ import annotations

import fcntl
import os
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from embedded.problem import EmbeddedError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Say = Callable[[str], None]

SHARED_HOME = Path("/var/lib/yardstick")
SOCKET_NAME = ".s.PGSQL.5432"
SOCKET_PATH_LIMIT = 107  # bytes: sun_path of unix(7) without its closing zero


def say_on_stderr(line: str) -> None:
    """Print one line of progress."""
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


def home(environ: Mapping[str, str] = os.environ, *, root: bool | None = None) -> Path:
    """Return the private folder (not created): $YARDSTICK_HOME, else `yardstick` in the user's data directory.

    PostgreSQL refuses to run as root, so root's servers run as another user, who must be able to reach the folder.
    Where root's own home is closed to others, /var/lib/yardstick takes its place.
    """
    needs_others = os.geteuid() == 0 if root is None else root
    wished = environ.get("YARDSTICK_HOME")
    if wished:
        place = Path(wished).resolve()
        if needs_others and (closed := closed_to_others(place)):
            raise EmbeddedError(
                f"YARDSTICK_HOME={place}: as root, the database runs as user nobody, who cannot pass {closed}. "
                f"Choose a folder below directories with mode 0755, or unset YARDSTICK_HOME to use {SHARED_HOME}."
            )
        return place
    data_home = environ.get("XDG_DATA_HOME") or str(Path(environ.get("HOME", "~")).expanduser() / ".local/share")
    place = (Path(data_home) / "yardstick").resolve()
    return SHARED_HOME if needs_others and closed_to_others(place) else place


def closed_to_others(place: Path) -> Path | None:
    """Return the first existing directory on the way to `place` that other users cannot pass, or None."""
    for directory in (*reversed(place.parents), place):
        if directory.exists() and not directory.stat().st_mode & 0o001:
            return directory
    return None


def make_open(directory: Path) -> Path:
    """Create `directory` and its missing parents so that others can pass, whatever the umask."""
    missing = [d for d in (directory, *directory.parents) if not d.exists()]
    for each in reversed(missing):
        each.mkdir(exist_ok=True)
        each.chmod(0o755)
    return directory


def socket_directory(instance: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Return where the database's socket goes: in the instance's folder, or a new short one if its path is too long."""
    inside = instance / "socket"
    if len(os.fsencode(inside / SOCKET_NAME)) <= SOCKET_PATH_LIMIT:
        inside.mkdir(mode=0o700, exist_ok=True)
        return inside
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    short = runtime if runtime and os.access(runtime, os.W_OK) and os.geteuid() != 0 else "/tmp"  # noqa: S108
    return Path(tempfile.mkdtemp(prefix="yardstick-", dir=short))


def try_lock(path: Path) -> int | None:
    """Take the lock file and return its descriptor (close it to release), or None if another holds it."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def locked(path: Path, say: Say) -> Iterator[None]:
    """Hold the lock file; wait for another start that holds it, saying so. The kernel frees it if we die."""
    make_open(path.parent)
    descriptor = try_lock(path)
    if descriptor is None:
        say(f"Waiting for another start that holds {path} …")
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield
    finally:
        os.close(descriptor)
