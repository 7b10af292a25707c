"""How often Python looks for garbage that refers to itself."""

import gc

YOUNG = 300_000
"""A chunk of contracts holds fewer objects than so many, so that none is looked through for circles in vain."""


def collect_rarely() -> None:
    """For programs that make some hundred thousand short-lived objects a second, hardly any in circles.

    Call it when all is imported: what is there by then is not looked at again. Circles that were left are found once
    so many objects are more than before.
    """
    gc.freeze()
    gc.set_threshold(YOUNG, 5, 5)
