"""Readings per second from the broker into the hypertable, as a ratio to the bare database work.

    python -m bench.ingest [readings]

Packs: 288 readings in a message, as late uploads come. Singles: one reading in a message. Bare: the same number of rows
by COPY → staging → INSERT … ON CONFLICT, without broker, decoding and judging: the limit that PostgreSQL sets here.
Publishing happens before measuring, so the rate is the ingester's own; `live` publishes meanwhile.
"""

import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from time import perf_counter

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from sqlalchemy import Engine, text

from core.clock import now
from core.database import connect, transaction
from core.store import draw_knowledge
from core.time import micros
from embedded.services import start
from ingest import catalogue, run
from ingest.batch import Arrival, Batch, examine
from ingest.mqtt import Source
from ingest.store import reading, register
from ingest.worker import Ingester
from migrations.run import upgrade

DEVICES = 52
STEP = timedelta(minutes=10)
DAY = 144


def declare(engine: Engine) -> None:
    """As many devices as the demonstration has."""
    registers = [
        {"register": "odometer", "kind": "counter", "unit": "km", "resolution": "1 m", "max_rate": "150 km/h"},
        {"register": "state", "kind": "state", "max_gap": "15 min"},
    ]
    found = catalogue.of({"devices": [{"device": f"B{n}", "registers": registers} for n in range(DEVICES)]})
    assert isinstance(found, catalogue.Catalogue), found
    run.declare(engine, found, now(), author="bench")


def packs(readings: int, first: datetime, *, per_pack: int = 288) -> Iterator[tuple[str, bytes, int]]:
    """Topic, payload and number of readings; devices take turns, each by time."""
    sent, turn = 0, 0
    while sent < readings:
        for device in range(DEVICES):
            texts = []
            for n in range(turn * per_pack // 2, (turn + 1) * per_pack // 2 or 1):
                at = (first + n * STEP).strftime("%Y-%m-%dT%H:%M:%SZ")
                km = 100_000_000 + device * 1_000_000 + n * 9_537
                texts.append(f'{{"register":"odometer","at":"{at}","value":"{km // 1000}.{km % 1000:03}","unit":"km"}}')
                texts.append(f'{{"register":"state","at":"{at}","value":"running"}}')
            payload = f'{{"v":1,"boot":"b","seq":{turn},"readings":[{",".join(texts)}]}}'
            yield f"yardstick/B{device}/readings", payload.encode(), len(texts)
            sent += len(texts)
            if sent >= readings:
                return
        turn += 1


def singles(readings: int, first: datetime) -> Iterator[tuple[str, bytes, int]]:
    """The same, one reading in a message."""
    for n in range(readings):
        at = (first + n // DEVICES * STEP).strftime("%Y-%m-%dT%H:%M:%SZ")
        text_ = f'{{"register":"odometer","at":"{at}","value":"{100_000 + n}.{n % 1000:03}","unit":"km"}}'
        yield f"yardstick/B{n % DEVICES}/readings", f'{{"v":1,"boot":"b","seq":{n},"readings":[{text_}]}}'.encode(), 1


def publish(url: str, messages: Iterator[tuple[str, bytes, int]]) -> None:
    """Send all and wait until the broker has them."""
    client = Client(CallbackAPIVersion.VERSION2, client_id="bench-device", protocol=MQTTProtocolVersion.MQTTv5)
    client.max_inflight_messages_set(1000)
    host, port = url.removeprefix("mqtt://").split(":")
    client.connect(host, int(port))
    client.loop_start()
    for topic, payload, _ in messages:
        last = client.publish(topic, payload, qos=1)
    last.wait_for_publish()
    while client._out_messages:  # noqa: SLF001 - all of them, not only the last
        threading.Event().wait(0.01)
    client.disconnect()
    client.loop_stop()


def ingest(engine: Engine, url: str, readings: int, *, load: threading.Thread | None) -> float:
    """Seconds until so many readings are stored; `load` publishes meanwhile."""
    source = Source(url, "bench-ingest", clock=now)
    worker = Ingester(engine, source, client="bench", clock=now)
    began = perf_counter()
    thread = threading.Thread(target=worker.run)
    thread.start()
    if load:
        load.start()
    while worker.total.received < readings:
        threading.Event().wait(0.01)
    took = perf_counter() - began
    worker.stop()
    thread.join()
    assert worker.total.stored == readings, worker.total
    return took


def subscribe(engine: Engine, url: str) -> None:
    """Open the session, so that messages wait in it."""
    source = Source(url, "bench-ingest", clock=now)
    worker = Ingester(engine, source, client="bench", clock=now)
    thread = threading.Thread(target=worker.run)
    thread.start()
    threading.Event().wait(1)
    worker.stop()
    thread.join()


def bare(engine: Engine, messages: list[tuple[str, bytes, int]]) -> tuple[float, float]:
    """Seconds to decode, judge and pack; seconds in the database, from packed rows to COMMIT."""
    with transaction(engine) as connection:
        registry = register.snapshot(connection, now())
    began = perf_counter()
    batches = [Batch()]
    for topic, payload, _ in messages:
        arrival = Arrival(0, 0, 1, topic.encode(), payload, micros(now()))
        batches[-1].add(arrival, examine(arrival, registry))
        if batches[-1].is_full:
            batches.append(Batch())
    judged = perf_counter()
    for batch in batches:
        with transaction(engine) as connection:
            reading.stage(connection, batch.rows)
            connection.execute(reading.ACCEPT, {"known": draw_knowledge(connection)})
    return judged - began, perf_counter() - judged


def report(name: str, readings: int, seconds: float, limit: float) -> None:
    """One line."""
    rate = readings / seconds
    print(f"{name:34} {rate:9,.0f} readings/s  {seconds / readings * 1e6:6.2f} µs each  {rate / limit:5.2f} of bare")


def main() -> None:
    """Run all and print a table."""
    readings = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    few = readings // 20
    began = datetime.now(UTC).replace(microsecond=0) - timedelta(days=390)
    with start() as services:
        admin = connect(services.database_url, role=None)
        upgrade(admin)
        engine = connect(services.database_url, role="yardstick_worker")
        declare(engine)
        subscribe(engine, services.broker_url)

        def clear() -> None:
            with admin.begin() as connection:
                connection.execute(text("TRUNCATE ingest.reading"))

        sent = list(packs(readings, began))
        count = sum(n for _, _, n in sent)
        judged, written = bare(engine, sent)
        limit = count / written
        report("bare COPY, staging, ON CONFLICT", count, written, limit)
        report("decode, judge, pack (one thread)", count, judged, limit)
        for name, make in (("packs of 288", packs), ("single readings", singles)):
            amount = count if make is packs else few
            clear()
            publish(services.broker_url, make(amount, began))
            report(f"{name}, backlog", amount, ingest(engine, services.broker_url, amount, load=None), limit)
            clear()
            load = threading.Thread(target=publish, args=(services.broker_url, make(amount, began)))
            report(f"{name}, live", amount, ingest(engine, services.broker_url, amount, load=load), limit)
        engine.dispose()
        admin.dispose()


if __name__ == "__main__":
    main()
