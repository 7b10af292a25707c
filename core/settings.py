"""What a process is told by its environment; read once, at the rim."""

import os
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

YOUNGEST_COMPRESSED = 35
"""Days of readings that are never compressed: they are late for so long."""
ADDRESS = r"^$|^[^\s/@]*:\d{1,5}$"


class Settings(BaseSettings):
    """The environment variables `YARDSTICK_…`. Unset URLs mean: use the embedded services (see `embedded/`)."""

    model_config = SettingsConfigDict(env_prefix="YARDSTICK_", frozen=True)

    database_url: str | None = None
    """PostgreSQL with TimescaleDB, e.g. `postgresql://user:secret@host/yardstick`."""
    broker_url: str | None = None
    """MQTT 5 broker, e.g. `mqtt://host:1883`."""
    broker_ca: str | None = None
    """File of the authority that signed the broker's certificate (`mqtts://`); unset: the system's authorities."""
    broker_certificate: str | None = None
    """File of our own certificate, where the broker asks for one; `broker_key`: of its key. `{client}` in either stands
    for the client id of an ingester, so that each of several processes has its own."""
    broker_key: str | None = None
    ingest_client: str = "ingest-1"
    """Fixed MQTT client id of this ingester: its session, and what waits in it, belongs to this name."""
    ingest_group: str = Field(default="", pattern=r"^[^/+#\s]*$")
    """Ingesters of one group share the messages (MQTT 5 shared subscription); empty: this one takes all."""
    ingest_http: str = Field(default="", pattern=ADDRESS)
    """`host:port` on which an ingester answers /metrics, /healthz and /readyz; empty: on none. Of several processes
    the n-th takes the n-th port from there on."""
    schedule_http: str = Field(default="", pattern=ADDRESS)
    """The same for `yardstick schedule`; `serve_http`: for `yardstick serve`, beside what it serves to everybody."""
    serve_http: str = Field(default="", pattern=ADDRESS)
    columnstore_after: int = Field(default=0, ge=0)
    """Days after which chunks of readings go into TimescaleDB's columnstore, at least 35; 0: never. Only the community
    edition has one; on another the scheduler says so and compresses nothing."""
    workers: int = Field(default_factory=lambda: os.cpu_count() or 1, ge=1)
    """How many processes share a large billing run; unset: as many as there are cores."""
    log: Literal["json", "text"] = "json"
    """How programs log: a JSON object a line, or lines for people."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)

    @field_validator("columnstore_after")
    @classmethod
    def _old_enough(cls, days: int) -> int:
        if 0 < days < YOUNGEST_COMPRESSED:
            raise ValueError(f"{days} days are too few: write {YOUNGEST_COMPRESSED} or more, or 0 for never")
        return days
