"""From evaluations to money.

Owns: billing runs, invoices, numbering, tax, the ledger, breach reports.
Does not own: how a term is computed.

Invariants: a number series has no gap; an issued document never changes; every transfer has one debit and one credit;
the lines of an invoice add up to its totals exactly; issuing again issues nothing twice.
"""
