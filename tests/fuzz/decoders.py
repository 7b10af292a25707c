"""Any octets on any topic, decoded and judged: nothing raises, nothing is a fault of ours, memory stays bounded.

With atheris (`pip install atheris`) the search is led by coverage; without it, known payloads are mutated at random.
Run `python -m tests.fuzz.decoders SECONDS`.
"""

import importlib
import json
import random
import resource
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from core.time import micros
from ingest.batch import Arrival, Batch, evidence, examine
from ingest.reason import Reason
from ingest.registry import Registry, register
from ingest.wire.node import UNBORN, Node, hear
from ingest.wire.route import Route

NOW = micros(datetime(2026, 6, 2, tzinfo=UTC))
MOST_MEGABYTES = 500
"""Of the whole process, with the libraries that it has loaded."""
CONTENT_TYPES = ("", "application/senml+json", "application/senml+cbor", "application/cloudevents+json", "x/y")
OWN = ("readings", "senml", "event")
KINDS = ("NBIRTH", "NDATA", "NDEATH", "DBIRTH", "DDATA", "DDEATH")
GOLDEN = Path(__file__).parents[1] / "golden/sparkplug.json"
SEEDS = (
    b'{"v":1,"boot":"a","seq":1,"readings":[{"register":"odometer","at":"2026-06-01T00:00:00Z","value":"1","unit":"km"}]}',
    b'[{"bn":"d/","bt":1780272000,"bu":"km","bv":1,"n":"odometer","v":1.5},{"n":"state","vs":"running","t":-1}]',
    bytes.fromhex(
        "83a52162642f221a6a1ccb8023626b6d00686f646f6d6574657202c482211a00064aa5a300656c6576656c0161"
        "2502fb3fe0000000000000a200657374617465036772756e6e696e67"
    ),
    b'{"specversion":"1.0","id":"1","source":"/a","type":"t","data":{"v":1,"boot":"a","seq":1,"readings":[]}}',
    *(bytes.fromhex(text) for text in json.loads(GOLDEN.read_text()).values()),
)  # fmt: skip


def _registry() -> Registry:
    registers = {
        "odometer": register(1, "odometer", kind="counter", unit="km", resolution=Decimal("0.001")),
        "state": register(2, "state", kind="state", unit="", resolution=Decimal(1)),
        "level": register(3, "level", kind="gauge", unit="%", resolution=Decimal("0.1"), minimum=0),
    }
    return Registry(dict.fromkeys(("d", "g.n", "g.n.d"), registers), {"running": 1, "unknown": 10}, 0)


REGISTRY = _registry()


def _born() -> Node:
    birth = bytes.fromhex(json.loads(GOLDEN.read_text())["nbirth"])
    return hear(Route("NBIRTH", "g.n", "g/n"), birth, UNBORN, received_at=NOW).node


BORN = _born()


def one(octets: bytes) -> None:
    """The first octet chooses topic and content type, the rest is the payload."""
    choice, payload = (octets[0] if octets else 0), octets[1:]
    if choice & 1:
        kind = KINDS[(choice >> 1) % len(KINDS)]
        topic = f"spBv1.0/g/{kind}/n{'/d' if kind[0] == 'D' else ''}"
        arrival = Arrival(1, 1, 1, topic.encode(), payload, NOW)
    else:
        topic, said = f"yardstick/d/{OWN[(choice >> 1) % 3]}", CONTENT_TYPES[(choice >> 3) % 5]
        arrival = Arrival(1, 1, 1, topic.encode(), payload, NOW, said)
    examined = examine(arrival, REGISTRY, {"g/n": BORN})
    assert all(rejected.reason is not Reason.POISON for rejected in examined.rejected), examined.rejected
    batch = Batch()
    batch.add(arrival, examined)
    evidence(batch, 0)


def mutated(seed: bytes, dice: random.Random) -> bytes:
    """A known payload with some octets changed, doubled, dropped or repeated many times."""
    octets = bytearray(seed)
    for _ in range(dice.randint(1, 6)):
        at, length = dice.randrange(len(octets) + 1), dice.randint(1, 12)
        how = dice.randrange(4)
        if how == 0:
            octets[at : at + length] = dice.randbytes(length)
        elif how == 1:
            del octets[at : at + length]
        else:
            octets[at:at] = octets[at : at + length] * (dice.randint(1, 2000) if how == 3 else 1)
    return bytes([dice.randrange(256)]) + bytes(octets)


def search(seconds: float, *, seed: int) -> int:
    """Mutate for so long; how many inputs were tried. Raises AssertionError with the input that failed."""
    dice, tried, until = random.Random(seed), 0, time.monotonic() + seconds  # noqa: S311 - to be repeated
    while time.monotonic() < until:
        octets = mutated(dice.choice(SEEDS), dice)
        try:
            one(octets)
        except BaseException as error:
            raise AssertionError(f"after {tried} inputs: {octets[:2000].hex()}") from error
        tried += 1
    assert megabytes() < MOST_MEGABYTES, f"{megabytes()} MB"
    return tried


def megabytes() -> int:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def main(arguments: Sequence[str]) -> None:
    """Fuzz for so many seconds."""
    seconds = int(arguments[0]) if arguments else 60
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        sys.stdout.write(f"{search(seconds, seed=time.time_ns())} inputs, {megabytes()} MB; no finding\n")
        return
    atheris.instrument_all()
    atheris.Setup(
        ["decoders", f"-max_total_time={seconds}", f"-rss_limit_mb={2 * MOST_MEGABYTES}", "-max_len=4096"], one
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
