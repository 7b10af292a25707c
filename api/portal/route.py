"""Addresses of the portal."""

from fastapi import APIRouter

from api.portal import (
    breach_page,
    contract_page,
    fact_page,
    fleet_page,
    hold_page,
    invoice_page,
    operator_page,
    overview_page,
    receivable_page,
    run_page,
    session_page,
    stream,
)

router = APIRouter(include_in_schema=False)
for part in (
    session_page,
    overview_page,
    contract_page,
    invoice_page,
    breach_page,
    fact_page,
    fleet_page,
    hold_page,
    operator_page,
    receivable_page,
    run_page,
    stream,
):
    router.include_router(part.router)
