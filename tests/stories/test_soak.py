"""The soak of `make soak`, short."""

import pytest
from sqlalchemy import Engine

from tests.soak import soak

pytestmark = [pytest.mark.services, pytest.mark.slow]


def test_nothing_is_lost_doubled_or_quarantined_wrongly_whatever_is_killed(
    engine: Engine, admin_engine: Engine, broker: str, environment: dict[str, str]
) -> None:
    result = soak(engine, admin_engine, broker, environment, messages=30_000, kills=6)
    assert result.is_sound, result.table()
    assert (result.lost, result.wrong, result.holes, result.quarantined) == (0, 0, 0, result.garbage)
    assert result.stored == 30_000 - result.garbage
    assert result.kills >= 6
