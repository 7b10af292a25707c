"""The ordinary tables as SQLModel rows, for creating and listing them where that is simpler than SQL text.

`table=True` does not validate: values are checked by `ingest/catalogue.py` before they get here. The hypertable and
set-wise work are SQL text in `ingest/store/`.
"""

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, TypeAlias

from sqlalchemy import BigInteger, DateTime, Identity, Interval, LargeBinary, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, Range
from sqlmodel import Field, SQLModel

_SCHEMA = {"schema": "ingest"}
_INSTANT: Any = DateTime(timezone=True)
Ticks: TypeAlias = int | None


class Row(SQLModel):
    """A table of this package."""

    __table_args__ = _SCHEMA


class Device(Row, table=True):
    """What speaks to us; its name is a level of the topic."""

    id: int | None = Field(default=None, primary_key=True, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    model: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=_INSTANT)


class Asset(Row, table=True):
    """What works for somebody, and is billed."""

    id: int | None = Field(default=None, primary_key=True, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    site: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=_INSTANT)


class Register(Row, table=True):
    """What a device counts or says. Readings are in its ticks, so it never changes."""

    id: int | None = Field(default=None, primary_key=True, sa_column_args=[Identity(always=True)])
    device: int
    name: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    unit: str = Field(sa_type=Text)
    resolution: Decimal = Field(sa_type=Numeric)


class Declaration(Row, table=True):
    """A register's physics, in ticks; the one with the greatest `known` holds. max_rate: ticks per hour."""

    register_id: int = Field(primary_key=True, sa_column_kwargs={"name": "register"})
    known: int = Field(primary_key=True, sa_type=BigInteger)
    minimum: Ticks = Field(default=None, sa_type=BigInteger)
    maximum: Ticks = Field(default=None, sa_type=BigInteger)
    modulus: Ticks = Field(default=None, sa_type=BigInteger)
    tolerance: int = Field(default=0, sa_type=BigInteger)
    max_rate: Decimal | None = Field(default=None, sa_type=Numeric)
    max_gap: timedelta | None = Field(default=None, sa_type=Interval)
    silence_limit: timedelta | None = Field(default=None, sa_type=Interval)
    glitch_window: timedelta | None = Field(default=None, sa_type=Interval)
    noise_band: int = Field(default=0, sa_type=BigInteger)
    refill_threshold: Ticks = Field(default=None, sa_type=BigInteger)
    every: timedelta | None = Field(default=None, sa_type=Interval)
    cross_checks: Any = Field(default_factory=list, sa_type=JSONB)
    resets_at_boot: bool = False


class Binding(Row, table=True):
    """Which device serves which asset, where and when, as known until it is superseded by another row."""

    id: int | None = Field(default=None, primary_key=True, sa_column_args=[Identity(always=True)])
    device: int
    asset: int
    position: str = Field(sa_type=Text)
    during: Any = Field(sa_type=TSTZRANGE)
    evidence: str = Field(default="", sa_type=Text)
    known: int = Field(sa_type=BigInteger)
    superseded: int | None = Field(default=None, sa_type=BigInteger)


class BindingValue(Row, table=True):
    """What a register showed when a binding began and ended, in ticks."""

    __tablename__ = "binding_value"
    binding: int = Field(primary_key=True)
    register_id: int = Field(primary_key=True, sa_column_kwargs={"name": "register"})
    opening: Ticks = Field(default=None, sa_type=BigInteger)
    closing: Ticks = Field(default=None, sa_type=BigInteger)


class Latest(Row, table=True):
    """The newest reading of each register."""

    register_id: int = Field(primary_key=True, sa_column_kwargs={"name": "register"})
    at: datetime = Field(sa_type=_INSTANT)
    value: int = Field(sa_type=BigInteger)
    received_at: datetime = Field(sa_type=_INSTANT)


class Batch(Row, table=True):
    """One commit of an ingester: received = stored + duplicate + quarantined."""

    known: int = Field(primary_key=True, sa_type=BigInteger)
    at: datetime = Field(sa_type=_INSTANT)
    client: str = Field(sa_type=Text)
    messages: int
    received: int
    stored: int
    duplicate: int
    quarantined: int


class Quarantine(Row, table=True):
    """A refused item with its reason. payload: of the item as JSON, or of the whole message (item -1)."""

    topic: str = Field(primary_key=True, sa_type=Text)
    payload_hash: bytes = Field(primary_key=True, sa_type=LargeBinary)
    item: int = Field(primary_key=True)
    reason: str = Field(sa_type=Text)
    detail: str = Field(sa_type=Text)
    payload: bytes = Field(sa_type=LargeBinary)
    size: int
    device: str | None = Field(default=None, sa_type=Text)
    received_at: datetime = Field(sa_type=_INSTANT)
    content_type: str = Field(default="", sa_type=Text)
    properties: Any = Field(default_factory=list, sa_type=JSONB)
    known: int = Field(sa_type=BigInteger)


def during(start: datetime, end: datetime | None) -> Range[datetime]:
    """A half-open span as the database keeps it; None: still running."""
    return Range(start, end, bounds="[)")
