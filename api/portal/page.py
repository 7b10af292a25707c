"""Pages from templates: what every page has, and the files beside them."""

import hashlib
import inspect
import re
from collections.abc import Mapping
from functools import cache, partial
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.datastructures import URL
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from api.authentication import NotSignedIn, Viewer
from api.errors import ANSWERS, Answer, request_id
from api.portal import format as show
from api.portal import tongue, word
from api.portal.told import told
from api.portal.tongue import mark
from billing.label import labels

HERE = Path(__file__).parent
STATIC = HERE / "static"
HOMES = {
    "customer": "/portal/overview",
    "finance": "/portal/finance",
    "partner": "/portal/partner",
    "operator": "/portal/operator",
    "device_manager": "/portal/operator",
}
# Icon, label, address; at most six fit under a small screen.
MENUS = {
    "customer": [
        ("layout-dashboard", mark("Overview"), "/portal/overview"),
        ("activity", mark("Uptime"), "/portal/uptime"),
        ("truck", mark("Assets"), "/portal/assets"),
        ("receipt-text", mark("Invoices"), "/portal/invoices"),
        ("file-text", mark("Contract"), "/portal/contract"),
        ("inbox", mark("Facts"), "/portal/facts"),
        ("triangle-alert", mark("Holds"), "/portal/holds"),
    ],
    "finance": [
        ("layout-dashboard", mark("Overview"), "/portal/finance"),
        ("users", mark("Contracts"), "/portal/contracts"),
        ("truck", mark("Assets"), "/portal/assets"),
        ("receipt-text", mark("Invoices"), "/portal/invoices"),
        ("inbox", mark("Facts"), "/portal/facts"),
        ("triangle-alert", mark("Holds"), "/portal/holds"),
    ],
    "partner": [
        ("layout-dashboard", mark("Overview"), "/portal/partner"),
        ("truck", mark("Assets"), "/portal/assets"),
        ("inbox", mark("Facts"), "/portal/facts"),
    ],
    "operator": [
        ("radio-tower", mark("Ingest"), "/portal/operator"),
        ("archive-x", mark("Quarantine"), "/portal/quarantine"),
        ("triangle-alert", mark("Holds"), "/portal/holds"),
        ("truck", mark("Assets"), "/portal/assets"),
        ("inbox", mark("Facts"), "/portal/facts"),
    ],
}
MENUS["device_manager"] = [one for one in MENUS["operator"] if one[2] != "/portal/facts"]
THEMES = ("light", "dark")
# Values as people read them; those that depend on it are in the reader's language, unless a template names another.
FILTERS = (
    *("money", "number", "quantity", "percent", "short", "lasted", "hours", "day", "short_day", "moment", "second"),
    *("period", "clock", "initials", "stretch", "figure", "instant", "instant_day", "instant_last_day"),
    *("rounded", "many", "calculation", "value_name", "corrected", "category_name"),
    *("word", "rate", "share", "with_sign"),
)


class Cached(StaticFiles):
    """Static files; an address with a version never changes its content."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, with how long a browser may keep it."""
        response = await super().get_response(path, scope)
        if response.status_code == 200:  # noqa: PLR2004 - OK
            forever = b"v=" in scope.get("query_string", b"") or path.startswith("vendor/")
            response.headers["Cache-Control"] = f"public, max-age={31536000 if forever else 300}" + (
                ", immutable" if forever else ""
            )
        return response


def mount_static(application: FastAPI) -> None:
    """Serve style, script, font and icons from /static."""
    application.mount("/static", Cached(directory=STATIC), name="static")


@cache
def file(name: str) -> str:
    """The address of a static file, with a version that its content decides."""
    return f"/static/{name}?v={hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:10]}"


@cache
def icon(name: str, size: int = 16) -> Markup:
    """A Lucide icon, drawn in the colour of its text."""
    found = re.search(r"<svg[^>]*>(.*)</svg>", (STATIC / "vendor" / "icons" / f"{name}.svg").read_text(), re.DOTALL)
    if found is None:
        raise LookupError(f"{name}: no icon is drawn in this file")
    inner = re.sub(r"\s+", " ", found[1]).strip()
    return Markup(  # noqa: S704 - our own vendored file
        f'<svg class="icon" width="{size}" height="{size}" viewBox="0 0 24 24" aria-hidden="true">{inner}</svg>'
    )


@cache
def environment(language: str) -> Environment:
    """Templates in a reader's language, with escaping on, in which a missing name is an error."""
    found = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
    )
    found.install_gettext_translations(tongue.catalog(language), newstyle=True)  # type: ignore[attr-defined]
    found.globals.update(icon=icon, file=file, homes=HOMES)
    found.globals.update(language=language, languages=tongue.LANGUAGES, label=labels(language))
    found.globals.update(run_states=word.RUN_STATES, draft_states=word.DRAFT_STATES)
    found.globals.update(reasons_called=word.REASONS, facts_called=word.FACTS)
    found.globals["told"] = partial(told, catalog=tongue.catalog(language))
    for name in FILTERS:
        shown = getattr(show, name)
        localised = "language" in inspect.signature(shown).parameters
        found.filters[name] = partial(shown, language=language) if localised else shown
    found.globals["part"] = found.get_template("part.html").module
    return found


def text(template: str, *, language: str = "en", **context: Any) -> str:
    """A template as text; for regions of a page."""
    return environment(language).get_template(template).render(**context)


def render(request: Request, template: str, *, language: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page for nobody in particular."""
    theme = request.cookies.get("theme", "")
    frame: Mapping[str, Any] = {
        "theme": theme if theme in THEMES else "",
        "path": request.url.path,
        "viewer": None,
        "party": "",
        "menu": [],
        "live": "",
    }
    return HTMLResponse(text(template, language=language, **{**frame, **context}), status_code=status)


def render_for(
    request: Request, template: str, viewer: Viewer, *, party: str, language: str, **context: Any
) -> HTMLResponse:
    """A page for somebody, with their menu. `party` is the name of whom they act for."""
    shown: dict[str, Any] = {"viewer": viewer, "party": party, "menu": MENUS[viewer.role], "here": _looked_at(request)}
    return render(request, template, language=language, **shown, **context)


def problem(request: Request, answer: Answer, detail: str) -> Response:
    """An error as a page; somebody who is not signed in is led to where they can."""
    if answer is ANSWERS[NotSignedIn]:
        return HTMLResponse(
            status_code=303,
            headers={"Location": str(request.url_for("sign_in_page").path) + _wanted(_looked_at(request))},
        )
    said = {"answer": answer, "detail": _for_people(answer, detail), "request_id": request_id(request)}
    return render(request, "problem.html", language=tongue.of_nobody(request), status=answer.status, **said)


def _looked_at(request: Request) -> str:
    """The page that somebody was on: for a form that was sent too late, the one that it stood on."""
    url = request.url
    if request.method not in ("GET", "HEAD"):
        url = URL(request.headers.get("referer", ""))
        if url.netloc != request.url.netloc:
            return "/portal"
    return url.path + (f"?{url.query}" if url.query else "")


def _for_people(answer: Answer, detail: str) -> str:
    """What is said to programs, without their addresses and patterns."""
    if answer.code == "invalid_request":
        return mark("Something in this address or form cannot be read. Go back and choose again.")
    said = detail.partition("; GET /")[0]
    return said[:1].upper() + said[1:]


def _wanted(address: str) -> str:
    from urllib.parse import quote

    return "" if address == "/portal" else f"?next={quote(address, safe='')}"
