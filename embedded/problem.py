"""What is said when the machine cannot provide the services."""

from __future__ import annotations

ALTERNATIVES = """\
Two alternatives need nothing of this:
  * bring your own TimescaleDB and MQTT 5 broker:
      export YARDSTICK_DATABASE_URL=postgresql+psycopg://USER:PASSWORD@HOST:5432/DATABASE
      export YARDSTICK_BROKER_URL=mqtt://HOST:1883
  * use containers:  docker compose up"""


class EmbeddedError(Exception):
    """The services cannot be provided here; the text says what is missing and what else can be done."""

    def __init__(self, what: str) -> None:
        super().__init__(f"{what}\n{ALTERNATIVES}")
