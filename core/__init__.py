"""Words and wires that every package uses.

Owns: money, units, periods, identifiers, problems, settings, the database connection, the clock, and the three tables
that everyone writes in the caller's transaction: `knowledge`, `audit`, `outbox`.
Does not own: any business rule.

Invariants: money and quantities never pass through a float; spans are half-open; instants are UTC; nothing here reads
the clock except `core/clock.py`.
"""
