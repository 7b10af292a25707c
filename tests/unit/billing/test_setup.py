"""What is written of sellers and debtors is sound, or every problem is said with its place."""

from decimal import Decimal

import pytest

from billing.case import Material
from billing.setup import Setup, read_setup
from core.money import Money

SETUP = """
schema: billing/1
entities:
  - {{party: Seller, name: Seller GmbH, address: Kai 1, country: DE, vat_id: DE123456788, prefix: S,
     timezone: Europe/Berlin{seller}}}
accounts:
  - {{party: Buyer, name: Buyer, address: Kai 2, country: {country}{buyer}}}
"""


def problems(*, seller: str = "", buyer: str = "", country: str = "DE") -> list[str]:
    found = read_setup(SETUP.format(seller=seller, buyer=buyer, country=country))
    return [] if isinstance(found, Setup) else [str(problem) for problem in found]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"buyer": ", leitweg_id: 991-01484-65"}, "its check digits are wrong; write it as 991-01484-64"),
        ({"buyer": ", public_buyer: true", "country": "NL"}, "which buyers in DE have"),
        ({"seller": ", materiality: {share: 20 %, amount: 0.00 EUR}"}, "above zero"),
        ({"seller": ", materiality: {share: 20 %}"}, "Field required"),
    ],
)
def test_what_is_unsound_is_said(given: dict[str, str], said: str) -> None:
    (problem,) = problems(**given)
    assert said.replace("its check", "or its check") in problem


def test_how_a_debtor_pays_and_what_is_material_is_read() -> None:
    seller = ", materiality: {share: 12.5 %, amount: 500.00 EUR}"
    buyer = ", direct_debit: true, mandate: M-17, public_buyer: true, leitweg_id: 991-01484-64"
    found = read_setup(SETUP.format(seller=seller, buyer=buyer, country="DE"))
    assert isinstance(found, Setup)
    assert found.entities[0].material == Material(Decimal("0.125"), Money.parse("500.00 EUR"))
    (account,) = found.accounts
    assert (account.direct_debit, account.mandate, account.leitweg_id) == (True, "M-17", "991-01484-64")
