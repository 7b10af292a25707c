"""Evaluations as the API and the pages read them: the JSON that the engine wrote, with its names."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class Step(BaseModel):
    """One step of a calculation: the formula, its values by name, what came out."""

    label: str
    formula: str
    values: dict[str, str] = {}
    result: str


class Line(BaseModel):
    """A row of a bill: a charge above zero, a credit below. `[from, to)` is the time it is for."""

    id: str
    clause: str
    kind: str
    asset: str
    segment: int = 1
    from_: datetime = Field(alias="from")
    to: datetime
    text: str
    quantity: str | None = None
    unit: str = ""
    amount: str = Field(examples=["264.60 EUR"])
    unrounded: str
    steps: list[Step] = []


class Verdict(BaseModel):
    """Whether a promise was kept, and the numbers on which that rests; `bounds` if unknown time could decide.

    `[from, to)` is the window that is judged.
    """

    clause: str
    kind: str
    asset: str
    state: str = Field(examples=["fulfilled", "violated", "not_determined", "not_applicable", "-"])
    status: str = Field(examples=["final", "provisional", "insufficient"])
    certain: bool = True
    from_: datetime | None = Field(default=None, alias="from")
    to: datetime | None = None
    values: dict[str, str] = {}
    bounds: dict[str, list[str]] = {}
    steps: list[Step] = []
    explanation: str = ""


def lines(found: Iterable[Mapping[str, Any]]) -> list[Line]:
    """Lines of an evaluation's JSON."""
    return [Line.model_validate(one) for one in found]


def verdicts(found: Iterable[Mapping[str, Any]]) -> list[Verdict]:
    """Verdicts of an evaluation's JSON."""
    return [Verdict.model_validate(one) for one in found]
