"""A bank statement as banks write it."""

from collections.abc import Iterable

CAMT = """<?xml version="1.0" encoding="UTF-8"?>
<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"><BkToCstmrStmt><Stmt><Id>S1</Id>{entries}</Stmt>
</BkToCstmrStmt></Document>"""
ENTRY = """<Ntry><NtryRef>{ref}</NtryRef><Amt Ccy="EUR">{amount}</Amt><CdtDbtInd>{side}</CdtDbtInd>
<Sts><Cd>{status}</Cd></Sts><BookgDt><Dt>2026-07-20</Dt></BookgDt><AcctSvcrRef>{ref}</AcctSvcrRef><NtryDtls><TxDtls>
<Refs><EndToEndId>{end_to_end}</EndToEndId></Refs><RltdPties><Dbtr><Pty><Nm>{payer}</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls></NtryDtls></Ntry>"""
# A SEPA direct debit that came back with its charges, as German banks book it (return of an issued direct debit).
RETURN = """<Ntry><NtryRef>{ref}</NtryRef><Amt Ccy="EUR">{taken}</Amt><CdtDbtInd>DBIT</CdtDbtInd>{reversal}
<Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-07-24</Dt></BookgDt><ValDt><Dt>2026-07-24</Dt></ValDt>
<AcctSvcrRef>{ref}</AcctSvcrRef><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>IDDT</Cd><SubFmlyCd>UPDD</SubFmlyCd></Fmly></Domn>
</BkTxCd><NtryDtls><TxDtls><Refs><EndToEndId>{end_to_end}</EndToEndId><MndtId>M-17</MndtId></Refs>
{amounts}<RltdPties><Dbtr><Pty><Nm>Haulier BV</Nm></Pty></Dbtr></RltdPties>
<RmtInf><Ustrd>Rechnung</Ustrd></RmtInf>{info}</TxDtls></NtryDtls></Ntry>"""
INFO = "<RtrInf><Rsn><Cd>AC04</Cd></Rsn><AddtlInf>Konto aufgeloest</AddtlInf></RtrInf>"
ORIGINAL = """<AmtDtls><InstdAmt><Amt Ccy="EUR">{amount}</Amt></InstdAmt></AmtDtls><Chrgs><Rcrd>
<Amt Ccy="EUR">3.00</Amt><CdtDbtInd>DBIT</CdtDbtInd><ChrgInclInd>true</ChrgInclInd></Rcrd></Chrgs>"""


def entry(
    ref: str,
    amount: str,
    text: str,
    payer: str = "Haulier BV",
    side: str = "CRDT",
    status: str = "BOOK",
    end_to_end: str = "NOTPROVIDED",
) -> str:
    """One booking."""
    said = {"payer": payer, "side": side, "status": status, "end_to_end": end_to_end}
    return ENTRY.format(ref=ref, amount=amount, text=text, **said)


def returned(
    ref: str, taken: str, end_to_end: str, *, amounts: str = "", info: str = INFO, reversal: bool = False
) -> str:
    """A direct debit that the bank took back."""
    flag = "<RvslInd>true</RvslInd>" if reversal else ""
    said = {"end_to_end": end_to_end, "amounts": amounts, "info": info, "reversal": flag}
    return RETURN.format(ref=ref, taken=taken, **said)


def camt(entries: Iterable[str]) -> bytes:
    """A whole file."""
    return CAMT.format(entries="".join(entries)).encode()
