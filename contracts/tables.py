"""The tables of contracts as SQLModel rows: their columns, for listing them and for holding them against the schema.

`table=True` does not validate: domain values are built first. Set-wise work is SQL text in `contracts/store/`.
"""

from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Identity, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, Range
from sqlmodel import Field, SQLModel

_INSTANT: Any = DateTime(timezone=True)
_SPAN: Any = TSTZRANGE


class Row(SQLModel):
    """A table of this package."""

    __table_args__ = {"schema": "contracts"}


class Party(Row, table=True):
    """Who takes part in agreements."""

    id: int | None = Field(default=None, primary_key=True, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=_INSTANT)


class Contract(Row, table=True):
    """An agreement; what it says is in its versions."""

    id: int | None = Field(default=None, primary_key=True, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    name: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Text)
    timezone: str = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=_INSTANT)


class ContractParty(Row, table=True):
    """Who a party is in an agreement."""

    __tablename__ = "contract_party"

    contract: int = Field(primary_key=True)
    role: str = Field(primary_key=True, sa_type=Text)
    party: int


class Version(Row, table=True):
    """One version of a contract, whole."""

    id: int | None = Field(default=None, primary_key=True, sa_column_args=[Identity(always=True)])
    contract: int
    version: int
    effective_from: datetime = Field(sa_type=_INSTANT)
    recorded_at: datetime = Field(sa_type=_INSTANT)
    document: str = Field(sa_type=Text)
    source: str = Field(sa_type=Text)
    content_hash: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)


class Coverage(Row, table=True):
    """When an asset is under a contract; derived. The key is the mapper's: the table excludes overlaps instead."""

    contract: int = Field(primary_key=True)
    asset: int = Field(primary_key=True)
    asset_name: str = Field(sa_type=Text)
    group: str | None = Field(sa_type=Text)
    during: Range[datetime] = Field(sa_type=_SPAN, primary_key=True)


class PartyAsset(Row, table=True):
    """Which party may see which asset, when; derived."""

    __tablename__ = "party_asset"

    party: int = Field(primary_key=True)
    asset: int = Field(primary_key=True)
    contract: int = Field(primary_key=True)
    during: Range[datetime] = Field(sa_type=_SPAN, primary_key=True)


class Notice(Row, table=True):
    """An announcement."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    kind: str = Field(sa_type=Text)
    given: datetime = Field(sa_type=_INSTANT)
    asset: str | None = Field(sa_type=Text)
    clause: str | None = Field(sa_type=Text)
    during: Range[datetime] | None = Field(sa_type=_SPAN)
    author: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)
    reason: str = Field(sa_type=Text)


class Attribution(Row, table=True):
    """Who or what caused a stretch of time."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    asset: str = Field(sa_type=Text)
    during: Range[datetime] = Field(sa_type=_SPAN)
    category: str = Field(sa_type=Text)
    party: str = Field(sa_type=Text)
    cause: str = Field(sa_type=Text)
    status: str = Field(sa_type=Text)
    replaces: int | None = Field(sa_type=BigInteger)
    author: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)
    reason: str = Field(sa_type=Text)


class Period(Row, table=True):
    """A billing period: due work until it is closed."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    contract: int
    label: str = Field(sa_type=Text)
    starts_at: datetime = Field(sa_type=_INSTANT)
    ends_at: datetime = Field(sa_type=_INSTANT)
    cutoff_at: datetime = Field(sa_type=_INSTANT)
    closed_at: datetime | None = Field(sa_type=_INSTANT)
    evaluation: int | None = Field(sa_type=BigInteger)
    checked: int | None = Field(sa_type=BigInteger)


class Standing(Row, table=True):
    """The running period as last evaluated."""

    contract: int = Field(primary_key=True)
    period: int = Field(sa_type=BigInteger)
    until: datetime = Field(sa_type=_INSTANT)
    known: int = Field(sa_type=BigInteger)
    evaluated_at: datetime = Field(sa_type=_INSTANT)
    result: dict[str, Any] = Field(sa_type=JSONB)
    moves: bool


class Failure(Row, table=True):
    """A contract that cannot be evaluated, by the work that fails."""

    contract: int = Field(primary_key=True)
    work: str = Field(primary_key=True)
    failures: int
    since: datetime = Field(sa_type=_INSTANT)
    tried_at: datetime = Field(sa_type=_INSTANT)
    retry_at: datetime = Field(sa_type=_INSTANT)
    known: int = Field(sa_type=BigInteger)
    error: str


class Evaluation(Row, table=True):
    """An appended evaluation of a period."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    period: int = Field(sa_type=BigInteger)
    until: datetime = Field(sa_type=_INSTANT)
    known: int = Field(sa_type=BigInteger)
    evaluated_at: datetime = Field(sa_type=_INSTANT)
    engine_version: str = Field(sa_type=Text)
    input_hash: str = Field(sa_type=Text)
    result_hash: str = Field(sa_type=Text)
    result: dict[str, Any] = Field(sa_type=JSONB)
    evidence: dict[str, Any] = Field(sa_type=JSONB)


