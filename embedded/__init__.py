"""Real TimescaleDB and Mosquitto for a machine that brings none.

Owns: fetching Debian's packages into a private folder, starting and stopping the servers there.
Does not own: anything of the product; the host system, which it never changes.

Invariants: an interrupted download or start is repaired by the next one; only processes started here are ended here.
"""
