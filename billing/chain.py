"""Hashes that seal what was issued, and the chain from each document of a series to the one before."""

from __future__ import annotations

from hashlib import sha256
from itertools import groupby
from typing import TYPE_CHECKING, Any

from core import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from billing.invoice import Document


OCCASION = frozenset({"id", "knowledge", "result_hash"})
"""What names an evaluation rather than its content; result_hash covers the knowledge's number too."""


def content_hash(document: Document) -> str:
    """What "the same invoice" means: everything printed but number and dates, and random names in it.

    A verifier computes it from an issued document and from its own evaluation of the same facts alike.
    """
    return sealed(document)[1]


def sealed(document: Document) -> tuple[str, str]:
    """The document as canonical JSON, and its content hash. What is hashed as it is printed is written once.

    Raises core.canonical.NotCanonical for a float that billing wrote; what an evaluation says is read without any.
    """
    for part in (document, *document["lines"]):
        if float in map(type, part.values()):
            raise canonical.NotCanonical(f"a float in {[name for name in part if type(part[name]) is float]}")
    content = _content(document)
    printed, hashed = [], []
    for differs, names in groupby(sorted(document), {*content, "issue"}.__contains__):
        keys = list(names)
        text = canonical.written_of_json({name: document[name] for name in keys})[1:-1]
        printed.append(text)
        if differs:
            text = canonical.written_of_json({name: content[name] for name in keys if name in content})[1:-1]
        if text:
            hashed.append(text)
    return (b"{%b}" % b",".join(printed)).decode(), sha256(b"{%b}" % b",".join(hashed)).hexdigest()


def _content(document: Document) -> dict[str, Any]:
    """What is hashed otherwise than it is printed."""
    found: dict[str, Any] = {"evaluation": _steady(document["evaluation"])}
    if any(line.get("corrects", line) is not None for line in document["lines"]):
        found["lines"] = [line | {"corrects": _reference(line.get("corrects"))} for line in document["lines"]]
    if "parts" in document:
        found["parts"] = [part | {"evaluation": _steady(part["evaluation"])} for part in document["parts"]]
    if "corrects" in document:
        found["corrects"] = _steady(document["corrects"])
    return found


def _reference(words: Mapping[str, Any] | None) -> Any:
    """What a delta line refers to, without random names."""
    if words is None:
        return None
    evaluations = [_steady(each) for each in words.get("evaluations", [])]
    invoice = words["invoice"] and _steady(words["invoice"])
    return {**words, "invoice": invoice, "evaluations": evaluations}


def _steady(named: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in named.items() if key not in OCCASION}


def chain_hash(previous: str, content: str, *, number: str, issue_date: date) -> str:
    """Ties a document to its number, its date and its predecessor in the series ("" for the first)."""
    return canonical.digest([previous, number, issue_date.isoformat(), content])


def run_hash(drafts: Iterable[tuple[str, str]]) -> str:
    """What an approval is bound to: over (contract, draft hash), sorted."""
    return digest_of_sorted(sorted(drafts))


def digest_of_sorted(drafts: Iterable[tuple[str, str]]) -> str:
    """The same of drafts that come in order of their contracts, one after the other."""
    found = sha256(b"[")
    for n, draft in enumerate(drafts):
        found.update((b"," if n else b"") + canonical.text(draft).encode())
    found.update(b"]")
    return found.hexdigest()


def report_hash(document: Mapping[str, Any]) -> str:
    """Seals a breach report as issued."""
    return canonical.digest(document)
