"""Single-reading messages per second from a backlog: committed and acknowledged, against mosquitto_sub alone.

    python -m bench.single [messages] [processes]

The same backlog waits in three kinds of session: of `mosquitto_sub -q 1` (if it is on PATH), which only reads and
acknowledges; of one ingester; and of a group of ingesters in processes of their own. Broker and database run on the
same machine.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import perf_counter
from urllib.parse import urlsplit

from sqlalchemy import Engine, text

from bench.ingest import declare, publish, singles
from core.database import connect, transaction
from embedded.services import Services, start
from migrations.run import upgrade

PROGRAM = "import typer; from api.commands.ingest import ingest; typer.run(ingest)"
TOPIC = "yardstick/+/readings"


def sub(url: str, *more: str) -> list[str]:
    """The C client that sets the limit."""
    at = urlsplit(url)
    found = shutil.which("mosquitto_sub") or ""
    return [found, "-h", at.hostname or "", "-p", str(at.port), "-V", "5", "-q", "1", "-c", "-i", "bench-sub",
            "-x", "3600", "-t", TOPIC, *more]  # fmt: skip


def drain(services: Services, messages: int) -> float:
    """Messages per second that mosquitto_sub takes from its session."""
    began = perf_counter()
    command = sub(services.broker_url, "-C", str(messages))
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True, timeout=300)
    return messages / (perf_counter() - began)


def ingesting(services: Services, processes: int) -> "subprocess.Popen[bytes]":
    """Ingesters as an operator starts them."""
    arguments = ["--client", f"bench{processes}", "--processes", str(processes)]
    environment = {**os.environ, **services.environment}
    return subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], env=environment, stderr=subprocess.DEVNULL)


def until(holds: Callable[[], bool]) -> None:
    """Wait."""
    while not holds():
        threading.Event().wait(0.02)


def received(engine: Engine) -> tuple[int, datetime | None, datetime | None]:
    """Items of all batches, and when the first and the last were committed."""
    with transaction(engine) as connection:
        row = connection.execute(
            text("""SELECT coalesce(sum(b.received), 0), min(k.at), max(k.at)
                FROM ingest.batch AS b JOIN core.knowledge_at AS k ON k.n = b.known""")
        ).one()
    return int(row[0]), row[1], row[2]


def measure(admin: Engine, services: Services, messages: int, processes: int) -> tuple[float, float]:
    """Messages per second of so many ingesters: from their start, and from the first commit to the last."""
    with admin.begin() as connection:
        connection.execute(text("TRUNCATE ingest.reading"))
    done = received(admin)[0]
    began, clock = perf_counter(), datetime.now(UTC)
    child = ingesting(services, processes)
    until(lambda: received(admin)[0] >= done + messages)
    took = perf_counter() - began
    with transaction(admin) as connection:
        row = connection.execute(
            text("""SELECT max(k.at) - min(k.at), (array_agg(b.received ORDER BY b.known))[1]
                FROM ingest.batch AS b JOIN core.knowledge_at AS k ON k.n = b.known WHERE k.at > :since"""),
            {"since": clock},
        ).one()
    child.send_signal(signal.SIGTERM)
    child.wait()
    return messages / took, (messages - row[1]) / row[0].total_seconds()


def main() -> None:
    """Run and print."""
    messages = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    most = int(sys.argv[2]) if len(sys.argv) > 2 else 3  # noqa: PLR2004
    first = datetime.now(UTC).replace(microsecond=0) - timedelta(days=390)
    with start() as services:
        admin = connect(services.database_url, role=None)
        upgrade(admin)
        declare(admin)
        if shutil.which("mosquitto_sub"):
            subprocess.run(sub(services.broker_url, "-E"), check=True, timeout=30)
            publish(services.broker_url, singles(messages, first))
            limit = drain(services, messages)
            print(f"mosquitto_sub -q 1 alone   {limit:9,.0f} messages/s")
        else:
            limit = 0.0
            print("mosquitto_sub is not on PATH (Debian: mosquitto-clients); no ratio")
        for processes in range(1, most + 1):
            child = ingesting(services, processes)
            threading.Event().wait(4)
            child.send_signal(signal.SIGTERM)
            child.wait()
            publish(services.broker_url, singles(messages, first))
            whole, steady = measure(admin, services, messages, processes)
            ratio = f"{steady / limit:5.2f} of mosquitto_sub" if limit else ""
            print(
                f"{processes} ingester(s)             {steady:9,.0f} messages/s {ratio}  (with start-up {whole:,.0f})"
            )
            forget(services, processes)
        admin.dispose()


def forget(services: Services, processes: int) -> None:
    """End the sessions, so that the next backlog does not fill them too."""
    from paho.mqtt.client import Client
    from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

    names = ["bench1"] if processes == 1 else [f"bench{processes}-{n}" for n in range(1, processes + 1)]
    at = urlsplit(services.broker_url)
    for name in [*names, "bench-sub"]:
        client = Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv5)
        client.connect(at.hostname or "", at.port or 1883)
        client.loop_start()
        until(client.is_connected)
        client.disconnect()
        client.loop_stop()


if __name__ == "__main__":
    main()
