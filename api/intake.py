"""What an ingester counts for Prometheus."""

from collections.abc import Callable, Iterator
from datetime import datetime

from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from api.metric import SECONDS
from core.time import micros
from ingest.batch import Batch
from ingest.mqtt import Source
from ingest.worker import Ingester

ITEMS = (1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000)
AGES = (1, 10, 60, 600, 3_600, 6 * 3_600, 86_400, 7 * 86_400, 35 * 86_400)
"""Seconds between reading and receipt: a moment, ten minutes, an hour, a day, a month."""


class Commits:
    """An ingester's observer: how large commits are, how long they take, and how late."""

    def __init__(self, registry: CollectorRegistry, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._items = Histogram(
            "yardstick_ingest_batch_items", "Items of a commit", buckets=ITEMS, registry=registry
        )  # fmt: skip
        self._seconds = Histogram(
            "yardstick_ingest_commit_seconds", "How long a commit takes", buckets=SECONDS, registry=registry
        )
        self._delay = Histogram(
            "yardstick_ingest_delay_seconds",
            "From the receipt of a batch's first message to its commit",
            buckets=SECONDS,
            registry=registry,
        )
        self._age = Histogram(
            "yardstick_ingest_reading_age_seconds",
            "From the newest reading of a batch to its receipt",
            buckets=AGES,
            registry=registry,
        )

    def committed(self, batch: Batch, seconds: float) -> None:
        """Observe a commit."""
        self._items.observe(len(batch.rows) + len(batch.refused) + batch.repeated)
        self._seconds.observe(seconds)
        self._delay.observe((micros(self._clock()) - batch.arrivals[0].received_at) / 1e6)
        if batch.newest:
            self._age.observe(max(0, batch.arrivals[-1].received_at - batch.newest) / 1e6)


class IngesterState(Collector):
    """What an ingester and its source say of themselves, read when it is asked for."""

    def __init__(self, client: str, ingester: Ingester, source: Source, clock: Callable[[], datetime]) -> None:
        self._client = client
        self._ingester = ingester
        self._source = source
        self._clock = clock

    def collect(self) -> Iterator[Metric]:
        """Counters agree with the table of batches: they are its sums since the start of the process."""
        yield InfoMetricFamily("yardstick_ingest", "Which ingester", {"client": self._client})
        yield from self._items()
        yield from self._connection()
        yield from self._waiting()

    def _items(self) -> Iterator[Metric]:
        counts, reasons = self._ingester.tally
        yield _count("messages", "Messages committed", counts.messages)
        yield _count("received", "Items: readings, and messages that cannot be read", counts.received)
        yield _count("stored", "Items stored as readings", counts.stored)
        yield _count("duplicate", "Items that were known already", counts.duplicate)
        refused = CounterMetricFamily("yardstick_ingest_quarantined", "Items put aside", labels=["reason"])
        for reason, number in sorted(reasons.items()):
            refused.add_metric([reason], number)
        yield refused

    def _connection(self) -> Iterator[Metric]:
        source, ingester = self._source, self._ingester
        yield _count("connections", "Connections made to the broker, the first included", source.connections)
        yield _count("sessions_lost", "Sessions that the broker lost", ingester.sessions_lost)
        yield _count("dropped", "Messages of QoS 0 for which there was no room", source.dropped)
        yield _count("database_failures", "Tries that the database failed", ingester.failures)
        yield _now("subscribed", "1 while messages can arrive", int(source.is_subscribed))

    def _waiting(self) -> Iterator[Metric]:
        work = self._ingester.work
        yield _now("unacknowledged", "Messages received and not acknowledged", self._source.waiting + work.in_hand)
        oldest = work.oldest
        age = 0.0 if oldest is None else max(0, micros(self._clock()) - oldest) / 1e6
        yield _now("unacknowledged_age_seconds", "Since the oldest of those was received", age)


def _count(name: str, what: str, value: float) -> Metric:
    return CounterMetricFamily(f"yardstick_ingest_{name}", what, value)


def _now(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(f"yardstick_ingest_{name}", what, value)
