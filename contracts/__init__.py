"""The agreement as data, in words and in numbers.

Owns: parties, contracts and versions, coverage (asset, contract), notices, attributions, the engine, evaluations,
breaches.
Does not own: invoices and payments; how a reading is received.

Invariants: `engine.needs` and `engine.evaluate` are pure, and the only formula for every number shown or billed; the
same inputs give the same result hash; a sentence is rendered from the parameters that its rule uses; versions and
evaluations are appended, never changed.
"""
