"""The server as a program: it starts, hands out what a key may see, keeps pages live, and ends when told to."""

import asyncio
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import httpx
import pytest
from sqlalchemy import Engine, text

from api import main
from api.errors import TooBusy
from api.live import MOST_CONNECTIONS, Broadcast
from core.database import transaction
from tests.fleet import PASSWORD
from tests.stories.ingesting import eventually

pytestmark = pytest.mark.services
PATIENCE = 20
Result = TypeVar("Result")


@pytest.fixture
def party(engine: Engine) -> str:
    with transaction(engine) as connection:
        connection.execute(
            text("INSERT INTO contracts.party (public_id, name, created_at) VALUES ('par_a', 'Acme', now())")
        )
    return "Acme"


@pytest.fixture
def commands(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", environment["YARDSTICK_DATABASE_URL"])


@pytest.fixture
def server(environment: dict[str, str]) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = subprocess.Popen([sys.executable, "-m", "api.main", "serve", "--port", str(port)], env=environment)
    address = f"http://127.0.0.1:{port}"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            httpx.get(f"{address}/healthz")
            break
        except httpx.ConnectError:
            time.sleep(0.05)
    yield address, program
    program.kill()
    program.wait()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[object, str]:
    """A command's exit code and what it printed."""
    with pytest.raises(SystemExit) as ended:
        main.app(list(arguments))
    said = capsys.readouterr()
    return ended.value.code, said.out + said.err


def test_it_is_watched_at_an_address_of_its_own(environment: dict[str, str]) -> None:
    with socket.socket() as one, socket.socket() as other:
        for free in (one, other):
            free.bind(("127.0.0.1", 0))
        port, private = (free.getsockname()[1] for free in (one, other))
    told = environment | {"YARDSTICK_SERVE_HTTP": f"127.0.0.1:{private}"}
    command = [sys.executable, "-m", "api.main", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=told) as program:
        try:
            eventually(lambda: answers(f"http://127.0.0.1:{port}/readyz") == 200)
            assert answers(f"http://127.0.0.1:{port}/metrics") == 404  # not for everybody
            assert answers(f"http://127.0.0.1:{port}/v1/nobody's") == 404
            assert answers(f"http://127.0.0.1:{port}/v1/contracts") == 401
            assert [answers(f"http://127.0.0.1:{private}/{path}") for path in ("healthz", "readyz")] == [200, 200]
            said = httpx.get(f"http://127.0.0.1:{private}/metrics").text
        finally:
            program.terminate()
    lines = [line.rpartition(" ") for line in said.splitlines() if "_count{" in line]
    counts = {name: float(value) for name, _, value in lines}
    of = 'yardstick_http_request_seconds_count{{method="GET",route="{}",status="{}"}}'
    assert counts[of.format("/readyz", 200)] >= 1
    assert counts[of.format("/v1/contracts", 401)] == 1
    assert counts[of.format("none", 404)] == 2
    assert "nobody" not in said


def answers(url: str) -> int:
    try:
        return httpx.get(url).status_code
    except httpx.ConnectError:
        return 0


@pytest.mark.usefixtures("commands")
def test_a_key_from_the_command_line_opens_the_api(
    server: tuple[str, object], party: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = run(capsys, "key", "create", "--role", "customer", "--party", party)
    identity, secret = said.split()
    headers = {"Authorization": f"Bearer {secret}"}
    assert code == 0
    assert httpx.get(f"{server[0]}/v1/contracts", headers=headers).json() == {"items": [], "next_cursor": None}
    assert run(capsys, "key", "revoke", identity)[0] == 0
    assert httpx.get(f"{server[0]}/v1/contracts", headers=headers).status_code == 401
    assert run(capsys, "key", "revoke", identity)[0] == 1


@pytest.mark.usefixtures("commands")
def test_a_person_from_the_command_line_signs_in_once(
    server: tuple[str, object], party: str, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ("person", "create", "zoe", "--role", "finance", "--party", party, "--password", PASSWORD)
    assert run(capsys, *asked)[0] == 0
    code, said = run(capsys, *asked)
    assert (code, said) == (1, "zoe: somebody signs in with this name already; choose another\n")
    with httpx.Client(base_url=str(server[0]), headers={"Accept-Language": "de"}) as client:
        assert client.post("/portal/sign-in", data={"name": "zoe", "password": PASSWORD}).status_code == 303
        assert '<html lang="de">' in client.get("/portal/finance").text
        assert run(capsys, "person", "language", "zoe", "fr")[0] == 0
        assert '<html lang="fr">' in client.get("/portal/finance").text
        assert run(capsys, "person", "language", "zoe")[0] == 0
        assert '<html lang="de">' in client.get("/portal/finance").text
    assert run(capsys, "person", "language", "nobody", "fr")[0] == 1


@pytest.mark.usefixtures("commands")
def test_an_unknown_party_is_answered_with_the_known_ones(party: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run(capsys, "key", "create", "--role", "customer", "--party", "Nobody")
    assert (code, said) == (1, f"--party Nobody: no such party; there are {party}\n")


@pytest.mark.usefixtures("commands")
def test_a_server_with_an_open_stream_ends_when_told_to(
    server: tuple[str, "subprocess.Popen[bytes]"], party: str, capsys: pytest.CaptureFixture[str]
) -> None:
    address, program = server
    run(capsys, "person", "create", "zoe", "--role", "finance", "--party", party, "--password", PASSWORD)
    with httpx.Client(base_url=address) as client:
        client.post("/portal/sign-in", data={"name": "zoe", "password": PASSWORD})
        with client.stream("GET", "/portal/stream") as answer:
            lines = answer.iter_lines()
            assert next(lines).startswith("id: ")
            program.send_signal(signal.SIGTERM)
            assert program.wait(timeout=PATIENCE) in (0, -signal.SIGTERM)


def test_a_process_keeps_only_so_many_pages_live(engine: Engine) -> None:
    async def crowd() -> None:
        broadcast = Broadcast(engine)
        pages = [broadcast.subscription() for _ in range(MOST_CONNECTIONS)]
        for page in pages:
            page.__enter__()
        with pytest.raises(TooBusy), broadcast.subscription():
            pass
        pages.pop().__exit__(None, None, None)
        with broadcast.subscription():
            pass

    awaited(crowd())


def test_pages_are_woken_again_after_the_database_was_away(engine: Engine, admin_engine: Engine) -> None:
    """A connection that is cut is made anew; what happened meanwhile is asked for, not replayed."""

    async def follow() -> set[str]:
        broadcast = Broadcast(engine)
        with broadcast.subscription() as mine, broadcast.listening():
            await asyncio.wait_for(mine.woken.wait(), PATIENCE)
            mine.take()
            with admin_engine.connect() as connection:
                connection.execute(
                    text("""
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                    WHERE datname = current_database() AND query LIKE 'LISTEN%'
                """)
                )
            await asyncio.wait_for(mine.woken.wait(), PATIENCE)
            seen = mine.take()
            with transaction(engine) as connection:
                connection.execute(text("""SELECT pg_notify('yardstick_live', '{"kind":"ingest"}')"""))
            await asyncio.wait_for(mine.woken.wait(), PATIENCE)
            return seen | mine.take()

    assert awaited(follow()) == {"connected", "ingest"}


def awaited(work: Coroutine[Any, Any, Result]) -> Result:
    """In a thread of its own: the browser of other tests keeps a loop running in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
