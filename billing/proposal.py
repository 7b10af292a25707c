"""What one person proposes and another decides: what it is about, how it stands, and until when it may be decided."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

Kind: TypeAlias = Literal["credit_note", "dunning", "refund"]
State: TypeAlias = Literal["open", "approved", "declined", "expired", "overtaken"]
LASTS = timedelta(days=30)
"""So long a proposal may be decided; what it rests on is looked at again then."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What a proposal is about. entity: the seller's id; subject: a public id, or of letters their day.

    detail: for who decides, as JSON types; hash: of all that must not change until then; until: None: as long as any.
    """

    entity: int
    subject: str
    detail: Mapping[str, Any]
    hash: str
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Proposal:
    """One as stored, with its decision if there is one. answer: why it was declined; outcome: what came of it."""

    id: int
    public_id: str
    entity: int
    kind: Kind
    subject: str
    detail: Mapping[str, Any]
    hash: str
    reason: str
    by: str
    at: datetime
    expires_at: datetime
    state: State
    answer: str
    outcome: Mapping[str, Any]
    decided_by: str | None
    decided_at: datetime | None

    def refusal(self) -> str:
        """Why it can no longer be decided; empty if it can."""
        name = self.public_id
        if self.state in {"approved", "declined"}:
            return f"{name} was {self.state} by {self.decided_by} at {self.decided_at:%Y-%m-%d %H:%M} UTC"
        if self.state == "expired":
            return f"{name} could be decided until {self.expires_at:%Y-%m-%d %H:%M} UTC; propose it again"
        if self.state == "overtaken":
            return f"{name}: {self.detail.get('number', self.subject)} is credited in full already"
        return ""
