"""From a topic to who speaks and how."""

import re
from functools import lru_cache
from typing import NamedTuple

OWN = ("readings", "senml", "event")
"""Last levels of `yardstick/<device>/…`: our own format, SenML, a CloudEvent in JSON."""
NODE_MESSAGES = ("NBIRTH", "NDATA", "NDEATH")
DEVICE_MESSAGES = ("DBIRTH", "DDATA", "DDEATH")
BIRTHS = ("NBIRTH", "DBIRTH")
LIVES = (*BIRTHS, "NDEATH", "DDEATH")
OWN_FILTERS = tuple(f"yardstick/+/{last}" for last in OWN)
NODE_FILTERS = (
    *(f"spBv1.0/+/{message}/+" for message in NODE_MESSAGES),
    *(f"spBv1.0/+/{message}/+/+" for message in DEVICE_MESSAGES),
)
"""The topic filters to subscribe to: of our own topics, and of Sparkplug's."""

_USUAL = 200
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_LAST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class Route(NamedTuple):
    """kind: one of OWN or a Sparkplug message; device: its name with us; node: `group/node`, empty if not Sparkplug."""

    kind: str
    device: str
    node: str = ""


def route_of(topic: bytes) -> Route | None:
    """Where a message comes from; None for any other topic and for invalid UTF-8.

    Sparkplug's `spBv1.0/g/DDATA/n/d` is our device `g.n.d`, an edge node itself `g.n`. Group and node must not hold a
    dot, so that two of them never share a name.
    """
    return _remembered(topic) if len(topic) <= _USUAL else _read(topic)


def _read(topic: bytes) -> Route | None:
    try:
        levels = topic.decode().split("/")
    except UnicodeDecodeError:
        return None
    if len(levels) == 3 and levels[0] == "yardstick" and levels[2] in OWN:  # noqa: PLR2004 - levels
        return Route(levels[2], levels[1])
    return _sparkplug(levels) if levels[0] == "spBv1.0" else None


_remembered = lru_cache(maxsize=16_384)(_read)


def _sparkplug(levels: list[str]) -> Route | None:
    messages = {4: NODE_MESSAGES, 5: DEVICE_MESSAGES}.get(len(levels), ())
    if len(levels) < 4 or levels[2] not in messages:  # noqa: PLR2004 - levels
        return None
    group, _, node, *device = levels[1:]
    if not (_ID.fullmatch(group) and _ID.fullmatch(node) and all(map(_LAST_ID.fullmatch, device))):
        return None
    return Route(levels[2], ".".join((group, node, *device)), f"{group}/{node}")
