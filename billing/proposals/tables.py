"""What one person proposes and another decides, as rows."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field

from billing.tables import INSTANT, Row


class Proposal(Row, table=True):
    """What waits for a second person."""

    __tablename__ = "proposal"

    id: int | None = Field(default=None, primary_key=True, sa_type=BigInteger, sa_column_args=[Identity(always=True)])
    public_id: str = Field(sa_type=Text)
    entity: int
    kind: str = Field(sa_type=Text)
    subject: str = Field(sa_type=Text)
    detail: dict[str, Any] = Field(sa_type=JSONB)
    hash: str = Field(sa_type=Text)
    reason: str = Field(sa_type=Text)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)
    expires_at: datetime = Field(sa_type=INSTANT)


class Decision(Row, table=True):
    """The answer to a proposal."""

    __tablename__ = "decision"

    proposal: int = Field(sa_type=BigInteger, primary_key=True)
    proposed_by: str = Field(sa_type=Text)
    approved: bool
    reason: str = Field(sa_type=Text)
    outcome: dict[str, Any] = Field(sa_type=JSONB)
    by: str = Field(sa_type=Text)
    at: datetime = Field(sa_type=INSTANT)
