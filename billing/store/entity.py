"""Who issues invoices and who is billed."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, text

from billing.case import Demands, Material
from billing.dunning import Procedure
from billing.invoice import Party
from billing.tax import Tax
from contracts.store.contract import new_id
from core import canonical
from core.money import Money

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from billing.bundle import Consolidate
    from billing.setup import AccountSetup, EntitySetup

SAVE_ENTITY = text("""
    INSERT INTO billing.entity
        (public_id, party, name, address, country, vat_id, prefix, timezone, tax_category, tax_rate, vat_currency,
         rate_source, dunning, materiality)
    VALUES (:public_id, :party, :name, :address, :country, :vat_id, :prefix, :timezone, :tax_category, :tax_rate,
        :vat_currency, :rate_source, cast(:dunning AS jsonb), cast(:materiality AS jsonb))
    ON CONFLICT (party) DO UPDATE SET name = excluded.name, address = excluded.address, country = excluded.country,
        vat_id = excluded.vat_id, prefix = excluded.prefix, timezone = excluded.timezone,
        tax_category = excluded.tax_category, tax_rate = excluded.tax_rate,
        vat_currency = excluded.vat_currency, rate_source = excluded.rate_source, dunning = excluded.dunning,
        materiality = excluded.materiality
""")
SAVE_ACCOUNT = text("""
    INSERT INTO billing.account (party, name, address, country, vat_id, payment_days, purchase_order,
        language, consolidate, purchase_order_required, direct_debit, mandate, public_buyer, leitweg_id)
    VALUES (:party, :name, :address, :country, :vat_id, :payment_days, :purchase_order, :language,
        cast(:consolidate AS jsonb), :purchase_order_required, :direct_debit, :mandate, :public_buyer, :leitweg_id)
    ON CONFLICT (party) DO UPDATE SET name = excluded.name, address = excluded.address, country = excluded.country,
        vat_id = excluded.vat_id, payment_days = excluded.payment_days, purchase_order = excluded.purchase_order,
        language = excluded.language, consolidate = excluded.consolidate,
        purchase_order_required = excluded.purchase_order_required, direct_debit = excluded.direct_debit,
        mandate = excluded.mandate, public_buyer = excluded.public_buyer, leitweg_id = excluded.leitweg_id
""")
ENTITY = text("SELECT * FROM billing.entity WHERE name = :name")
ENTITY_OF_INVOICE = text("""
    SELECT e.* FROM billing.entity AS e JOIN billing.series AS s ON s.entity = e.id
    JOIN billing.invoice AS i ON i.series = s.id WHERE i.id = :invoice AND e.party = :party
""")
ENTITY_OF = text("SELECT * FROM billing.entity WHERE party = :party")
ENTITY_BY_ID = text("SELECT * FROM billing.entity WHERE id = :id")
ACCOUNTS = text("""
    SELECT party, name, address, country, vat_id, payment_days, purchase_order, language, consolidate,
        purchase_order_required, direct_debit, mandate, public_buyer, leitweg_id
    FROM billing.account WHERE party = ANY(:parties)
""")


@dataclass(frozen=True, slots=True)
class Entity:
    """A provider's legal entity. tax: what holds where a contract names none."""

    id: int
    public_id: str
    party: int
    seller: Party
    prefix: str
    timezone: str
    tax: Tax | None
    vat_currency: str | None
    rate_source: str
    dunning: Procedure | None
    material: Material | None = None


@dataclass(frozen=True, slots=True)
class Account:
    """A debtor. needs_order: it pays nothing without a purchase order; mandate: by which it is debited."""

    party: int
    buyer: Party
    payment_days: int
    purchase_order: str
    language: str
    consolidate: Consolidate = False
    needs_order: bool = False
    direct_debit: bool = False
    mandate: str = ""
    public_buyer: bool = False
    leitweg_id: str = ""

    @property
    def named_with(self) -> dict[str, str]:
        """What documents name beside the buyer, where it is set up."""
        found = {"mandate": self.mandate if self.direct_debit else "", "leitweg_id": self.leitweg_id}
        return {name: text for name, text in found.items() if text}

    def demands(self, material: Material | None, too_much: tuple[Money, ...]) -> Demands:
        """What drafts for it are held against. too_much: what it has paid too much, by currency."""
        return Demands(
            order=self.needs_order,
            mandate=self.direct_debit and not self.mandate,
            leitweg=self.public_buyer and not self.leitweg_id,
            balance=too_much,
            material=material,
        )


