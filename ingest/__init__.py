"""From a device's message to a reading that can be billed.

Owns: devices, assets, positions, registers, readings, quarantine, breaks, and what devices said over time.
Does not own: what usage is worth; who is right about a stop.

Invariants: a message is acknowledged only after its readings are committed; every item received is stored, a
duplicate, or quarantined with a reason; a reading never changes; a counter's quantity over [a, b) is V(b) - V(a) less
the breaks in between, whatever the order of arrival.
"""
