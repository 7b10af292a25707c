"""Bank statements (camt.053, any version) as credits received, and which invoices they pay."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from lxml import etree

from billing.reference import reference_of
from core.money import Money, NotMoney, exponent
from core.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

By: TypeAlias = Literal["reference", "number", "amount", "hand", "none"]
LARGEST = 32 * 2**20
UNNAMED = frozenset({"", "NONREF", "NOTPROVIDED", "NONE", "UNKNOWN"})
"""References of banks that give none."""


class Unreadable(ValueError):
    """What is wrong with an entry of a statement."""


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

    No entity, DTD or network is touched. A batch is taken apart where the bank gives its transactions, and their
    amounts come to that of the batch; else it is one credit. One entry that cannot be read refuses the file.
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
    found = [item for statement in statements for item in _credits(statement)]
    problems = tuple(item for item in found if isinstance(item, Problem))
    return problems or tuple(item for item in found if isinstance(item, Credit))


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
            return share(credit.amount, [item for item in same if named & {item.number, *item.about}], by)
    same = [item for item in owed if item.left == credit.amount and _name(item.payer) == _name(credit.payer)]
    return share(credit.amount, same, "amount") if len(same) == 1 else Match("none", (), credit.amount)


def _named(owed: Iterable[Owed], is_written: Callable[[str], bool]) -> frozenset[str]:
    """Numbers that a payer wrote; with a letter's, those of its invoices."""
    found: set[str] = set()
    for item in owed:
        if is_written(item.number):
            found |= {item.number, *item.about}
        found |= {number for number in item.about if is_written(number)}
    return frozenset(found)


def share(amount: Money, named: Iterable[Owed], by: By) -> Match:
    """An amount over what is owed, in this order, each as far as it goes. All in one currency."""
    rest, paid = amount, []
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


def _credits(statement: Any) -> Iterator[Credit | Problem]:
    seen: Counter[str] = Counter()
    for n, entry in enumerate(_all(statement, "Ntry"), start=1):
        status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
        if _text(entry, "CdtDbtInd") != "CRDT" or status != "BOOK" or _text(entry, "RvslInd") in ("true", "1"):
            continue
        try:
            day, parts = _day(entry), _parts(entry)
        except Unreadable as error:
            place = f"statement {_text(statement, 'Id')}, entry {_text(entry, 'NtryRef') or n}"
            yield Problem(place, str(error), "ask the bank for it, or leave the entry out and record it by hand")
            continue
        named = _text(entry, "AcctSvcrRef")
        for m, (detail, amount) in enumerate(parts):
            payer = _text(detail, "RltdPties/Dbtr/Nm") or _text(detail, "RltdPties/Dbtr/Pty/Nm")
            text = " ".join(_words(detail))
            if named.upper() in UNNAMED:
                said = _digest(_account(statement), day.isoformat(), str(amount), payer, text)
                key, seen[said] = f"{said}/{seen[said]}", seen[said] + 1
            else:
                key = f"{named}/{m}"
            yield Credit(key, day, amount, payer, text)


def _day(entry: Any) -> date:
    """On which it was booked, or took effect."""
    for path in ("BookgDt/Dt", "BookgDt/DtTm", "ValDt/Dt", "ValDt/DtTm"):
        if found := _text(entry, path):
            try:
                return date.fromisoformat(found[:10])
            except ValueError:
                raise Unreadable(f"its day {found!r} is none") from None
    raise Unreadable("it has no day")


def _parts(entry: Any) -> list[tuple[Any, Money]]:
    """Its transactions with their amounts, or the whole entry."""
    whole = _amount(_first(entry, "Amt"))
    details = _all(entry, "NtryDtls/TxDtls")
    if len(details) > 1:
        found = [_first(detail, "Amt") for detail in details]
        found = [_first(x, "AmtDtls/TxAmt/Amt") if y is None else y for x, y in zip(details, found, strict=True)]
        if None not in found:
            amounts = [_amount(node) for node in found]
            same = all(amount.currency == whole.currency for amount in amounts)
            if same and Money.total(amounts, whole.currency) == whole:
                return list(zip(details, amounts, strict=True))
        return [(entry, whole)]
    return [(details[0] if details else entry, whole)]


def _amount(node: Any) -> Money:
    if node is None:
        raise Unreadable("it has no amount")
    words = f"{(node.text or '').strip()} {node.get('Ccy', '')}"
    try:
        found = Money.parse(words)
    except NotMoney:
        raise Unreadable(f"its amount {words!r} is none; write it as 100.00 with a currency of ISO 4217") from None
    if found.amount <= 0 or -int(found.amount.normalize().as_tuple().exponent) > exponent(found.currency):
        raise Unreadable(f"its amount {found} is none that can be paid: above zero, in whole parts of the currency")
    return found


def _account(statement: Any) -> str:
    return _text(statement, "Acct/Id/IBAN") or _text(statement, "Acct/Id/Othr/Id")


def _digest(*words: str) -> str:
    """What tells a credit from others where the bank gives it no name, in any statement that has it."""
    return sha256("\n".join(words).encode()).hexdigest()[:16]


def _words(detail: Any) -> Iterator[str]:
    """Of a transaction, or of all in an entry that is taken as a whole."""
    for inner in _all(detail, "NtryDtls/TxDtls"):
        yield from _words(inner)
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
