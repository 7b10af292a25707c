"""Processes that take part in work which is due in the database.

They are company, no more: whoever starts them does the same work until nothing is left, so one that dies only makes it
slower. What it had begun is rolled back with its connection and is due again.
"""

import logging
import multiprocessing
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection as Answer
from multiprocessing.process import BaseProcess
from typing import Any

from sqlalchemy import Engine, text

from core.database import Role, connect, transaction
from core.garbage import collect_rarely

LOG = logging.getLogger(__name__)
WHO = text("SELECT nullif(current_setting('role'), 'none')")
Part = Callable[..., int]
"""A function of a module, called with an engine of its own and what else is given; says how much it did."""


class Orphaned(RuntimeError):
    """Whoever started this process is gone."""


@contextmanager
def company(engine: Engine, count: int, part: Part, given: Sequence[object] = ()) -> Iterator[list[int]]:
    """So many processes call `part(engine, *given)` while the block runs; at its end they are waited for.

    What they say is in the list then. If the block raises, they are ended. One that failed says nothing and is logged;
    that is no error: the caller looks what is left. `given` must pickle.
    """
    told: list[int] = []
    role = _role(engine) if count > 0 else None
    started = [_start(engine, role, part, given) for _ in range(count)]
    try:
        yield told
    except BaseException:
        for process, _ in started:
            process.terminate()
        raise
    finally:
        for process, _ in started:
            process.join()
    for process, answer in started:
        if answer.poll() and process.exitcode == 0:
            told.append(answer.recv())
        else:
            LOG.error("%s; what it had begun is undone and done again here", _ended(process))


def go_on() -> None:
    """Raise Orphaned in such a process if whoever started it is gone; between two transactions, nothing is lost."""
    parent = multiprocessing.parent_process()
    if parent is not None and not parent.is_alive():
        raise Orphaned("whoever started this process is gone")


def _start(engine: Engine, role: Role | None, part: Part, given: Sequence[object]) -> tuple[BaseProcess, Answer]:
    """A copy of this process where that is safe, because starting anew takes a second; else a new one."""
    copied = threading.active_count() == 1 and "fork" in multiprocessing.get_all_start_methods()
    context: Any = multiprocessing.get_context("fork" if copied else "spawn")
    if copied:  # a connection that a copy holds too stays open, with all its locks, when this process is killed
        engine.dispose()
    answer, tell = context.Pipe(duplex=False)
    address = engine.url.render_as_string(hide_password=False)
    arguments = (tell, address, role, (logging.root.level, _formatter()), part, given)
    process: BaseProcess = context.Process(target=_take_part, args=arguments, daemon=True)
    process.start()
    tell.close()
    return process, answer


def _formatter() -> bytes:
    """How this process logs, if that can be passed on."""
    try:
        return pickle.dumps(logging.root.handlers[0].formatter)
    except (IndexError, TypeError, AttributeError, pickle.PicklingError):
        return pickle.dumps(None)


def _role(engine: Engine) -> Role | None:
    with transaction(engine) as connection:
        found: Role | None = connection.execute(WHO).scalar_one()
    return found


def _take_part(  # everything a new process does not know
    tell: Answer,
    address: str,
    role: Role | None,
    log: tuple[int, bytes],
    part: Part,
    given: Sequence[object],
) -> None:
    """Ctrl-C reaches every process of a terminal: the one that was asked ends the others."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if not logging.root.handlers:
        handler = logging.StreamHandler()
        handler.setFormatter(pickle.loads(log[1]))  # noqa: S301 - of the process that started this one
        logging.basicConfig(level=log[0], handlers=[handler])
    collect_rarely()
    tell.send(part(connect(address, role=role, pool_size=1), *given))


def _ended(process: BaseProcess) -> str:
    code = process.exitcode or 0
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"failed with exit code {code}"
    return f"process {process.pid} {how}"
