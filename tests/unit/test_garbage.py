"""Where Python looks for circles rarely, what is left in them stays bounded."""

import gc

from core.garbage import YOUNG, collect_rarely


def test_circles_that_were_left_are_found() -> None:
    before = gc.get_threshold()
    try:
        collect_rarely()
        most = 0
        for _ in range(40):
            for _ in range(20_000):
                circle: list[object] = []
                circle.append(circle)
            most = max(most, len(gc.get_objects()))
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
        gc.collect()
    assert most <= YOUNG + 20_000  # of 800,000
