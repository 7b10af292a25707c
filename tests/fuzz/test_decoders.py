"""A minute of fuzzing in `make test`; FUZZ_SECONDS changes it."""

import os

import pytest

from tests.fuzz.decoders import SEEDS, one, search


def test_every_seed_is_read_on_every_topic() -> None:
    for seed in SEEDS:
        for choice in range(64):
            one(bytes([choice]) + seed)


@pytest.mark.slow
def test_nothing_is_found_in_a_minute() -> None:
    assert search(float(os.environ.get("FUZZ_SECONDS", "60")), seed=1) > 100
