"""The states of a billing run and what leads from one to the next, as a table."""

from __future__ import annotations

from typing import Literal, TypeAlias, get_args

State: TypeAlias = Literal[
    "created", "collecting", "calculated", "in_review", "approved", "issuing", "issued", "exported", "closed",
    "failed", "cancelled",
]  # fmt: skip
DraftState: TypeAlias = Literal["blocked", "failed", "warning", "ok", "issued", "excluded", "collected"]
DRAFT_STATES: tuple[DraftState, ...] = get_args(DraftState)
"""Of a contract in a run, what somebody has to see to first."""
Act: TypeAlias = Literal[
    "collect", "calculate", "review", "exclude", "override", "approve", "issue", "finish", "cancel"
]

TABLE: dict[tuple[State, Act], State] = {
    ("created", "collect"): "collecting",
    ("collecting", "calculate"): "calculated",
    ("calculated", "review"): "in_review",
    # Facts were mended: calculated anew. This voids an approval, which was bound to the hash of the old drafts.
    ("calculated", "collect"): "collecting",
    ("in_review", "collect"): "collecting",
    ("approved", "collect"): "collecting",
    ("in_review", "exclude"): "in_review",
    ("in_review", "override"): "in_review",
    ("in_review", "approve"): "approved",
    ("approved", "issue"): "issuing",
    ("issuing", "issue"): "issuing",  # resumed
    ("issuing", "finish"): "issued",
    ("created", "cancel"): "cancelled",
    ("collecting", "cancel"): "cancelled",
    ("calculated", "cancel"): "cancelled",
    ("in_review", "cancel"): "cancelled",
    ("approved", "cancel"): "cancelled",
}


class NotPossible(ValueError):
    """An act for which a run is not in the right state."""


def after(state: State, act: Act) -> State:
    """The state to which an act leads. Raises NotPossible, naming what is possible."""
    if (state, act) not in TABLE:
        possible = ", ".join(other for start, other in TABLE if start == state) or "nothing more"
        raise NotPossible(f"a run that is {state} cannot {act}; possible now: {possible}")
    return TABLE[state, act]
