"""Bank statements (camt.053, any version) as credits received, and which invoices they pay."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from lxml import etree

from billing.reference import reference_of
from core.money import Money
from core.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

By: TypeAlias = Literal["reference", "number", "amount", "none"]
LARGEST = 32 * 2**20


@dataclass(frozen=True, slots=True)
class Credit:
    """Money received. key: what identifies it at the bank; text: all that the payer wrote, references first."""

    key: str
    day: date
    amount: Money
    payer: str
    text: str


@dataclass(frozen=True, slots=True)
class Owed:
    """An invoice that is not paid in full, or a letter's charges. left: what is missing; payer: the debtor's name.

    about: of a letter, the numbers of its invoices.
    """

    number: str
    left: Money
    payer: str
    about: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """What a credit pays. rest: what is left of it when every named invoice is paid."""

    by: By
    paid: tuple[tuple[str, Money], ...]
    rest: Money


def read_statement(source: bytes) -> tuple[Credit, ...] | tuple[Problem, ...]:
    """The booked credits of a camt.053 file, in its order; or why it cannot be read.

    No entity, DTD or network is touched. A batch is taken apart where the bank gives its transactions.
    """
    if len(source) > LARGEST:
        return (Problem("the file", f"has more than {LARGEST} bytes", "split it"),)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(source, parser)
    except etree.XMLSyntaxError as error:
        return (Problem("the file", f"is no XML: {error}", "export it again as camt.053"),)
    if root.getroottree().docinfo.doctype:
        return (Problem("the file", "has a document type", "send camt.053 without DOCTYPE"),)
    statements = _all(root, "Stmt")
    if not statements:
        return (Problem("the file", "has no Stmt", "export it as camt.053"),)
    return tuple(credit for statement in statements for credit in _credits(statement))


def match(credit: Credit, owed: Sequence[Owed]) -> Match:
    """The invoices that the payer names, by structured reference before number; else the only one of payer and amount.

    Less than owed pays in part, in the order given: invoices before charges. Who names a letter pays its invoices too;
    who names an invoice, the charges of letters about it last. What nobody can tell stays unmatched, for a person.
    """
    written = credit.text.upper()
    same = [item for item in owed if item.left.currency == credit.amount.currency]
    ways: tuple[tuple[By, frozenset[str]], ...] = (
        ("reference", _named(same, lambda number: _written(reference_of(number), written))),
        ("number", _named(same, lambda number: _written(number, written))),
    )
    for by, named in ways:
        if named:
            return _share(credit, [item for item in same if named & {item.number, *item.about}], by)
    same = [item for item in owed if item.left == credit.amount and _name(item.payer) == _name(credit.payer)]
    return _share(credit, same, "amount") if len(same) == 1 else Match("none", (), credit.amount)


def _named(owed: Iterable[Owed], is_written: Callable[[str], bool]) -> frozenset[str]:
    """Numbers that a payer wrote; with a letter's, those of its invoices."""
    found: set[str] = set()
    for item in owed:
        if is_written(item.number):
            found |= {item.number, *item.about}
        found |= {number for number in item.about if is_written(number)}
    return frozenset(found)


def _share(credit: Credit, named: Iterable[Owed], by: By) -> Match:
    rest, paid = credit.amount, []
    for item in named:
        part = min(rest, item.left)
        if part.amount > 0:
            paid.append((item.number, part))
            rest = rest - part
    return Match(by, tuple(paid), rest)


def _written(number: str, text: str) -> bool:
    """The number as a whole, also broken by spaces: TS-2026-00001 does not stand in TS-2026-000012."""
    letters = r"\s*".join(map(re.escape, number.upper()))
    return bool(number) and bool(re.search(rf"(?<![A-Z0-9]){letters}(?!\d)", text))


def _name(text: str) -> str:
    return "".join(letter for letter in text.casefold() if letter.isalnum())


def _credits(statement: Any) -> Iterator[Credit]:
    for n, entry in enumerate(_all(statement, "Ntry")):
        status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
        if _text(entry, "CdtDbtInd") != "CRDT" or status != "BOOK" or _text(entry, "RvslInd") == "true":
            continue
        day = date.fromisoformat((_text(entry, "BookgDt/Dt") or _text(entry, "BookgDt/DtTm"))[:10])
        details = _all(entry, "NtryDtls/TxDtls") or [entry]
        base = _text(entry, "AcctSvcrRef") or f"{_text(statement, 'Id')}/{_text(entry, 'NtryRef') or n}"
        for m, detail in enumerate(details):
            amount = _first(detail, "Amt") if len(details) > 1 else _first(entry, "Amt")
            if amount is None:
                amount = _first(detail, "AmtDtls/TxAmt/Amt")
            yield Credit(
                f"{base}/{m}",
                day,
                Money.parse(f"{amount.text.strip()} {amount.get('Ccy')}"),
                _text(detail, "RltdPties/Dbtr/Nm") or _text(detail, "RltdPties/Dbtr/Pty/Nm"),
                " ".join(_words(detail)),
            )


def _words(detail: Any) -> Iterator[str]:
    for path in ("Refs/EndToEndId", "RmtInf/Strd/CdtrRefInf/Ref", "RmtInf/Strd/RfrdDocInf/Nb", "RmtInf/Ustrd"):
        yield from (node.text.strip() for node in _all(detail, path) if node.text)


def _all(node: Any, path: str) -> list[Any]:
    """Whatever the namespace, which differs between versions; the first step of Stmt may lie anywhere."""
    steps = "/".join(f"*[local-name()='{step}']" for step in path.split("/"))
    found: list[Any] = node.xpath(f".//{steps}" if path == "Stmt" else f"./{steps}")
    return found


def _first(node: Any, path: str) -> Any:
    return next(iter(_all(node, path)), None)


def _text(node: Any, path: str) -> str:
    found = _first(node, path)
    return "" if found is None else (found.text or "").strip()
