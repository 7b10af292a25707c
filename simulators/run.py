"""What the command line starts: upload the past, then stay live."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from threading import Event
from typing import Self

from simulators import grid
from simulators.fault import FaultPlan, Faults, Injected
from simulators.publish import PATIENCE, Files, Progress, Publisher
from simulators.scenario import Scenario
from simulators.wire import SLOTS_OF_DAY, Live, Message

LIVE_PATIENCE = 15.0
Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Upload:
    """What was uploaded and acknowledged, duplicates and garbage included, and what was injected on purpose."""

    messages: int
    readings: int
    octets: int
    refused: list[tuple[str, str]] = field(default_factory=list)
    injected: list[Injected] = field(default_factory=list)


def upload_history(
    scenario: Scenario,
    broker_url: str,
    *,
    progress: Progress | None = None,
    faults: FaultPlan | None = None,
    per_pack: int = SLOTS_OF_DAY,
    files: Files | None = None,
) -> Upload:
    """Publish every past reading over one connection for each gateway; return when all is acknowledged.

    `faults` None injects the default plan; `FaultPlan(0, 0, 0, 0)` nothing. `progress` gets messages and readings
    acknowledged so far, over all gateways. Raises BrokerUnreachableError.
    """
    at_work = Faults(faults or FaultPlan())
    with _Gateways(scenario, broker_url, progress, files=files) as gateways:
        packs = at_work.disturb(scenario.history(per_pack=per_pack))
        gateways.publish(at_work.strew(packs, at_work.garbage(scenario.devices, scenario.until)))
        gateways.drain()  # a contradiction must come after what it contradicts
        gateways.publish(at_work.conflicts(scenario.devices, scenario.start, scenario.until))
        gateways.drain()
        return gateways.upload(at_work.report())


def run_live(
    scenario: Scenario,
    broker_url: str,
    *,
    stop: Event,
    interval: float = 10.0,
    clock: Clock = lambda: datetime.now(UTC),
    progress: Progress | None = None,
    files: Files | None = None,
) -> Upload:
    """Publish one message for each device every `interval` seconds until `stop` is set, beginning after `until`.

    While the broker is away nothing is told; when it is back, every grid instant missed is told first.
    """
    boot = f"{grid.floor_second(clock()):x}"
    devices = [Live(device, scenario.until, boot=boot) for device in scenario.devices]
    with _Gateways(scenario, broker_url, progress, patience=LIVE_PATIENCE, files=files) as gateways:
        while not stop.is_set():
            now = clock()
            gateways.publish(_told(devices, gateways, now))
            stop.wait(interval)
        gateways.drain()
        return gateways.upload([])


def _told(devices: Iterable[Live], gateways: "_Gateways", now: datetime) -> Iterator[Message]:
    for live in devices:
        if gateways.ready(live.device.identity.gateway):
            yield from live.tell(now)


class _Gateways:
    """The connections of a scenario: a device's messages go through its own gateway, in order."""

    def __init__(
        self,
        scenario: Scenario,
        broker_url: str,
        progress: Progress | None,
        *,
        patience: float = PATIENCE,
        files: Files | None = None,
    ) -> None:
        names = dict.fromkeys(device.identity.gateway for device in scenario.devices)
        self._progress = progress
        self._publishers = {
            name: Publisher(broker_url, name, patience=patience, progress=self._report, files=files) for name in names
        }
        self._open = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as opening:
            for publisher in self._publishers.values():
                opening.enter_context(publisher)
            self._open = opening.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._open.__exit__(*error)  # type: ignore[arg-type]

    def publish(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._publishers[message.gateway].publish(message)

    def ready(self, gateway: str) -> bool:
        publisher = self._publishers[gateway]
        publisher.poll()
        return publisher.connected

    def drain(self) -> None:
        for publisher in self._publishers.values():
            publisher.drain()

    def upload(self, injected: list[Injected]) -> Upload:
        sent = [publisher.sent for publisher in self._publishers.values()]
        refused = [refusal for one in sent for refusal in one.refused]
        return Upload(
            sum(one.messages for one in sent),
            sum(one.readings for one in sent),
            sum(one.octets for one in sent),
            refused,
            injected,
        )

    def _report(self, _: int, __: int) -> None:
        if self._progress:
            sent = [publisher.sent for publisher in self._publishers.values()]
            self._progress(sum(one.messages for one in sent), sum(one.readings for one in sent))
