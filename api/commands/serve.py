"""`yardstick serve`: the HTTP API and the portal."""

import logging
from types import FrameType
from typing import Annotated

import typer
import uvicorn

from api.application import create
from api.commands.connection import address
from core import clock
from core.database import connect
from core.settings import Settings

POOL, COMMANDS = 20, 3


class Server(uvicorn.Server):
    """Ends the live streams when told to stop, for it would wait for them."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """On SIGTERM and Ctrl-C."""
        self.config.app.state.broadcast.stop()  # type: ignore[union-attr]  # it is our application
        super().handle_exit(sig, frame)


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on. [YARDSTICK_HOST]")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. [YARDSTICK_PORT]")] = None,
) -> None:
    """Serve the HTTP API and the portal until SIGTERM or Ctrl-C."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = Settings()
    engine = connect(address(), role="yardstick_api", pool_size=POOL)
    worker = connect(address(), role="yardstick_worker", pool_size=COMMANDS)
    config = uvicorn.Config(
        create(engine, clock.now, worker=worker),
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    Server(config).run()
    engine.dispose()
    worker.dispose()
