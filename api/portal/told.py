"""What went wrong, in the reader's language.

Problems are said in English, for programs, logs and people alike; what a page shows of them is told from their words,
as steps of a calculation are. What nobody foresaw stays in English, and says that it is.
"""

import re
from functools import cache
from gettext import GNUTranslations, NullTranslations

from markupsafe import Markup, escape

from api.portal.tongue import mark
from core.problem import Problem

# Names of the program that stand in what is said.
NAMES = (
    *(mark("customer"), mark("finance"), mark("partner"), mark("operator"), mark("device_manager")),
    *(mark("created"), mark("collecting"), mark("calculated"), mark("in_review"), mark("approved"), mark("issuing")),
    *(mark("issued"), mark("exported"), mark("closed"), mark("failed"), mark("cancelled")),
    *(mark("collect"), mark("calculate"), mark("review"), mark("exclude"), mark("override"), mark("approve")),
    *(mark("issue"), mark("finish"), mark("cancel"), mark("nothing more")),
)
SAID = (
    # Titles of pages.
    mark("Sign in, or send an API key"),
    mark("Name or password is wrong"),
    mark("Too many attempts"),
    mark("This role has no part in it"),
    mark("This form is not from your session"),
    mark("There is no such thing"),
    mark("This cursor was not handed out here"),
    mark("A parameter asks for what cannot be"),
    mark("What was handed in is not sound"),
    mark("The Idempotency-Key does not fit"),
    mark("Too many live connections"),
    mark("There is no such seller"),
    mark("There is no such run"),
    mark("A second person does this"),
    mark("The drafts are not those that were looked at"),
    mark("The time to contest it is over"),
    mark("There is no such line"),
    mark("Something stands in the way"),
    mark("Two numbers that must be equal are not"),
    mark("This server only reads"),
    mark("Say which state you looked at"),
    mark("It changed since you looked at it"),
    mark("Not in this state"),
    mark("There is one already"),
    mark("This is no billing period"),
    mark("Something went wrong on our side"),
    mark("This address does not take that method"),
    mark("The request is not well formed"),
    mark("It can no longer be decided"),
    mark("There is no such proposal"),
    mark("The same waits for a decision"),
    mark("This amount cannot be paid"),
    mark("It pays nothing"),
    mark("Nothing is owed for it"),
    mark("There is not so much left of it"),
    mark("The day is not over"),
    mark("A base rate is missing"),
    mark("This document cannot be credited"),
    mark("The seller has no dunning procedure"),
    mark("No letter is due"),
    mark("Refused"),
    # What is wrong, and what would be right.
    mark("It was noted; tell us the request id if it happens again."),
    mark("Something in this address or form cannot be read. Go back and choose again."),
    mark("Name or password is wrong."),
    mark("Too many attempts; try again in %(minutes)s minutes."),
    mark("Reload the page and try again"),
    mark("Send the form from this site's own page"),
    mark("This is for %(roles)s; you act as %(role)s"),
    mark("Your party has no part in stating this"),
    mark("You may propose or dispute an attribution; the provider decides"),
    mark("The provider's operators and finance state this"),
    mark("This contract has no such period, or it was not evaluated yet"),
    mark("This period was not evaluated yet"),
    mark("This contract has no version that you may read"),
    mark("No contract of yours has this id"),
    mark("No invoice of yours has this id"),
    mark("No asset of yours has this id"),
    mark("No breach report of yours has this id"),
    mark("No billing run of yours has this id"),
    mark("This names no hold"),
    mark("No counter of yours was there then"),
    mark("There is no such hold, and nothing was decided about it"),
    mark("Take the cursor from `next_cursor` of the page before"),
    mark("Name the line, and say why you contest it"),
    mark("It changed since you looked at it; read it again"),
    mark("A run that is %(state)s cannot %(act)s; possible now: %(acts)s"),
    mark("Blocked: %(contracts)s; mend the facts and collect again, or exclude them"),
    mark("%(person)s created run %(run)s; a second person approves it: %(why)s"),
    mark("Your party sells nothing"),
    mark("No proposal of yours has this id"),
    mark("No invoice that a seller of yours issued has this id"),
    mark("%(person)s proposed %(proposal)s; a second person approves it: %(why)s"),
    mark("%(proposal)s proposes the same; it waits for a second person"),
    mark("%(proposal)s was approved by %(person)s at %(moment)s UTC"),
    mark("%(proposal)s was declined by %(person)s at %(moment)s UTC"),
    mark("%(proposal)s could be decided until %(moment)s UTC; propose it again"),
    mark("%(proposal)s was overtaken: what it rests on changed since; propose it anew"),
    mark("%(proposal)s: %(number)s is credited in full already"),
    mark("%(number)s is credited in full already"),
    mark("%(number)s is a credit note; only an invoice is credited"),
    mark("Period %(period)s of %(number)s was corrected by %(other)s; credit that document first"),
    mark("No letter of %(seller)s is due"),
    mark("Say why"),
    # Forms.
    mark("A statement has a reason"),
    mark("write what it rests on, e.g. a job sheet"),
    mark("Say why it is taken back"),
    mark("An index has a name, and its value a source"),
    mark("write both"),
    mark("'%(text)s' is no month; write it as 2026-06"),
    mark("'%(text)s' is no value above zero; write it as 112.4"),
    mark("'%(text)s' is no time; write it as 2026-06-16 08:15, or with an offset"),
    mark("'%(text)s' is no time: %(why)s"),
    mark("'%(text)s' is no quantity; write it as 6300.0 km"),
    mark("'%(text)s' is no unit; units are %(units)s"),
    mark("%(unit)s does not convert to %(other)s"),
    mark("write it as 120.3 km"),
    mark("No stated fact that stands has the id %(fact)s"),
    mark("is missing"),
    mark("give the quantity that was used"),
    mark("goes with `bill` alone"),
    mark("leave it out"),
    mark("is an empty or inverted span"),
    mark("to is after from"),
    mark("is on %(asset)s, not on %(other)s"),
    mark("open another ticket"),
    mark("'%(asset)s' is not covered by this contract"),
)
PLACE = re.compile(r"%\\\((\w+)\\\)s")


def told(said: str | Problem, catalog: NullTranslations) -> str:
    """A problem or a sentence about one; in English, marked as such, where no other words are known."""
    if not isinstance(said, Problem):
        return _told(said, catalog)
    tail = Markup(" ({})").format(_told(said.remedy, catalog)) if said.remedy else ""
    place = Markup("{}: ").format(said.place) if said.place else ""
    return place + _told(said.message, catalog) + tail


def _told(text: str, catalog: NullTranslations) -> Markup:
    if not isinstance(catalog, GNUTranslations):
        return escape(text)
    for pattern, said in _patterns():
        found = pattern.fullmatch(text)
        if found:
            named = {key: _named(value, catalog) for key, value in found.groupdict().items()}
            return escape(catalog.gettext(said) % named)
    return Markup('<span lang="en">{}</span>').format(text)


def _named(value: str, catalog: NullTranslations) -> str:
    return ", ".join(catalog.gettext(one) if one in NAMES else one for one in value.split(", "))


@cache
def _patterns() -> list[tuple[re.Pattern[str], str]]:
    """A sentence begins with a capital where it stands alone."""
    return [(re.compile(PLACE.sub(r"(?P<\1>.+?)", re.escape(one)), re.IGNORECASE | re.DOTALL), one) for one in SAID]
