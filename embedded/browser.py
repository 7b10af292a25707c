"""A real Chromium for the tests that look at pages: the host's, else Debian's in a private folder.

browser = find_browser()
playwright.chromium.launch(executable_path=browser.program, args=browser.arguments)
"""

from __future__ import annotations

import ctypes
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from embedded.bundle import Bundle, provide
from embedded.place import say_on_stderr

if TYPE_CHECKING:
    from embedded.place import Say

HOST_PROGRAMS = ("chromium", "google-chrome", "google-chrome-stable")

FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd">
<fontconfig>
  <dir>{folder}/usr/share/fonts</dir>
  <cachedir>{folder}/font-cache</cachedir>
  <alias><family>serif</family><prefer><family>Liberation Serif</family></prefer></alias>
  <alias><family>monospace</family><prefer><family>Liberation Mono</family></prefer></alias>
  <match>
    <edit name="family" mode="append_last"><string>Liberation Sans</string><string>DejaVu Sans</string></edit>
  </match>
</fontconfig>
"""

# The host's C library stays in use: the packages are of the host's own suite.
WRAPPER = """\
#!/bin/sh
export LD_LIBRARY_PATH='{libraries}'
export FONTCONFIG_FILE='{folder}/fonts.conf'
exec '{folder}/usr/lib/chromium/chromium-headless-shell' "$@"
"""

# Playwright calls NODE …/driver/package/cli.js; its own NODE is …/driver/node.
DRIVER_WRAPPER = """\
#!/bin/sh
export LD_LIBRARY_PATH='{libraries}'
exec "${{1%/package/*}}/node" "$@"
"""


@dataclass(frozen=True)
class Browser:
    """What to start, with which arguments, and what Playwright needs in its own environment."""

    program: Path
    arguments: list[str]
    environment: dict[str, str]


def find_browser(*, say: Say = say_on_stderr) -> Browser:
    """Return a browser of this machine, or fetch Debian's. Raises EmbeddedError."""
    arguments = ["--disable-dev-shm-usage"]  # containers often have too little of it
    installed = next((Path(p) for name in HOST_PROGRAMS if (p := shutil.which(name))), None)
    if installed is None or os.geteuid() == 0:
        arguments.append("--no-sandbox")  # it needs a set-uid program, and refuses root; the pages are our own
    program = installed or provide(BROWSER, say=say) / "browser"
    return Browser(program, arguments, _driver_environment(say))


def _driver_environment(say: Say) -> dict[str, str]:
    """Playwright's driver is a Node.js that needs libatomic, which a small Debian lacks."""
    try:
        ctypes.CDLL("libatomic.so.1")
    except OSError:
        return {"PLAYWRIGHT_NODEJS_PATH": str(provide(DRIVER, say=say) / "node")}
    return {}


def _write_wrapper(folder: Path, final: Path) -> None:
    libraries = next((folder / "usr/lib").glob("*-linux-gnu*"))
    directories = (libraries, folder / "lib" / libraries.name, libraries / "pulseaudio")
    paths = ":".join(str(final / d.relative_to(folder)) for d in directories if d.is_dir())
    (folder / "fonts.conf").write_text(FONTS.format(folder=final))
    wrapper = folder / "browser"
    wrapper.write_text(WRAPPER.format(libraries=paths, folder=final))
    wrapper.chmod(0o755)


def _write_driver_wrapper(folder: Path, final: Path) -> None:
    library = next(folder.rglob("libatomic.so.1")).parent.relative_to(folder)
    wrapper = folder / "node"
    wrapper.write_text(DRIVER_WRAPPER.format(libraries=final / library))
    wrapper.chmod(0o755)


BROWSER = Bundle(
    name="browser",
    packages=("chromium-headless-shell", "fonts-liberation", "fonts-dejavu-core"),
    also="chromium-common",
    without=r"lib(c6|gl1-mesa-dri|sensors.*|drm-(amdgpu|intel|nouveau|radeon).*)",
    suite=lambda host: host.codename,
    finish=_write_wrapper,
)

DRIVER = Bundle(
    name="driver",
    packages=("libatomic1",),
    without=".*",
    suite=lambda host: host.codename,
    finish=_write_driver_wrapper,
)
