"""What programs count for Prometheus. Each has a registry of its own, so that two in one process do not mix."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, PlatformCollector, ProcessCollector

SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


def registry() -> CollectorRegistry:
    """A registry that already tells of the process: memory, CPU, file descriptors."""
    made = CollectorRegistry()
    ProcessCollector(registry=made)
    PlatformCollector(registry=made)
    return made


class Jobs:
    """What the scheduler does."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._runs = Counter(
            "yardstick_job_runs", "Times that a job ran, was left to another scheduler, or failed",
            ["job", "outcome"], registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "yardstick_job_seconds", "How long a job takes", ["job"], buckets=(*SECONDS, 60, 300), registry=registry
        )
        self._last = Gauge(
            "yardstick_job_last_success_timestamp_seconds", "When a job last ended well", ["job"], registry=registry
        )

    def ran(self, job: str, outcome: str, seconds: float) -> None:
        """outcome: done, busy (elsewhere) or failed."""
        self._runs.labels(job, outcome).inc()
        if outcome == "done":
            self._seconds.labels(job).observe(seconds)
            self._last.labels(job).set_to_current_time()


def failing(registry: CollectorRegistry, count: Callable[[], float]) -> None:
    """How many contracts cannot be evaluated, asked when somebody scrapes."""
    name = "yardstick_contracts_failing"
    Gauge(name, "Contracts that cannot be evaluated and are tried again later", registry=registry).set_function(count)


class Requests:
    """What the API answers, by its route as it is written in the code, never as it was asked for."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._seconds = Histogram(
            "yardstick_http_request_seconds",
            "How long answers take, up to their first octet",
            ["method", "route", "status"],
            buckets=SECONDS,
            registry=registry,
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """Observe an answer."""
        self._seconds.labels(method, route, str(status)).observe(seconds)
