"""Readings in files of JSON lines and SenML packs, by the decoders that read messages."""

from collections.abc import Iterable, Iterator

import msgspec

from ingest.bulk.item import CannotRead, Item, Record, unreadable
from ingest.reason import Reason, Rejected, shown
from ingest.wire import senml, yardstick
from ingest.wire.cbor import NotCbor, items
from ingest.wire.message import LARGEST, Candidate, Message

RELATIVE = "1970-01-01", "1978-07-05"
"""SenML's times before 2^28 s are relative to a receipt, and a file has none: read as at 1970, they lie here."""


class _Named(msgspec.Struct):
    device: str = ""


_DEVICE = msgspec.json.Decoder(_Named)


def json_lines(lines: Iterable[bytes], device: str) -> Iterator[Record]:
    """One reading in a line, as in our messages, with `device` beside register, unless all are of one device."""
    for place, line in enumerate(lines, 1):
        bare = line.strip()
        yield [_of_line(place, bare, device)] if bare else []


def _of_line(place: int, line: bytes, device: str) -> Item:
    found = yardstick.decode(b'{"v":1,"boot":"","seq":0,"readings":[' + line + b"]}")
    if isinstance(found, Rejected):
        return _refused(place, line, found)
    if len(found.candidates) + len(found.rejected) != 1:
        return _refused(place, line, Rejected(Reason.BAD_READING, "the line is not one reading"))
    try:
        named = device or _DEVICE.decode(line).device
    except (msgspec.MsgspecError, RecursionError):
        return _refused(place, line, Rejected(Reason.BAD_READING, "device is no text"))
    if found.rejected:
        return _refused(place, line, found.rejected[0])._replace(device=named)
    return Item(place, named, *found.candidates[0][1:])


def _refused(place: int, line: bytes, rejected: Rejected) -> Item:
    text = line[:LARGEST].decode("utf-8", "backslashreplace")
    return Item(place, "", "", "", text, fault=rejected._replace(item=-1))


def senml_json(lines: Iterable[bytes], device: str) -> Iterator[Record]:
    """One pack in the file, or one on each line. device: who speaks; else names are `<device>/<register>`.

    Raises CannotRead for a pack over several lines that is longer than a message may be.
    """
    rest = iter(lines)
    first = next(rest, b"")
    if first.strip() and isinstance(senml.parse_json(first), Rejected):
        yield _pack(1, _joined(first, rest), device)
        return
    yield _pack(1, first, device) if first.strip() else []
    for place, line in enumerate(rest, 2):
        yield _pack(place, line, device) if line.strip() else []


def _joined(first: bytes, rest: Iterable[bytes]) -> bytes:
    whole = bytearray(first)
    for line in rest:
        whole += line
        if len(whole) > LARGEST:
            raise CannotRead(f"line 1: a pack longer than {LARGEST} bytes; write several packs, one on each line")
    return bytes(whole)


def _pack(place: int, payload: bytes, device: str) -> Record:
    return _items(place, payload, senml.decode_json(payload, device=device, received_at=0), device)


def senml_cbor(payload: bytes, device: str) -> Iterator[Record]:
    """A sequence of packs (RFC 8742). Raises CannotRead where the octets are no CBOR: what follows cannot be found."""
    place = 0
    try:
        for place, pack in enumerate(items(payload), 1):
            yield _items(place, pack, senml.decode_cbor(pack, device=device, received_at=0), device)
    except NotCbor as error:
        raise CannotRead(f"pack {place + 1}: {error}") from None


def _items(place: int, payload: bytes, found: Message | Rejected, device: str) -> Record:
    if isinstance(found, Rejected):
        return [unreadable(place, repr(payload[:2000]), found.detail, reason=found.reason)]
    refused = [
        unreadable(place, f"record {one.item} of {payload[:2000]!r}", one.detail, reason=one.reason)
        for one in found.rejected
    ]
    return [_item(place, one, device) for one in found.candidates] + refused


def _item(place: int, candidate: Candidate, device: str) -> Item:
    _, name, at, value, unit, status = candidate
    named, _, register = (device, "", name) if device else name.rpartition("/")
    fault = None
    if at < RELATIVE[1]:
        fault = Rejected(Reason.BAD_TIME, f"{shown(name)}: its time is relative to a receipt, and a file has none")
    return Item(place, named, register, at, value, unit, status, fault)
