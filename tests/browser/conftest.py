"""One browser for the session; a page signed in as somebody, that fails the test if its console says anything."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from embedded.browser import find_browser
from tests.fleet import PASSWORD
from tests.served import Served

QUIET = [
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Chromium, of this machine or fetched."""
    found = find_browser()
    with sync_playwright() as playwright:
        program = playwright.chromium.launch(executable_path=str(found.program), args=[*found.arguments, *QUIET])
        yield program
        program.close()


@pytest.fixture(scope="session")
def session_of(browser: Browser, served: Served) -> Callable[[str], Any]:
    """What a browser keeps of somebody who signed in; they sign in once."""
    kept: dict[str, Any] = {}

    def of(name: str) -> Any:
        if name not in kept:
            context = browser.new_context()
            page = context.new_page()
            page.goto(f"{served.address}/portal/sign-in")
            page.get_by_label("Name").fill(name)
            page.get_by_label("Password").fill(PASSWORD)
            page.get_by_role("button", name="Sign in").click()
            page.wait_for_url("**/portal/**")
            kept[name] = context.storage_state()
            context.close()
        return kept[name]

    return of


@pytest.fixture
def opened(browser: Browser, served: Served, session_of: Callable[[str], Any]) -> Open:
    """`with opened("anna") as page: page.goto("/portal/overview")`."""

    @contextmanager
    def open_as(name: str | None, *, script: bool = True, noisy: bool = False) -> Iterator[Page]:
        context = browser.new_context(
            base_url=served.address,
            viewport={"width": 1440, "height": 900},
            java_script_enabled=script,
            storage_state=session_of(name) if name else None,
        )
        page = context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        yield page
        context.close()
        assert noisy or not said

    return open_as
