"""Use case: tell before a certificate or a revocation list ends, for then its devices cannot sign in any more."""

from datetime import datetime, timedelta

from sqlalchemy import Engine

from core.database import transaction
from ingest.store import certificate

WITHIN = timedelta(days=30)


def watch(engine: Engine, at: datetime) -> int:
    """Raise an alarm, once for each, for what ends within 30 days or has ended; returns how many are new."""
    with transaction(engine) as connection:
        return certificate.raise_alarms(connection, at, within=WITHIN)
