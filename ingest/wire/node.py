"""A Sparkplug edge node between its birth and its death: what aliases mean, and what its messages say.

Values in, values out: `hear` gives the node as it is afterwards, so that a message can be judged again, and a session
can be rebuilt by hearing its births and deaths again in order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import NamedTuple

from core.time import instant, micros
from ingest.reason import Reason, Rejected, shown
from ingest.wire import sparkplug
from ingest.wire.message import Candidate
from ingest.wire.route import Route
from ingest.wire.sparkplug import Metric, Payload

ASK_AGAIN = 60_000_000
"""µs until a node that did not answer is asked for its birth again."""
NOT_READINGS = ("Node Control/", "Device Control/", "Node Info/", "Device Info/", "Properties/")
"""Metrics of these folders steer or describe a node; they are no readings, nor is bdSeq."""
_BD_SEQ = "bdSeq"
_SEQUENCE = 256
_LATEST_MS = micros(datetime.fromisoformat("9999-12-31T00:00:00+00:00")) // 1000
_REBIRTH = b"Node Control/Rebirth"


class Known(NamedTuple):
    """What a birth says of a metric: the device that it belongs to, its name, data type and unit."""

    device: str
    name: str
    datatype: int
    unit: str


@dataclass(frozen=True, slots=True)
class Node:
    """An edge node. aliases, names: its births'; seq: the last heard; asked_at: µs, when a rebirth was requested."""

    is_born: bool = False
    bd_seq: int | None = None
    seq: int | None = None
    asked_at: int = 0
    aliases: Mapping[int, Known] = field(default_factory=dict)
    names: Mapping[tuple[str, str], Known] = field(default_factory=dict)
    devices: frozenset[str] = frozenset()


UNBORN = Node()


class Heard(NamedTuple):
    """What a message said. candidates: of the route's device; dead: devices whose state is unknown from `died_at`."""

    node: Node
    candidates: list[Candidate]
    rejected: list[Rejected]
    dead: tuple[str, ...] = ()
    died_at: str = ""
    ask: bool = False


def hear(route: Route, payload: bytes, node: Node, *, received_at: int) -> Heard:
    """Understand a message. received_at: µs since 1970. Never raises."""
    found = sparkplug.decode(payload)
    if isinstance(found, Rejected):
        return Heard(node, [], [found])
    if route.kind in ("NDEATH", "DDEATH"):
        return _death(route, found, node, received_at)
    heard = _birth(route, found, node) if route.kind.endswith("BIRTH") else _readings(route, found, node)
    gap = route.kind != "NBIRTH" and (not node.is_born or _is_gap(node.seq, found.seq))
    ask = (gap or heard.ask) and received_at - node.asked_at >= ASK_AGAIN
    after = replace(heard.node, seq=found.seq, asked_at=received_at if ask else heard.node.asked_at)
    return heard._replace(node=after, ask=ask)


def _is_gap(last: int | None, seq: int | None) -> bool:
    return last is not None and seq is not None and seq != (last + 1) % _SEQUENCE


def _birth(route: Route, found: Payload, node: Node) -> Heard:
    known = [(metric, Known(route.device, metric.name, metric.datatype, metric.unit)) for metric in found.metrics]
    aliases = {metric.alias: one for metric, one in known if metric.alias is not None}
    names = {(route.device, metric.name): one for metric, one in known}
    if route.kind == "NBIRTH":
        after = Node(True, _bd_seq(found), None, node.asked_at, aliases, names)
    else:
        kept = {key: one for key, one in node.aliases.items() if one.device != route.device}
        after = replace(
            node, aliases=kept | aliases, names={**node.names, **names}, devices=node.devices | {route.device}
        )
    return _readings(route, found, after)


def _bd_seq(found: Payload) -> int | None:
    return next((m.value for m in found.metrics if m.name == _BD_SEQ and isinstance(m.value, int)), None)


