"""What the door knows: all devices and registers as of a moment."""

from collections import defaultdict
from datetime import datetime

from sqlalchemy import Connection, text

from core.time import micros
from ingest import registry
from ingest.registry import Register, Registry

VERSION = text("""
    SELECT (SELECT coalesce(max(id), 0) FROM ingest.device), (SELECT coalesce(max(id), 0) FROM ingest.register),
        (SELECT coalesce(max(known), 0) FROM ingest.declaration), (SELECT count(*) FROM ingest.state_code),
        (SELECT (extract(epoch FROM until) * 1000000)::bigint FROM ingest.sealed WHERE hypertable = 'reading') AS sealed
""")
REGISTERS = text("""
    SELECT d.name AS device, r.id, r.name, r.kind, r.unit, r.resolution, c.minimum, c.maximum
    FROM ingest.device AS d
    LEFT JOIN ingest.register AS r ON r.device = d.id
    LEFT JOIN LATERAL (
        SELECT minimum, maximum FROM ingest.declaration WHERE register = r.id ORDER BY known DESC LIMIT 1
    ) AS c ON true
""")
STATES = text("SELECT name, id FROM ingest.state_code ORDER BY id")


def snapshot(connection: Connection, at: datetime, previous: Registry | None = None) -> Registry:
    """All devices and registers as of now. at: when reading began; `previous` is reused if nothing was added since."""
    *version, sealed = connection.execute(VERSION).one()
    if previous and previous.version == tuple(version):
        return Registry(previous.devices, previous.states, micros(at), tuple(version), sealed)
    devices: defaultdict[str, dict[str, Register]] = defaultdict(dict)
    for row in connection.execute(REGISTERS):
        registers = devices[row.device]
        if row.id is not None:
            registers[row.name] = registry.register(
                row.id,
                row.name,
                kind=row.kind,
                unit=row.unit,
                resolution=row.resolution,
                minimum=row.minimum,
                maximum=row.maximum,
            )
    states = {row.name: row.id for row in connection.execute(STATES)}
    return Registry(dict(devices), states, micros(at), tuple(version), sealed)
