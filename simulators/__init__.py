"""Devices that know the truth, and what can go wrong between them and us.

Owns: simulated trucks and printers, fault injection, scenarios, the record of what truly happened.
Does not own: anything of the product. It speaks the wire format and imports none of the other packages, so that it
cannot share their mistakes.
"""
