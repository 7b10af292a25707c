"""How often Python looks for garbage that refers to itself."""

import gc


def collect_rarely() -> None:
    """For programs that make some hundred thousand short-lived objects a second, hardly any in circles.

    Call it when all is imported: what is there by then is not looked at again.
    """
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)
