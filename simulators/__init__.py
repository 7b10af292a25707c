"""Devices that know the truth, and what can go wrong between them and us.

Owns: simulated trucks and printers, fault injection, scenarios, the record of what truly happened.
Does not own: anything of the product. It speaks the wire format and imports none of the other packages, so that it
cannot share their mistakes.

Invariants: truth is made of integers alone and depends on the seed, the device's name and the date only; a reading
says exactly the truth of its instant; a message is dropped only after the broker has acknowledged it.
"""
