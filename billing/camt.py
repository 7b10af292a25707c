"""Bank statements (camt.053, any version) as what came in and what the bank took back."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from billing.xml import read_xml
from core.money import Money, NotMoney, exponent
from core.problem import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

UNNAMED = frozenset({"", "NONREF", "NOTPROVIDED", "NONE", "UNKNOWN"})
"""References of banks that give none."""


class Unreadable(ValueError):
    """What is wrong with an entry of a statement."""


@dataclass(frozen=True, slots=True)
class Credit:
    """Money received. key: what identifies it at the bank; text: all that the payer wrote, references first.

    end_to_end: by which the bank names it if it is returned; bounced: it is money of ours that came back.
    """

    key: str
    day: date
    amount: Money
    payer: str
    text: str
    end_to_end: str = ""
    bounced: bool = False


@dataclass(frozen=True, slots=True)
class Return:
    """Money received before that the bank took back: a direct debit that was not paid, or a reversed booking.

    amount: what was received; fee: what was taken beyond it; end_to_end: that of what is returned, as its payer or we
    gave it; reason: the bank's code (ISO 20022 external return reason, e.g. AC04, MD06); text: its words.
    """

    key: str
    day: date
    amount: Money
    fee: Money
    end_to_end: str
    reason: str
    text: str


def read_statement(source: bytes) -> tuple[Credit | Return, ...] | tuple[Problem, ...]:
    """What a camt.053 file says was booked in, and what the bank took back, in its order; or why it cannot be read.

    No entity, DTD or network is touched. A batch is taken apart where the bank gives its transactions, and their
    amounts come to that of the batch; else it is one. One entry that cannot be read refuses the file. Other money that
    left the account is left out.
    """
    root = read_xml(source, remedy="export it again as camt.053")
    if isinstance(root, Problem):
        return (root,)
    statements = _all(root, "Stmt")
    if not statements:
        return (Problem("the file", "has no Stmt", "export it as camt.053"),)
    found = [item for statement in statements for item in _entries(statement)]
    problems = tuple(item for item in found if isinstance(item, Problem))
    return problems or tuple(item for item in found if not isinstance(item, Problem))


def payable(text: str) -> Money:
    """An amount that can be paid, written as 100.00 EUR. Raises Unreadable."""
    try:
        found = Money.parse(text)
    except NotMoney:
        raise Unreadable(f"its amount {text!r} is none; write it as 100.00 with a currency of ISO 4217") from None
    if found.amount <= 0 or -int(found.amount.normalize().as_tuple().exponent) > exponent(found.currency):
        raise Unreadable(f"its amount {found} is none that can be paid: above zero, in whole parts of the currency")
    return found


def _entries(statement: Any) -> Iterator[Credit | Return | Problem]:
    seen: Counter[str] = Counter()
    for n, entry in enumerate(_all(statement, "Ntry"), start=1):
        status = _text(entry, "Sts/Cd") or _text(entry, "Sts")
        if status != "BOOK" or not _concerns_us(entry):
            continue
        try:
            yield from _items(entry, statement, seen)
        except Unreadable as error:
            place = f"statement {_text(statement, 'Id')}, entry {_text(entry, 'NtryRef') or n}"
            yield Problem(place, str(error), "ask the bank for it, or leave the entry out and record it by hand")


def _concerns_us(entry: Any) -> bool:
    """Money in, unless it reverses money out that is not ours to book; money out that gives money in back."""
    returned, reversed_ = bool(_all(entry, "NtryDtls/TxDtls/RtrInf")), _text(entry, "RvslInd") in ("true", "1")
    side = _text(entry, "CdtDbtInd")
    return (side == "CRDT" and (returned or not reversed_)) or (side == "DBIT" and (returned or reversed_))


def _items(entry: Any, statement: Any, seen: Counter[str]) -> Iterator[Credit | Return]:
    day, parts, named = _day(entry), _parts(entry), _text(entry, "AcctSvcrRef")
    gives_back, reversed_ = _text(entry, "CdtDbtInd") == "DBIT", _text(entry, "RvslInd") in ("true", "1")
    for m, (detail, amount) in enumerate(parts):
        payer = _text(detail, "RltdPties/Dbtr/Nm") or _text(detail, "RltdPties/Dbtr/Pty/Nm")
        text, end_to_end = " ".join(_words(detail)), _reference(detail)
        returned = bool(_all(detail, "RtrInf") or _all(detail, "NtryDtls/TxDtls/RtrInf"))
        if gives_back and not (returned or reversed_):
            continue
        if named.upper() in UNNAMED:
            sides = ["returned"] if gives_back else []
            said = _digest(_account(statement), day.isoformat(), str(amount), payer, text, *sides)
            key, seen[said] = f"{said}/{seen[said]}", seen[said] + 1
        else:
            key = f"{named}/{m}"
        if gives_back:
            yield _return(key, day, amount, detail=detail, end_to_end=end_to_end)
        else:
            yield Credit(key, day, amount, payer, text, end_to_end, bounced=returned)


def _return(key: str, day: date, taken: Money, *, detail: Any, end_to_end: str) -> Return:
    """Banks take their charges, and sometimes interest, with what they return: what is beyond the original is a fee."""
    original = _first(detail, "AmtDtls/InstdAmt/Amt")
    amount = taken - _charges(detail, taken.currency) if original is None else _amount(original)
    if amount.currency != taken.currency or not 0 < amount.amount <= taken.amount:
        raise Unreadable(f"it takes {taken} for what was {amount}")
    reason = _text(detail, "RtrInf/Rsn/Cd") or _text(detail, "RtrInf/Rsn/Prtry")
    words = " ".join(node.text.strip() for node in _all(detail, "RtrInf/AddtlInf") if node.text)
    return Return(key, day, amount, taken - amount, end_to_end, reason, words)


def _charges(detail: Any, currency: str) -> Money:
    """What an amount includes beside the original, where the bank says only that."""
    records = _all(detail, "Chrgs/Rcrd") or _all(detail, "Chrgs")
    own = [x for x in records if _text(x, "ChrgInclInd") not in ("false", "0") and _text(x, "CdtDbtInd") != "CRDT"]
    amounts = [_amount(node) for node in (_first(x, "Amt") for x in own) if node is not None]
    return Money.total([x for x in amounts if x.currency == currency], currency)


def _reference(detail: Any) -> str:
    """The end-to-end id; empty where none was given, or several."""
    found = _all(detail, "Refs/EndToEndId") or _all(detail, "NtryDtls/TxDtls/Refs/EndToEndId")
    given = {(node.text or "").strip() for node in found}
    return given.pop() if len(given) == 1 and not {text.upper() for text in given} & UNNAMED else ""


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
    return payable(f"{(node.text or '').strip()} {node.get('Ccy', '')}")


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