def save_entity(connection: Connection, party: int, entity: EntitySetup) -> None:
    """Create or correct a legal entity; invoices that are issued keep what they print."""
    row = {name: getattr(entity, name) for name in ("name", "address", "country", "vat_id", "prefix", "timezone")}
    tax, material = entity.tax, entity.material
    row |= {
        "materiality": material and canonical.text({"share": f"{material.share:f}", "amount": str(material.amount)})
    }
    row |= {name: getattr(entity, name) for name in ("vat_currency", "rate_source")}
    row |= {"dunning": entity.dunning.model_dump_json(exclude_none=True) if entity.dunning else None}
    row |= {"tax_category": tax.category if tax else None, "tax_rate": tax.rate if tax else None}
    connection.execute(SAVE_ENTITY, row | {"public_id": new_id("ent"), "party": party})


def save_accounts(connection: Connection, accounts: Sequence[tuple[int, AccountSetup]]) -> None:
    """Create or correct debtors, by party."""
    names = (
        "name", "address", "country", "vat_id", "payment_days", "purchase_order", "purchase_order_required", "language",
        "direct_debit", "mandate", "public_buyer", "leitweg_id",
    )  # fmt: skip
    rows = [
        {name: getattr(account, name) for name in names}
        | {"party": party, "consolidate": canonical.text(account.consolidate)}
        for party, account in accounts
    ]
    if rows:
        connection.execute(SAVE_ACCOUNT, rows)


def entity_named(connection: Connection, name: str) -> Entity | None:
    """The legal entity of this name."""
    return _entity(connection.execute(ENTITY, {"name": name}).mappings().first())


def entity_of(connection: Connection, party: int) -> Entity | None:
    """The legal entity by which a party sells, if it is set up."""
    return _entity(connection.execute(ENTITY_OF, {"party": party}).mappings().first())


def entity_by_id(connection: Connection, id: int) -> Entity:  # noqa: A002
    """A legal entity that exists."""
    found = _entity(connection.execute(ENTITY_BY_ID, {"id": id}).mappings().one())
    if found is None:
        raise LookupError(f"no entity {id}")
    return found


def entity_of_invoice(connection: Connection, invoice: int, party: int) -> Entity | None:
    """The legal entity that issued a document, if it is this party's."""
    given = {"invoice": invoice, "party": party}
    return _entity(connection.execute(ENTITY_OF_INVOICE, given).mappings().first())


def accounts(connection: Connection, parties: Iterable[int]) -> dict[int, Account]:
    """Debtors by party; those that are not set up are missing."""
    rows = connection.execute(ACCOUNTS, {"parties": list(parties)})
    return {
        row.party: Account(
            row.party,
            Party(row.name, row.address, row.country, row.vat_id),
            row.payment_days,
            row.purchase_order,
            row.language,
            row.consolidate,
            row.purchase_order_required,
            row.direct_debit,
            row.mandate,
            row.public_buyer,
            row.leitweg_id,
        )
        for row in rows
    }


def _entity(row: Any) -> Entity | None:
    if row is None:
        return None
    return Entity(
        **{
            name: row[name]
            for name in ("id", "public_id", "party", "prefix", "timezone", "vat_currency", "rate_source")
        },
        seller=Party(*(row[name] for name in ("name", "address", "country", "vat_id"))),
        tax=None if row["tax_category"] is None else Tax(row["tax_category"], Decimal(row["tax_rate"])),
        material=None
        if row["materiality"] is None
        else Material(Decimal(row["materiality"]["share"]), Money.parse(row["materiality"]["amount"])),
        dunning=None if row["dunning"] is None else Procedure.model_validate(row["dunning"]),
    )
