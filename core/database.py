"""One SQLAlchemy engine for a process, and transactions on it.

A transaction is opened by the use case alone; stores take its connection. The psycopg connection underneath does COPY
inside the same transaction.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import msgspec
import psycopg
from pydantic_core import from_json
from sqlalchemy import Connection, Engine, create_engine, make_url

Role = Literal["yardstick_worker", "yardstick_api"]
_DECODER = msgspec.json.Decoder()


class InexactNumber(ValueError):
    """A number with a fraction in JSON whose amounts and quantities are texts."""


def _refuse(number: str) -> float:
    raise ValueError(f"{number} would be read as a float; amounts and quantities are stored as texts")


_EXACT = msgspec.json.Decoder(float_hook=_refuse)


def connect(url: str, *, role: Role | None, pool_size: int = 5) -> Engine:
    """An engine whose sessions act as `role`, which owns nothing; None is for migrations and set-up only.

    All sessions run in UTC. Raises nothing yet: the first transaction does.
    """
    options = "-c timezone=UTC" + (f" -c role={role}" if role else "")
    address = make_url(url).set(drivername="postgresql+psycopg")
    return create_engine(
        address,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_pre_ping=True,
        json_deserializer=read_json,
        connect_args={"options": options},
    )


@contextmanager
def transaction(engine: Engine) -> Iterator[Connection]:
    """A transaction: committed at the end of the block, rolled back when it raises."""
    with engine.begin() as connection:
        yield connection


def driver(connection: Connection) -> psycopg.Connection[tuple[object, ...]]:
    """The psycopg connection under `connection`, in the same transaction; for COPY and LISTEN."""
    raw = connection.connection.driver_connection
    if not isinstance(raw, psycopg.Connection):
        raise TypeError(f"expected a psycopg connection, found {type(raw).__name__}")
    return raw


def read_json(stored: bytes | str) -> Any:
    """JSON as stored. Evaluations are large, so by the faster reader, which refuses numbers that no float can hold."""
    try:
        return _DECODER.decode(stored)
    except msgspec.DecodeError:
        return from_json(stored)


def read_exact_json(stored: bytes | str) -> Any:
    """JSON that money is computed from, as stored. Raises InexactNumber for a number that only a float can hold."""
    try:
        return _EXACT.decode(stored)
    except msgspec.ValidationError as error:
        raise InexactNumber(str(error)) from None
