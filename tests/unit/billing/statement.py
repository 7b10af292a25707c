"""A bank statement as banks write it."""

from collections.abc import Iterable

CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S1</Id>{entries}</Stmt>
</BkToCstmrStmt></Document>"""
ENTRY = """<Ntry><NtryRef>{ref}</NtryRef><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>
<Sts><Cd>{status}</Cd></Sts><BookgDt><Dt>2026-07-20</Dt></BookgDt><AcctSvcrRef>{ref}</AcctSvcrRef><NtryDtls><TxDtls>
<Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>{payer}</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"""


def entry(ref: str, amount: str, text: str, payer: str = "Haulier BV", side: str = "CRDT", status: str = "BOOK") -> str:
    """One booking."""
    return ENTRY.format(ref=ref, amount=amount, text=text, payer=payer, side=side, status=status)


def camt(entries: Iterable[str]) -> bytes:
    """A whole file."""
    return CAMT.format(entries="".join(entries)).encode()
