"""Signing in and out."""

import hmac
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from sqlalchemy import Engine

from api import authentication, store
from api.authentication import COOKIE, SESSION_LENGTH, NotSignedIn, SignInRefused, TooManyGuesses
from api.errors import StaleForm
from api.portal import page, tongue
from api.store import Language
from api.visit import Anyone, identify
from core.database import transaction

router = APIRouter()
HERE = ("same-origin", "none")
A_YEAR = 365 * 24 * 3600
Shown = TypeVar("Shown", bound=Response)


@router.get("/", include_in_schema=False)
def root() -> Response:
    """To the portal."""
    return RedirectResponse("/portal", status_code=303)


@router.get("/portal")
def home(visit: Anyone) -> Response:
    """To the first page of the viewer's role."""
    return RedirectResponse(page.HOMES[visit.viewer.role], status_code=303)


@router.get("/portal/sign-in", name="sign_in_page")
def sign_in_page(
    request: Request,
    next: str = "/portal",  # noqa: A002 - the address says so
    language: Language | None = None,
) -> HTMLResponse:
    """The form; in a language that is chosen there, and then kept by the browser."""
    request.state.language = language or ""
    response = _form(request, next=own(next), name="", refused="")
    return _remembering(response, request, language) if language else response


@router.post("/portal/sign-in")
def sign_in(
    request: Request,
    name: Annotated[str, Form(max_length=200)],
    password: Annotated[str, Form(max_length=1000)],
    next: Annotated[str, Form(max_length=2000)] = "/portal",  # noqa: A002 - the form says so
) -> Response:
    """Open a session, or show the form again."""
    refuse_foreign(request)
    at, address = request.app.state.clock(), request.client.host if request.client else ""
    engine: Engine = request.app.state.engine
    try:
        with transaction(engine) as connection:
            token = authentication.sign_in(connection, name, password, address=address, at=at)
    except (SignInRefused, TooManyGuesses) as error:
        if isinstance(error, SignInRefused):
            with transaction(engine) as connection:
                authentication.note_refusal(connection, name, address=address, at=at)
        status = 429 if isinstance(error, TooManyGuesses) else 401
        said = f"{str(error)[0].upper()}{str(error)[1:]}."
        return _form(request, status=status, next=own(next), name=name, refused=said)
    response = RedirectResponse(own(next), status_code=303)
    response.set_cookie(
        COOKIE,
        token,
        max_age=int(SESSION_LENGTH.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=request.url.scheme == "https",
    )
    return response


@router.post("/portal/sign-out")
def sign_out(request: Request, csrf: Annotated[str, Form(max_length=200)] = "") -> Response:
    """End the session."""
    refuse_foreign(request)
    token = request.cookies.get(COOKIE, "")
    with transaction(request.app.state.engine) as connection:
        try:
            viewer = authentication.by_session(connection, token, at=request.app.state.clock())
        except NotSignedIn:
            return RedirectResponse("/portal/sign-in", status_code=303)
        if not hmac.compare_digest(viewer.csrf or "", csrf):
            raise StaleForm("reload the page and try again")
        store.end_session(connection, authentication.digest(token))
    response = RedirectResponse("/portal/sign-in", status_code=303)
    response.delete_cookie(COOKIE)
    return response


@router.post("/portal/language")
def choose_language(
    request: Request,
    language: Annotated[Language, Form()],
    next: Annotated[str, Form(max_length=2000)] = "/portal",  # noqa: A002 - the form says so
    csrf: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """In which language the viewer reads from now on, wherever they sign in."""
    refuse_foreign(request)
    with transaction(request.app.state.engine) as connection:
        viewer = identify(request, connection, at=request.app.state.clock())
        if not viewer.csrf or not hmac.compare_digest(viewer.csrf, csrf):
            raise StaleForm("reload the page and try again")
        store.speak(connection, viewer.actor.removeprefix("person:"), language)
    return _remembering(RedirectResponse(own(next), status_code=303), request, language)


def _form(request: Request, **shown: Any) -> HTMLResponse:
    return page.render(request, "sign_in.html", language=tongue.of_nobody(request), **shown)


def _remembering(response: Shown, request: Request, language: Language) -> Shown:
    """With the language for pages of nobody in particular: the form to sign in."""
    secure = request.url.scheme == "https"
    response.set_cookie(tongue.COOKIE, language, max_age=A_YEAR, httponly=True, samesite="lax", secure=secure)
    return response


def refuse_foreign(request: Request) -> None:
    """A form that another site sent. Raises StaleForm. Browsers say where a request comes from; programs do not."""
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in HERE:
        raise StaleForm("send the form from this site's own page")


def own(address: str) -> str:
    """An address of this portal; any other becomes its first page."""
    parts = urlsplit(address)
    within = parts.path == "/portal" or parts.path.startswith("/portal/")
    if parts.scheme or parts.netloc or not within or "\\" in address or not address.isprintable():
        return "/portal"
    return address