class Breach(Row, table=True):
    """A guarantee missed for good."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    evaluation: int = Field(sa_type=BigInteger)
    period: int = Field(sa_type=BigInteger)
    clause: str = Field(sa_type=Text)
    asset: str = Field(sa_type=Text)
    obligated: str = Field(sa_type=Text)
    measured: str = Field(sa_type=Text)
    target: str = Field(sa_type=Text)
    credit: Decimal = Field(sa_type=Numeric)
    currency: str = Field(sa_type=Text)
    window_start: datetime | None = Field(sa_type=_INSTANT)


class Basis(Row, table=True):
    """What evaluations rest on, beside what devices say."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    otherwise: str | None = Field(sa_type=Text)
    duties: str = Field(sa_type=Text)
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)


class Quantity(Row, table=True):
    """A quantity that was counted elsewhere."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    owner: str = Field(sa_type=Text)
    measure: str = Field(sa_type=Text)
    during: Range[datetime] = Field(sa_type=_SPAN)
    quantity: Decimal = Field(sa_type=Numeric)
    unit: str = Field(sa_type=Text)
    weight_class: str = Field(sa_type=Text)
    dimensions: dict[str, str] = Field(sa_type=JSONB)
    coverage: Decimal | None = Field(sa_type=Numeric)
    estimated: bool
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)


class ReportedState(Row, table=True):
    """What somebody says of a stretch of time."""

    __tablename__ = "reported_state"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    asset: str = Field(sa_type=Text)
    during: Range[datetime] = Field(sa_type=_SPAN)
    category: str = Field(sa_type=Text)
    subsystem: str = Field(sa_type=Text)
    cause: str = Field(sa_type=Text)
    performance: Decimal | None = Field(sa_type=Numeric)
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)


class Unmet(Row, table=True):
    """When a duty was not kept."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    clause: str = Field(sa_type=Text)
    asset: str = Field(sa_type=Text)
    during: Range[datetime] = Field(sa_type=_SPAN)
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)


class Ticket(Row, table=True):
    """A case."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    ticket: str = Field(sa_type=Text)
    asset: str = Field(sa_type=Text)
    subsystem: str = Field(sa_type=Text)
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)


class TicketTime(Row, table=True):
    """When a case reached a moment."""

    __tablename__ = "ticket_time"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    ticket: str = Field(sa_type=Text)
    moment: str = Field(sa_type=Text)
    at: datetime | None = Field(sa_type=_INSTANT)
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)


class Pause(Row, table=True):
    """When a case's clock stood still."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    ticket: str = Field(sa_type=Text)
    during: Range[datetime] = Field(sa_type=_SPAN)
    cause: str = Field(sa_type=Text)
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)


class Substitute(Row, table=True):
    """When an asset was replaced by another."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    asset: str = Field(sa_type=Text)
    during: Range[datetime] = Field(sa_type=_SPAN)
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)


class MeterTest(Row, table=True):
    """A test of a meter."""

    __tablename__ = "meter_test"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    asset: str = Field(sa_type=Text)
    path: str = Field(sa_type=Text, sa_column_kwargs={"name": "register"})
    last_tested: datetime = Field(sa_type=_INSTANT)
    tested: datetime = Field(sa_type=_INSTANT)
    error: Decimal = Field(sa_type=Numeric)
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)


class CarriedFact(Row, table=True):
    """What earlier periods leave, as somebody states it."""

    __tablename__ = "carried"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    clause: str = Field(sa_type=Text)
    item: str = Field(sa_type=Text)
    owner: str = Field(sa_type=Text)
    value: Decimal = Field(sa_type=Numeric)
    unit: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=_INSTANT)
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)


class History(Row, table=True):
    """The result of a window before the first that is evaluated here."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    contract: int
    clause: str = Field(sa_type=Text)
    owner: str = Field(sa_type=Text)
    period: str = Field(sa_type=Text)
    value: Decimal | None = Field(sa_type=Numeric)
    counted: int | None = Field(sa_type=BigInteger)
    down: int | None = Field(sa_type=BigInteger)
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)


class IndexValue(Row, table=True):
    """A published value of a price index."""

    __tablename__ = "index_value"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    index: str = Field(sa_type=Text)
    month: str = Field(sa_type=Text)
    value: Decimal = Field(sa_type=Numeric)
    published: datetime = Field(sa_type=_INSTANT)
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)


class Withdrawal(Row, table=True):
    """A fact that is taken back."""

    fact: str = Field(primary_key=True, sa_type=Text)
    contract: int | None
    instead: str | None = Field(sa_type=Text)
    author: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    known: int = Field(sa_type=BigInteger)
