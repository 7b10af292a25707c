"""What the bank returned, and what was paid too much, as rows."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import BigInteger, Identity, Numeric, Text
from sqlmodel import Field

from billing.tables import INSTANT, Row


class BankReturn(Row, table=True):
    """Money that the bank took back."""

    __tablename__ = "bank_return"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    entity: int
    key: str = Field(sa_type=Text)
    returned_on: date
    currency: str = Field(sa_type=Text)
    amount: Decimal = Field(sa_type=Numeric)
    fee: Decimal = Field(sa_type=Numeric)
    end_to_end: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)
    entry: int | None = Field(sa_type=BigInteger)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)


class BankReturnMatch(Row, table=True):
    """Which payment a return is of."""

    __tablename__ = "bank_return_match"

    bank_return: int = Field(sa_type=BigInteger, primary_key=True)
    payment: int = Field(sa_type=BigInteger)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)


class Application(Row, table=True):
    """What was paid too much of an invoice pays another, or does no more."""

    __tablename__ = "application"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    source: int = Field(sa_type=BigInteger)
    target: int = Field(sa_type=BigInteger)
    amount: Decimal = Field(sa_type=Numeric)
    reverses: int | None = Field(sa_type=BigInteger)
    reason: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)


class Refund(Row, table=True):
    """Money sent back."""

    __tablename__ = "refund"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    entity: int
    invoice: int | None = Field(sa_type=BigInteger)
    payment: int | None = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    amount: Decimal = Field(sa_type=Numeric)
    payee: str = Field(sa_type=Text)
    paid_on: date
    entry: int = Field(sa_type=BigInteger)
    reason: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    approved_by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)
