"""What several pages need: whose page it is, and which contract and period it shows."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Query, Request
from fastapi.responses import HTMLResponse

from api.errors import NotFound
from api.portal import bill as bills
from api.portal import page, tongue
from api.portal.bill import Bill
from api.visit import Visit
from contracts.store import view
from contracts.store.view import ContractView

ContractChoice = Annotated[str | None, Query(max_length=64)]
PeriodChoice = Annotated[str | None, Query(max_length=10, pattern=r"^\d{4}(-\d\d|-Q[1-4])?$")]
First = Annotated[int, Query(ge=0, le=1_000_000)]
CHOICES = 12


@dataclass(frozen=True, slots=True)
class Choice:
    """The contract that a page shows, and those that it offers."""

    contract: ContractView
    contracts: list[ContractView]


def choose(visit: Visit, wanted: str | None) -> Choice | None:
    """The contract asked for, else the first; None if there is none at all. Raises NotFound."""
    known = view.contracts(visit.connection, most=CHOICES)
    if wanted is None:
        return Choice(known[0], known) if known else None
    found = view.contract(visit.connection, wanted)
    if found is None:
        raise NotFound("no contract of yours has this id")
    return Choice(found, known)


def chosen_bill(visit: Visit, choice: Choice | None, label: str | None) -> Bill | None:
    """The bill that a page shows; None if nothing was evaluated yet."""
    return bills.load(visit, choice.contract, label) if choice else None


def shown(request: Request, visit: Visit, template: str, **context: Any) -> HTMLResponse:
    """A page for the viewer."""
    party = view.party_name(visit.connection, visit.viewer.party)
    frame = {"open_first": True, "most": 5}
    language = tongue.of(request, visit)
    return page.render_for(request, template, visit.viewer, party=party, language=language, **{**frame, **context})


def nothing(request: Request, visit: Visit, heading: str) -> HTMLResponse:
    """The page for somebody of whom nothing is known yet."""
    return shown(request, visit, "nothing.html", heading=heading)
