"""Try the services out: `python -m embedded fetch | up | browser`."""

from __future__ import annotations

import argparse
import signal
import sys
import time

from embedded.browser import find_browser
from embedded.bundle import provide
from embedded.place import say_on_stderr
from embedded.postgres import SERVICES
from embedded.problem import EmbeddedError
from embedded.services import start

CHOICES = "fetch: packages only; up: serve until Ctrl-C; browser: the program and its arguments"


def main() -> int:
    """Run one command and return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m embedded", description=__doc__)
    parser.add_argument("command", choices=("fetch", "up", "browser"), help=CHOICES)
    chosen = parser.parse_args().command
    try:
        return {"fetch": _fetch, "up": _up, "browser": _browser}[chosen]()
    except EmbeddedError as problem:
        say_on_stderr(str(problem))
        return 1
    except KeyboardInterrupt:
        return 130


def _fetch() -> int:
    sys.stdout.write(f"{provide(SERVICES, say=say_on_stderr)}\n")
    return 0


def _browser() -> int:
    browser = find_browser()
    sys.stdout.write(" ".join([str(browser.program), *browser.arguments]) + "\n")
    return 0


def _up() -> int:
    # Both, also where a shell that put us into the background made us ignore one.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.default_int_handler)
    started = time.monotonic()
    with start() as services:
        say_on_stderr(f"Up in {time.monotonic() - started:.2f} s; Ctrl-C ends.")
        for name, value in services.environment.items():
            sys.stdout.write(f"export {name}='{value}'\n")
        sys.stdout.flush()
        signal.pause()
    return 0


if __name__ == "__main__":
    sys.exit(main())
