"""The quarantine as a work list: look at refused items, then release, reject, correct or replay them."""
