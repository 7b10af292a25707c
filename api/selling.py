"""What a person of finance does for a seller of theirs."""

import json
from collections.abc import Callable
from typing import Annotated, Any

from fastapi import Query
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from api import errors
from api.command import once
from api.errors import NotFound
from api.visit import Visit
from api.writing import Writing
from billing.store import entity as entities
from billing.store.entity import Entity

Seller = Annotated[str, Query(alias="entity", min_length=1, max_length=200, description="A seller of yours, by name.")]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Words = Annotated[str, Field(min_length=1, max_length=2_000)]
READING = errors.responses(401, 403, 404, 422)
DOING = errors.responses(401, 403, 404, 409, 422, 503)


class Reason(BaseModel):
    """Why."""

    reason: Words = Field(examples=["wrong debtor"])


class Acting(BaseModel):
    """A seller of yours, by name."""

    entity: Name = Field(examples=["Truck Supplier GmbH"])


def seller(visit: Visit, name: str) -> Entity:
    """A seller of the viewer's. Raises NotFound."""
    found = entities.entity_named(visit.connection, name)
    if found is None or found.party != visit.viewer.party:
        raise NotFound("no seller of yours has this name")
    return found


def sold(visit: Visit, invoice: int) -> Entity:
    """The seller of a document, where it is the viewer's. Raises NotFound."""
    found = entities.entity_of_invoice(visit.connection, invoice, visit.viewer.party)
    if found is None:
        raise NotFound("no invoice that a seller of yours issued has this id")
    return found


def given(command: Writing) -> dict[str, Any]:
    """When, and by whom."""
    return {"at": command.visit.at, "by": command.visit.viewer.who}


def done(command: Writing, act: Callable[[], BaseModel], *, at: str = "") -> JSONResponse:
    """Do it once. at: below which path what was made is found, by its `id`; it is answered with 201 then."""

    def made() -> tuple[int, BaseModel]:
        return (201 if at else 200), act()

    response = once(command, made)
    if at:
        response.headers["Location"] = f"{at}/{_id(response)}"
    return response


def _id(response: JSONResponse) -> str:
    return str(json.loads(bytes(response.body))["id"])