def _readings(route: Route, found: Payload, node: Node) -> Heard:
    candidates: list[Candidate] = []
    rejected: list[Rejected] = []
    for index, metric in enumerate(found.metrics):
        known = _known(metric, route.device, node)
        if known is None:
            what = f"alias {metric.alias}" if metric.alias is not None else shown(metric.name)
            return Heard(node, [], [Rejected(Reason.NO_BIRTH, f"no birth says what {what} is")], ask=True)
        if known.name == _BD_SEQ or known.name.startswith(NOT_READINGS):
            continue
        read = _candidate(index, metric, known, found.timestamp)
        if isinstance(read, Rejected):
            rejected.append(read)
        else:
            candidates.append(read)
    return Heard(node, candidates, rejected)


def _known(metric: Metric, device: str, node: Node) -> Known | None:
    if metric.alias is not None and not metric.name:
        known = node.aliases.get(metric.alias)
        return known if known is not None and known.device == device else None
    known = node.names.get((device, metric.name))
    if known is not None or not metric.datatype:
        return known
    return Known(device, metric.name, metric.datatype, metric.unit)


def _candidate(index: int, metric: Metric, known: Known, default: int | None) -> Candidate | Rejected:
    value = sparkplug.value_of(metric, metric.datatype or known.datatype)
    if isinstance(value, tuple):
        return Rejected(value[0], f"{shown(known.name)}: {value[1]}", index)
    timestamp = metric.timestamp if metric.timestamp is not None else default
    if timestamp is None or timestamp > _LATEST_MS:
        wrong = "has no time" if timestamp is None else f"was taken {timestamp} ms after 1970, in no year we know"
        return Rejected(Reason.BAD_TIME, f"{shown(known.name)} {wrong}", index)
    return index, known.name, instant(timestamp * 1000).isoformat(), value, metric.unit or known.unit, ""


def _death(route: Route, found: Payload, node: Node, received_at: int) -> Heard:
    """A node's testament was written when it connected, so it dies when we hear of it; one of an earlier life is void.

    A device's death is told by its living node, with its time.
    """
    if route.kind == "NDEATH":
        if None not in (node.bd_seq, _bd_seq(found)) and node.bd_seq != _bd_seq(found):
            return Heard(node, [], [])
        dead = (route.device, *sorted(node.devices))
        return Heard(Node(bd_seq=node.bd_seq), [], [], dead, instant(received_at).isoformat())
    at = received_at if found.timestamp is None or found.timestamp > _LATEST_MS else found.timestamp * 1000
    gap = not node.is_born or _is_gap(node.seq, found.seq)
    ask = gap and received_at - node.asked_at >= ASK_AGAIN
    after = replace(node, seq=found.seq, asked_at=received_at if ask else node.asked_at)
    return Heard(after, [], [], (route.device,), instant(at).isoformat(), ask)


def rebirth_request(node: str, *, at: int) -> tuple[str, bytes]:
    """Topic and payload that ask a node (`group/node`) for its births. at: µs since 1970."""
    group, name = node.split("/")
    timestamp = _number(1, at // 1000)
    metric = b"\x0a" + bytes([len(_REBIRTH)]) + _REBIRTH + _number(3, at // 1000) + _number(4, 11) + _number(14, 1)
    return f"spBv1.0/{group}/NCMD/{name}", timestamp + b"\x12" + bytes([len(metric)]) + metric


def _number(number: int, value: int) -> bytes:
    octets = bytearray([number << 3])
    while value >= 128:  # noqa: PLR2004 - seven bits to an octet
        octets.append(value & 127 | 128)
        value >>= 7
    return bytes([*octets, value])


def rebuilt(told: Iterable[tuple[Route, bytes, int]]) -> Node:
    """A node from its births and deaths in order: route, payload, received_at in µs. What it said last is forgotten."""
    node = UNBORN
    for route, payload, received_at in told:
        node = hear(route, payload, node, received_at=received_at).node
    return replace(node, seq=None, asked_at=0)
