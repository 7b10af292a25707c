"""What a process is told by its environment; read once, at the rim."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """The environment variables `YARDSTICK_…`. Unset URLs mean: use the embedded services (see `embedded/`)."""

    model_config = SettingsConfigDict(env_prefix="YARDSTICK_", frozen=True)

    database_url: str | None = None
    """PostgreSQL with TimescaleDB, e.g. `postgresql://user:secret@host/yardstick`."""
    broker_url: str | None = None
    """MQTT 5 broker, e.g. `mqtt://host:1883`."""
    ingest_client: str = "ingest-1"
    """Fixed MQTT client id of this ingester: its session, and what waits in it, belongs to this name."""
    ingest_group: str = Field(default="", pattern=r"^[^/+#\s]*$")
    """Ingesters of one group share the messages (MQTT 5 shared subscription); empty: this one takes all."""
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
