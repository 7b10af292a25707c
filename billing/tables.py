"""The tables of billing as SQLModel rows: their columns, for listing them and for holding them against the schema.

`table=True` does not validate: domain values are built first. Set-wise work is SQL text in `billing/store/`.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, DateTime, Identity, Numeric, SmallInteger, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

INSTANT: Any = DateTime(timezone=True)


class Row(SQLModel):
    """A table of this package."""

    __table_args__ = {"schema": "billing"}


class Entity(Row, table=True):
    """Who issues invoices."""

    id: int | None = Field(default=None, primary_key=True, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    party: int
    name: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)
    country: str = Field(sa_type=Text)
    vat_id: str = Field(sa_type=Text)
    prefix: str = Field(sa_type=Text)
    timezone: str = Field(sa_type=Text)
    tax_category: str | None = Field(sa_type=Text)
    tax_rate: Decimal | None = Field(sa_type=Numeric)
    vat_currency: str | None = Field(sa_type=Text)
    rate_source: str = Field(sa_type=Text)
    dunning: dict[str, Any] | None = Field(sa_type=JSONB)
    materiality: dict[str, Any] | None = Field(sa_type=JSONB)


class Account(Row, table=True):
    """Who is billed."""

    party: int = Field(primary_key=True)
    name: str = Field(sa_type=Text)
    address: str = Field(sa_type=Text)
    country: str = Field(sa_type=Text)
    vat_id: str = Field(sa_type=Text)
    payment_days: int
    purchase_order: str = Field(sa_type=Text)
    language: str = Field(sa_type=Text)
    consolidate: Any = Field(sa_type=JSONB)
    purchase_order_required: bool
    direct_debit: bool
    mandate: str = Field(sa_type=Text)
    public_buyer: bool
    leitweg_id: str = Field(sa_type=Text)


class Series(Row, table=True):
    """A gapless run of numbers."""

    id: int | None = Field(default=None, primary_key=True, sa_column_args=[Identity(always=True)])
    entity: int
    kind: str = Field(sa_type=Text)
    year: int
    issued: int
    last_issued: date | None
    chain_hash: str = Field(sa_type=Text)


class Run(Row, table=True):
    """A billing run."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    entity: int
    label: str = Field(sa_type=Text)
    starts_at: datetime = Field(sa_type=INSTANT)
    ends_at: datetime = Field(sa_type=INSTANT)
    known: int | None = Field(sa_type=BigInteger)
    state: str = Field(sa_type=Text)
    revision: int
    hash: str | None = Field(sa_type=Text)
    created_at: datetime = Field(sa_type=INSTANT)
    created_by: str = Field(sa_type=Text)
    approved_at: datetime | None = Field(sa_type=INSTANT)
    approved_by: str | None = Field(sa_type=Text)
    approved_hash: str | None = Field(sa_type=Text)
    issue_date: date | None


class Draft(Row, table=True):
    """A contract in a run, at one revision."""

    run: int = Field(sa_type=BigInteger, primary_key=True)
    contract: int = Field(primary_key=True)
    contract_name: str = Field(sa_type=Text)
    revision: int = Field(primary_key=True)
    period: int = Field(sa_type=BigInteger)
    state: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    evaluation: int | None = Field(sa_type=BigInteger)
    document: dict[str, Any] | None = Field(sa_type=JSONB)
    net: Decimal | None = Field(sa_type=Numeric)
    tax: Decimal | None = Field(sa_type=Numeric)
    gross: Decimal | None = Field(sa_type=Numeric)
    currency: str | None = Field(sa_type=Text)
    hash: str = Field(sa_type=Text)
    corrections: list[Any] = Field(sa_type=JSONB)
    credit_notes: list[Any] = Field(sa_type=JSONB)
    findings: list[Any] = Field(sa_type=JSONB)
    buyer: str = Field(sa_type=Text)
    content_hash: str = Field(sa_type=Text)
    final: bool
    metering: list[Any] = Field(sa_type=JSONB)
    bundle: str = Field(sa_type=Text)


class Override(Row, table=True):
    """Somebody's word that a finding does not stand in the way."""

    run: int = Field(sa_type=BigInteger, primary_key=True)
    contract: int = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    code: str = Field(sa_type=Text, primary_key=True)
    reason: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)


class Invoice(Row, table=True):
    """An issued document."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    series: int
    n: int
    number: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    contract: int
    customer: int
    run: int = Field(sa_type=BigInteger)
    evaluation: int = Field(sa_type=BigInteger)
    label: str = Field(sa_type=Text)
    service_start: datetime = Field(sa_type=INSTANT)
    service_end: datetime = Field(sa_type=INSTANT)
    issue_date: date
    due_date: date
    currency: str = Field(sa_type=Text)
    exponent: int = Field(sa_type=SmallInteger)
    net: Decimal = Field(sa_type=Numeric)
    tax: Decimal = Field(sa_type=Numeric)
    gross: Decimal = Field(sa_type=Numeric)
    document: dict[str, Any] = Field(sa_type=JSONB)
    issue: dict[str, Any] = Field(sa_type=JSONB)
    content_hash: str = Field(sa_type=Text)
    previous_hash: str = Field(sa_type=Text)
    chain_hash: str = Field(sa_type=Text)
    issued_at: datetime = Field(sa_type=INSTANT)
    corrects: int | None = Field(sa_type=BigInteger)
    revision: int


class InvoicePart(Row, table=True):
    """A contract's period on an issued document."""

    __tablename__ = "invoice_part"

    invoice: int = Field(sa_type=BigInteger, primary_key=True)
    n: int = Field(primary_key=True)
    contract: int
    label: str = Field(sa_type=Text)
    bills: bool
    revision: int
    evaluation: int = Field(sa_type=BigInteger)
    net: Decimal = Field(sa_type=Numeric)


