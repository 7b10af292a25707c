"""The host's package sources, read and turned to the suite that is wanted. Pure text."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MOVING_NAMES = ("stable", "oldstable", "oldoldstable", "testing", "unstable", "sid")
KEPT_FIELDS = ("URIs", "Signed-By", "Check-Valid-Until", "Trusted")

Stanza = dict[str, str]


def parse_sources(text: str, *, deb822: bool) -> list[Stanza]:
    """Return the stanzas of a source file in either of apt's two formats; what is switched off is left out."""
    stanzas = _parse_deb822(text) if deb822 else _parse_lines(text)
    return [s for s in stanzas if "deb" in s.get("Types", "").split() and s.get("Enabled", "yes").lower() != "no"]


def _parse_deb822(text: str) -> Iterable[Stanza]:
    kept = "\n".join(line for line in text.splitlines() if not line.startswith("#"))
    for block in re.split(r"\n\s*\n", kept):
        fields = re.findall(r"^([\w-]+):[ \t]*(.*(?:\n[ \t]+.*)*)", block, re.MULTILINE)
        yield {_field_name(name): value.strip() for name, value in fields}


def _parse_lines(text: str) -> Iterable[Stanza]:
    """One line each: `deb [option=value …] URI suite component…`."""
    for line in re.findall(r"^\s*(deb\s[^#\n]*)", text, re.MULTILINE):
        matched = re.match(r"deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s*(.*)", line)
        if matched:
            options, uri, suite, components = matched.groups()
            named = (option.split("=", 1) for option in (options or "").split() if "=" in option)
            stanza = {_field_name(name): value.replace(",", " ") for name, value in named}
            yield stanza | {"Types": "deb", "URIs": uri, "Suites": suite, "Components": components.strip()}


def _field_name(name: str) -> str:
    known = ("Types", "Suites", "Components", "Enabled", *KEPT_FIELDS)
    return next((k for k in known if k.lower() == name.lower()), name)


def debian_sources(host_sources: Sequence[Stanza], *, host: str, suite: str) -> list[Stanza]:
    """Return sources for `suite` on the mirror that the host (codename `host`) uses; none if it uses none.

    Stanzas with Debian's key come first; a mirror that signs with its own key is taken only if there are none, since
    other vendors also offer suites that bear Debian's codenames.
    """
    turned = [t for s in host_sources if (t := _turn(s, host=host, suite=suite))]
    debians = [s for s in turned if "debian-archive" in s.get("Signed-By", "debian-archive")]
    return debians or turned


def _turn(stanza: Stanza, *, host: str, suite: str) -> Stanza | None:
    suites = [s for each in stanza.get("Suites", "").split() if (s := _turn_suite(each, host=host, suite=suite))]
    uris = " ".join(uri for uri in stanza.get("URIs", "").split() if not uri.startswith("cdrom:"))
    if not suites or not uris or "main" not in stanza.get("Components", "").split():
        return None
    kept = {name: stanza[name] for name in KEPT_FIELDS if name in stanza}
    return kept | {"URIs": uris, "Suites": " ".join(suites)}


def _turn_suite(name: str, *, host: str, suite: str) -> str | None:
    matched = re.fullmatch(rf"({re.escape(host)}|{'|'.join(MOVING_NAMES)})(|-updates|-security)", name)
    if matched is None:
        return None
    return name if suite == host else suite + matched[2]


def write_sources(sources: Iterable[Stanza]) -> str:
    """Return the deb822 text; `Targets` keeps apt from fetching indexes that nobody asks for."""
    fixed = {"Types": "deb", "Components": "main", "Targets": "Packages"}
    return "\n".join("".join(_write_field(*field) for field in (fixed | s).items()) for s in sources)


def _write_field(name: str, value: str) -> str:
    return f"{name}:\n {value}\n" if "\n" in value else f"{name}: {value}\n"
