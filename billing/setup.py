"""Who sells and who is billed, as a YAML document: text to values, or every problem with its place."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from billing.bundle import Consolidate
from billing.camt import payable
from billing.case import Material
from billing.dunning import Procedure
from billing.label import Language
from billing.leitweg import leitweg_fault
from billing.tax import NotATax, Tax
from billing.vat import fault
from contracts.text import Path, read
from core.money import Money, is_currency
from core.problem import Problem
from core.time import UnknownZone, zone


def _currency(code: str) -> str:
    if not is_currency(code):
        raise ValueError(f"{code!r} is no currency of ISO 4217")
    return code


def _payable(text: str) -> str:
    return str(payable(text))


Word = Annotated[str, StringConstraints(min_length=1, max_length=2_000, strip_whitespace=True)]
Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
Percent = Annotated[str, StringConstraints(pattern=r"^\d{1,3}(\.\d{1,4})? %$")]
Currency = Annotated[str, AfterValidator(_currency)]
Days = Annotated[str, StringConstraints(pattern=r"^\d{1,3}$")]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Material(_Part):
    share: Percent
    amount: Annotated[str, AfterValidator(_payable)]


class _Entity(_Part):
    party: Word
    name: Word
    address: Word
    country: Country
    vat_id: str = ""
    prefix: Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,12}$")]
    timezone: Word
    tax_category: Word | None = None
    tax_rate: Percent | None = None
    vat_currency: Currency | None = None
    rate_source: Word = "ECB"
    dunning: Procedure | None = None
    materiality: _Material | None = None

    @model_validator(mode="after")
    def _sound(self) -> _Entity:
        try:
            zone(self.timezone)
            _tax(self)
        except (UnknownZone, NotATax) as error:
            raise ValueError(str(error)) from None
        _check_vat_id(self.vat_id, self.country)
        return self


class _Account(_Part):
    party: Word
    name: Word
    address: Word
    country: Country
    vat_id: str = ""
    payment_days: Days = "30"
    purchase_order: Annotated[str, StringConstraints(max_length=200, strip_whitespace=True)] = ""
    purchase_order_required: bool = False
    direct_debit: bool = False
    mandate: Annotated[str, StringConstraints(max_length=35, strip_whitespace=True)] = ""
    public_buyer: bool = False
    leitweg_id: str = ""
    language: Language = "en"
    consolidate: bool | dict[Word, tuple[Word, ...]] = False

    @model_validator(mode="after")
    def _sound(self) -> _Account:
        _check_vat_id(self.vat_id, self.country)
        _check_groups(self.consolidate)
        if self.leitweg_id and (found := leitweg_fault(self.leitweg_id)):
            raise ValueError(found)
        if self.public_buyer and self.country != "DE":
            raise ValueError("public_buyer asks for a Leitweg-ID, which buyers in DE have")
        return self


class _File(_Part):
    format: Literal["billing/1"]
    entities: tuple[_Entity, ...] = ()
    accounts: tuple[_Account, ...] = ()


@dataclass(frozen=True, slots=True)
class EntitySetup:
    """A legal entity of a party. tax: what holds where a contract names none.

    vat_currency: in which tax is shown too, by the rates of rate_source; dunning: how late payers are reminded;
    material: from which difference on a draft is looked at.
    """

    party: str
    name: str
    address: str
    country: str
    vat_id: str
    prefix: str
    timezone: str
    tax: Tax | None
    vat_currency: str | None = None
    rate_source: str = "ECB"
    dunning: Procedure | None = None
    material: Material | None = None


@dataclass(frozen=True, slots=True)
class AccountSetup:
    """A debtor. consolidate: whether its contracts share an invoice: none, all, or names of contracts by group.

    purchase_order_required: it pays nothing without one, so it gets no invoice without one. direct_debit: it is debited
    by its mandate; public_buyer: it takes no invoice without its Leitweg-ID.
    """

    party: str
    name: str
    address: str
    country: str
    vat_id: str
    payment_days: int
    purchase_order: str
    language: Language = "en"
    consolidate: Consolidate = False
    purchase_order_required: bool = False
    direct_debit: bool = False
    mandate: str = ""
    public_buyer: bool = False
    leitweg_id: str = ""


@dataclass(frozen=True, slots=True)
class Setup:
    """What one file sets up."""

    entities: tuple[EntitySetup, ...]
    accounts: tuple[AccountSetup, ...]


def read_setup(text: str | bytes) -> Setup | tuple[Problem, ...]:
    """A file with `schema: billing/1`, `entities` and `accounts`, or all problems in it."""
    documents, problems = read(text)
    if problems or len(documents) != 1:
        return tuple(problems) or (Problem("the file", f"has {len(documents)} documents", "write one"),)
    document = documents[0]
    value = {("format" if key == "schema" else key): item for key, item in dict(document.value or {}).items()}
    try:
        found = _File.model_validate(value)
    except ValidationError as error:
        return tuple(Problem(document.place(_path(item["loc"])), item["msg"]) for item in error.errors())
    return Setup(tuple(map(_entity, found.entities)), tuple(map(_account, found.accounts)))


def _check_vat_id(vat_id: str, country: str) -> None:
    if vat_id and (found := fault(vat_id, country)):
        raise ValueError(found)


def _check_groups(consolidate: Consolidate) -> None:
    if isinstance(consolidate, bool):
        return
    names = [name for members in consolidate.values() for name in members]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"consolidate: {', '.join(twice)} stands in two groups; a contract has one invoice a period")


def _path(place: tuple[int | str, ...]) -> Path:
    return tuple("schema" if part == "format" else part for part in place)


def _tax(entity: _Entity) -> Tax | None:
    if (entity.tax_category is None) != (entity.tax_rate is None):
        raise NotATax("tax_category and tax_rate go together: give both or neither")
    if entity.tax_category is None or entity.tax_rate is None:
        return None
    return Tax(entity.tax_category, Decimal(entity.tax_rate.removesuffix(" %")))


def _entity(found: _Entity) -> EntitySetup:
    words = found.model_dump(exclude={"tax_category", "tax_rate", "dunning", "materiality"})
    return EntitySetup(**words, tax=_tax(found), dunning=found.dunning, material=_material(found.materiality))


def _material(found: _Material | None) -> Material | None:
    if found is None:
        return None
    return Material(Decimal(found.share.removesuffix(" %")) / 100, Money.parse(found.amount))


def _account(found: _Account) -> AccountSetup:
    return AccountSetup(**found.model_dump(exclude={"payment_days"}), payment_days=int(found.payment_days))
