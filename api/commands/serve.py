"""`yardstick serve`: the HTTP API and the portal."""

from types import FrameType
from typing import Annotated

import typer
import uvicorn

from api import metric
from api.application import create
from api.commands.connection import address
from api.log import begin
from api.watch import Watched, database_problems, watching
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
    settings = Settings()
    begin(settings)
    metrics = metric.registry()
    engine = connect(address(), role="yardstick_api", pool_size=POOL)
    worker = connect(address(), role="yardstick_worker", pool_size=COMMANDS)
    config = uvicorn.Config(
        create(engine, clock.now, answered=metric.Requests(metrics).answered, worker=worker, workers=settings.workers),
        host=settings.host if host is None else host,
        port=settings.port if port is None else port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    with watching(settings.serve_http, Watched(metrics, live=list, ready=lambda: database_problems(engine))):
        Server(config).run()
    engine.dispose()
    worker.dispose()