class Line(Row, table=True):
    """A row of an issued document."""

    invoice: int = Field(sa_type=BigInteger, primary_key=True)
    n: int = Field(primary_key=True)
    line_id: str = Field(sa_type=Text)
    clause: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    asset: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)
    quantity: Decimal | None = Field(sa_type=Numeric)
    unit: str | None = Field(sa_type=Text)
    amount: Decimal = Field(sa_type=Numeric)
    currency: str = Field(sa_type=Text)
    tax_category: str = Field(sa_type=Text)
    tax_rate: Decimal = Field(sa_type=Numeric)
    service_start: datetime = Field(sa_type=INSTANT)
    service_end: datetime = Field(sa_type=INSTANT)
    steps: list[Any] = Field(sa_type=JSONB)
    label: str | None = Field(sa_type=Text)
    part: int


class Correction(Row, table=True):
    """What a document changed of a billed period."""

    contract: int = Field(primary_key=True)
    label: str = Field(sa_type=Text, primary_key=True)
    n: int = Field(primary_key=True)
    kind: str = Field(sa_type=Text)
    invoice: int = Field(sa_type=BigInteger)
    corrects: int | None = Field(sa_type=BigInteger)
    evaluation: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    net: Decimal = Field(sa_type=Numeric)
    reason: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)


class Carried(Row, table=True):
    """A difference that is too small to bill yet."""

    contract: int = Field(primary_key=True)
    label: str = Field(sa_type=Text, primary_key=True)
    evaluation: int = Field(sa_type=BigInteger, primary_key=True)
    currency: str = Field(sa_type=Text)
    net: Decimal = Field(sa_type=Numeric)
    reason: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)


class TaxTotal(Row, table=True):
    """What a category and rate comes to in an issued document."""

    __tablename__ = "tax_total"

    invoice: int = Field(sa_type=BigInteger, primary_key=True)
    category: str = Field(sa_type=Text, primary_key=True)
    rate: Decimal = Field(sa_type=Numeric, primary_key=True)
    base: Decimal = Field(sa_type=Numeric)
    tax: Decimal = Field(sa_type=Numeric)


class Transfer(Row, table=True):
    """A debit and a credit of one amount."""

    entry: int = Field(sa_type=BigInteger, primary_key=True)
    n: int = Field(primary_key=True)
    at: datetime = Field(sa_type=INSTANT)
    posted_on: date
    debit: str = Field(sa_type=Text)
    credit: str = Field(sa_type=Text)
    currency: str = Field(sa_type=Text)
    amount: Decimal = Field(sa_type=Numeric)
    invoice: int | None = Field(sa_type=BigInteger)
    entity: int | None


class Accrual(Row, table=True):
    """What a contract's period came to before it was invoiced."""

    entity: int = Field(primary_key=True)
    label: str = Field(sa_type=Text, primary_key=True)
    contract: int = Field(primary_key=True)
    entry: int = Field(sa_type=BigInteger)
    reversal: int = Field(sa_type=BigInteger)
    currency: str = Field(sa_type=Text)
    net: Decimal = Field(sa_type=Numeric)
    known: int = Field(sa_type=BigInteger)
    result_hash: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)


class Lock(Row, table=True):
    """A day up to which an entity's books are closed."""

    entity: int = Field(primary_key=True)
    until: date = Field(primary_key=True)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)


class Payment(Row, table=True):
    """Money received."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    entity: int
    key: str = Field(sa_type=Text)
    received_on: date
    currency: str = Field(sa_type=Text)
    amount: Decimal = Field(sa_type=Numeric)
    payer: str = Field(sa_type=Text)
    text: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)
    entry: int | None = Field(sa_type=BigInteger)
    end_to_end: str = Field(sa_type=Text)


class Settlement(Row, table=True):
    """What a payment settles, or takes back."""

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    payment: int = Field(sa_type=BigInteger)
    invoice: int = Field(sa_type=BigInteger)
    amount: Decimal = Field(sa_type=Numeric)
    reverses: int | None = Field(sa_type=BigInteger)
    entry: int = Field(sa_type=BigInteger)
    matched: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)


class PaymentReturn(Row, table=True):
    """A payment that the bank took back."""

    __tablename__ = "payment_return"

    payment: int = Field(sa_type=BigInteger, primary_key=True)
    entry: int = Field(sa_type=BigInteger)
    reason: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)


class BreachReport(Row, table=True):
    """An issued report of a missed guarantee."""

    __tablename__ = "breach_report"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    breach: int | None = Field(sa_type=BigInteger)
    contract: int
    invoice: int | None = Field(sa_type=BigInteger)
    document: dict[str, Any] = Field(sa_type=JSONB)
    content_hash: str = Field(sa_type=Text)
    issued_at: datetime = Field(sa_type=INSTANT)
    supersedes: int | None = Field(sa_type=BigInteger)


class ExchangeRate(Row, table=True):
    """What one of a currency is worth in another on a day, as published."""

    __tablename__ = "exchange_rate"

    source: str = Field(primary_key=True, sa_type=Text)
    day: date = Field(primary_key=True)
    base: str = Field(primary_key=True, sa_type=Text)
    quote: str = Field(primary_key=True, sa_type=Text)
    rate: Decimal = Field(sa_type=Numeric)
    known: int = Field(primary_key=True, sa_type=BigInteger)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)


class Cost(Row, table=True):
    """What serving a contract cost."""

    entity: int = Field(primary_key=True)
    key: str = Field(primary_key=True, sa_type=Text)
    contract: int
    asset: str = Field(sa_type=Text)
    kind: str = Field(sa_type=Text)
    day: date
    currency: str = Field(sa_type=Text)
    amount: Decimal = Field(sa_type=Numeric)
    text: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)
