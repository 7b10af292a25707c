"""How far an import is, for a person who looks on; silent where nobody does."""

import sys
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from ingest.bulk.run import Report


class Bar:
    """A line on a terminal: readings, readings per second, what became of them, time to go."""

    def __init__(self, name: str, size: int, position: Callable[[], int]) -> None:
        self._position = position
        self._shown = Progress(
            TextColumn("{task.description}"),
            BarColumn(20),
            TextColumn("{task.percentage:3.0f} %"),
            TextColumn("{task.fields[said]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
        )
        self._task = self._shown.add_task(name, total=size or None, said="")

    def __enter__(self) -> Self:
        self._shown.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._shown.stop()

    def tell(self, report: Report) -> None:
        """Show how it stands."""
        elapsed = self._shown.tasks[0].elapsed or 1.0
        said = (
            f"{report.received:,} readings, {report.received / elapsed:,.0f}/s: {report.stored:,} stored, "
            f"{report.duplicate:,} duplicate, {report.quarantined:,} quarantined"
        )
        self._shown.update(self._task, completed=self._position(), said=said)
