"""Letters to late payers, as rows."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, Identity, Numeric, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from billing.tables import INSTANT, Row


class DunningLetter(Row, table=True):
    """A reminder to a debtor."""

    __tablename__ = "dunning_letter"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    entity: int
    customer: int
    level: int
    issued_on: date
    currency: str = Field(sa_type=Text)
    owed: Decimal = Field(sa_type=Numeric)
    fee: Decimal = Field(sa_type=Numeric)
    interest: Decimal = Field(sa_type=Numeric)
    document: dict[str, Any] = Field(sa_type=JSONB)
    content_hash: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    approved_by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)
    series: int | None
    n: int | None
    number: str | None = Field(sa_type=Text)
    lump_sum: Decimal = Field(sa_type=Numeric)
    entry: int | None = Field(sa_type=BigInteger)


class DunningItem(Row, table=True):
    """An invoice of which a letter reminds."""

    __tablename__ = "dunning_item"

    letter: int = Field(sa_type=BigInteger, primary_key=True)
    invoice: int = Field(sa_type=BigInteger, primary_key=True)
    level: int
    owed: Decimal = Field(sa_type=Numeric)
    interest: Decimal = Field(sa_type=Numeric)
    lump_sum: Decimal = Field(sa_type=Numeric)
    interest_until: date | None


class DunningWithdrawal(Row, table=True):
    """A letter that was taken back."""

    __tablename__ = "dunning_withdrawal"

    letter: int = Field(sa_type=BigInteger, primary_key=True)
    reason: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)
    entry: int | None = Field(sa_type=BigInteger)


class ChargeSettlement(Row, table=True):
    """What a payment settles of a letter's charges, or takes back."""

    __tablename__ = "charge_settlement"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    payment: int = Field(sa_type=BigInteger)
    letter: int = Field(sa_type=BigInteger)
    amount: Decimal = Field(sa_type=Numeric)
    reverses: int | None = Field(sa_type=BigInteger)
    entry: int = Field(sa_type=BigInteger)
    matched: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)


class DunningBlock(Row, table=True):
    """An invoice or line of which nobody is reminded."""

    __tablename__ = "dunning_block"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    invoice: int = Field(sa_type=BigInteger)
    line: int | None
    reason: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)


class DunningRelease(Row, table=True):
    """A block that holds no longer."""

    __tablename__ = "dunning_release"

    block: int = Field(sa_type=BigInteger, primary_key=True)
    reason: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)
