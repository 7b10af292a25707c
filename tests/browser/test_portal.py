"""The portal in a real browser: the way from sign-in to the reading behind a line, and that everybody can walk it."""

import json
import re
from pathlib import Path
from typing import Literal, TypeAlias

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import text

from billing.proposals.run import propose_credit
from core.database import transaction
from tests.browser.conftest import Open
from tests.fleet import PASSWORD
from tests.served import AT, Served

pytestmark = [pytest.mark.services, pytest.mark.browser]
AXE = (Path(__file__).parent / "vendor" / "axe.min.js").read_text()
# 12 x 1850.00; 12 x 5780 km at 0.0420 (20 days of 280 km, and 180 km by the last reading at 14:00 UTC) = 242.76 each;
# less 20 % of 1850.00 for T3, which was down for 30 h of 495.5 h.
SO_FAR = "€24,743.12"
# (who, address)
PAGES = [
    (None, "/portal/sign-in"),
    (None, "/docs"),
    ("anna", "/portal/overview"),
    ("anna", "/portal/overview?period=2026-10"),
    ("anna", "/portal/uptime"),
    ("anna", "/portal/assets"),
    ("anna", "/portal/assets/{asset T1}"),
    ("anna", "/portal/assets/{asset T3}?register=vehicle/state"),
    ("anna", "/portal/invoices"),
    ("anna", "/portal/invoices/{invoice C-2041 2026-10}?line=13"),
    ("anna", "/portal/invoices/{invoice C-2041 2026-10}/paper?why=yes"),
    ("olga", "/portal/invoices/{invoice C-9001 2026-10}/paper"),
    ("anna", "/portal/assets/{asset T1}?until=2026-10-31T23:00:00Z"),
    ("anna", "/portal/breach-reports/{report T3 2026-10}"),
    ("anna", "/portal/contract"),
    ("anna", "/portal/bill"),
    ("anna", "/portal/facts?asset=T3&from=2026-10-10T00:00:00Z&to=2026-10-11T06:00:00Z"),
    ("olga", "/portal/invoices/{invoice C-9001 2026-10}?line=2"),
    ("dora", "/portal/facts"),
    ("ops", "/portal/facts"),
    ("pat", "/portal/facts"),
    ("anna", "/portal/invoices/inv_unknown"),
    ("fin", "/portal/finance"),
    ("fin", "/portal/contracts"),
    ("fin", "/portal/receivables"),
    ("fin", "/portal/billing-runs/{run 2026-10}"),
    ("fin", "/portal/invoices/{invoice C-2041 2026-10}"),
    ("pat", "/portal/partner"),
    ("ops", "/portal/operator"),
    ("ops", "/portal/quarantine"),
    ("ops", "/portal/holds"),
    ("ops", "/portal/holds/{hold S2}"),
]
Screen: TypeAlias = tuple[int, Literal["light", "dark"]]
WIDE: Screen = (1440, "light")
DARK: Screen = (1440, "dark")
NARROW: Screen = (390, "light")
NARROW_DARK: Screen = (390, "dark")
TINY: Screen = (320, "light")


# Tables that are cut off on a narrow screen, by name; the description of the API is read by programmers.
SCROLLING = """[...document.querySelectorAll("main .scroll")].filter(e => !e.closest(".op") && e.checkVisibility()
    && e.scrollWidth > e.clientWidth + 1).map(e => e.getAttribute("aria-label"))"""


def written(served: Served, address: str) -> str:
    """With the ids for {kind name}."""
    return re.sub(r"\{(\w+) ([^}]+)\}", lambda m: served.fleet.id(m[1], m[2]), address)  # type: ignore[arg-type]


def settled(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_load_state("load")
    page.evaluate("document.fonts.ready.then(() => true)")


def test_from_sign_in_to_the_reading_behind_a_line(opened: Open) -> None:
    with opened(None) as page:
        page.goto("/portal/overview")
        page.get_by_label("Name").fill("anna")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#cost .fig")).to_have_text(SO_FAR)
        page.get_by_role("link", name="October 2026", exact=True).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Invoice TS-2026-00003")
        page.locator("#line-13 > summary").click()
        line = page.locator("#line-13")
        # The odometer stood at 100,000 km on 31 August; September has 30 days of 280 km, October 31.
        expect(line.get_by_text("108,400,000")).to_be_visible()
        expect(line.get_by_text("117,080,000")).to_be_visible()
        expect(line.locator("b", has_text="8,680,000 m")).to_be_visible()


def test_a_wrong_password_is_refused_with_the_name_kept(opened: Open) -> None:
    with opened(None, noisy=True) as page:
        page.goto("/portal/sign-in")
        page.get_by_label("Name").fill("nobody")
        page.get_by_label("Password").fill("wrong password")
        with page.expect_response("**/portal/sign-in") as answer:
            page.get_by_role("button", name="Sign in").click()
        assert answer.value.status == 401
        expect(page.get_by_role("alert")).to_contain_text("Name or password is wrong.")
        expect(page.get_by_label("Name")).to_have_value("nobody")


def test_a_breach_report_leads_to_the_line_that_credits_it(opened: Open, served: Served) -> None:
    with opened("anna") as page:
        page.goto(written(served, "/portal/breach-reports/{report T3 2026-10}"))
        page.get_by_role("link", name="TS-2026-00003, line 25").click()
        expect(page.locator("#line-25")).to_have_attribute("open", "")
        expect(page.locator("#line-25 .amt")).to_have_text("−€185.00")


def test_the_page_follows_what_is_evaluated_and_what_comes_in(opened: Open, served: Served) -> None:
    """A page that is open learns of a new evaluation, without anybody touching it."""
    before = served.fleet.standings["C-3007"]
    with opened("bob") as page:
        page.goto("/portal/overview")
        shown = page.locator("#cost .fig")
        expect(shown).to_have_text("€4,185.52")
        page.locator("#clause-2-2 > summary").first.click()
        try:
            _evaluate(served, before | {"total": "4444.44 EUR"})
            expect(shown).to_have_text("€4,444.44", timeout=10_000)
            # What somebody opened stays open.
            expect(page.locator("#clause-2-2")).to_have_attribute("open", "")
        finally:
            _evaluate(served, before)
        expect(shown).to_have_text("€4,185.52", timeout=10_000)


def test_an_operator_decides_about_a_hold_and_takes_it_back(opened: Open) -> None:
    with opened("ops") as page:
        page.goto("/portal/operator")
        page.get_by_role("navigation", name="Main", exact=True).get_by_role("link", name="Holds").click()
        page.get_by_role("link", name="S2 vehicle/odometer").click()
        expect(page.get_by_text("200,000,000 → 100,000,000 m").first).to_be_visible()
        page.get_by_label("Nothing was used").check()
        page.get_by_label("Reason").fill("put into service")
        page.get_by_role("button", name="Decide").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Decided")
        expect(page.get_by_role("cell", name="put into service")).to_be_visible()
        page.get_by_label("Reason").fill("decided too early")
        page.get_by_role("button", name="Reopen").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Waits")


def _evaluate(served: Served, result: dict[str, object]) -> None:
    statement = text("""
        UPDATE contracts.standing SET result = CAST(:result AS jsonb), evaluated_at = evaluated_at + interval '1 second'
        WHERE contract = (SELECT id FROM contracts.contract WHERE name = 'C-3007')
    """)
    with transaction(served.worker) as connection:
        connection.execute(statement, {"result": json.dumps(result)})
        connection.execute(text("""SELECT pg_notify('yardstick_live', '{"kind":"standing"}')"""))


def test_arrow_keys_read_the_chart_aloud(opened: Open) -> None:
    with opened("anna") as page:
        page.goto("/portal/overview")
        page.locator(".plot.daily").focus()
        page.keyboard.press("ArrowRight")
        # 12 trucks, 14 hours, 20 km.
        expect(page.locator("#say")).to_have_text("Sun 1 Nov: Measured 3,360.0 km, Month before 3,360.0 km")


def test_the_theme_is_kept(opened: Open) -> None:
    with opened("anna") as page:
        page.goto("/portal/overview")
        page.get_by_role("button", name="Switch between light and dark").click()
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_without_script_every_number_is_there(opened: Open, served: Served) -> None:
    with opened("anna", script=False) as page:
        page.goto("/portal/overview")
        expect(page.locator("#cost .fig")).to_have_text(SO_FAR)
        page.get_by_text("Table", exact=True).click()
        expect(page.get_by_role("row", name="Sun 1 Nov 3,360.0 3,360.0")).to_be_visible()
        page.locator("#clause-2-2 > summary").click()
        expect(page.locator("#clause-2-2 blockquote")).to_have_text("Each kilometre costs 0.0420 EUR/km.")
        page.goto(written(served, "/portal/assets/{asset T1}"))
        expect(page.get_by_role("cell", name="122,860,000 m").first).to_be_visible()


@pytest.mark.parametrize(("who", "address"), PAGES, ids=[address for _, address in PAGES])
def test_everybody_can_use_it(opened: Open, served: Served, who: str | None, address: str) -> None:
    """No rule of accessibility is broken, and nothing moves sideways: wide and narrow, light and dark."""
    found: list[str] = []
    with opened(who, noisy="unknown" in address) as page:
        settled(page, written(served, address))
        page.evaluate(AXE)
        for width, scheme in (WIDE, DARK, NARROW, NARROW_DARK, TINY):
            page.set_viewport_size({"width": width, "height": 900})
            page.emulate_media(color_scheme=scheme)
            reached = page.evaluate("document.documentElement.scrollWidth")
            if reached > width:
                found.append(f"{width}: moves sideways to {reached}")
            if (width, scheme) == NARROW:
                found += [f"{width}: {name} scrolls in itself" for name in page.evaluate(SCROLLING)]
            # The sections of the description are alike, and there are too many to look at each four times.
            if width != TINY[0] and (address != "/docs" or (width, scheme) in (WIDE, NARROW_DARK)):
                result = page.evaluate("axe.run({preload: false})")
                found += [f"{width} {scheme}: {one['id']} {one['nodes'][0]['target']}" for one in result["violations"]]
    assert not found


def test_a_document_of_several_contracts_says_what_each_comes_to(opened: Open, served: Served) -> None:
    with opened("olga") as page:
        page.goto(written(served, "/portal/invoices/{invoice C-9001 2026-10}"))
        expect(page.locator(".part-h h2")).to_have_text(["Contract C-9001", "Contract C-9002"])
        # 3 x 310.00, two of them in the northern hall; 1 x 400.00; tax once over 1330.00
        expect(page.locator(".part-h .amt")).to_have_text(["€930.00", "€400.00"])
        expect(page.locator(".stack-h")).to_have_text(["hall north€620.00", "hall south€310.00"])
        expect(page.locator(".taxes tbody tr")).to_have_count(1)
        expect(page.locator(".grand .g dd")).to_have_text("€1,582.70")
        expect(page.locator(".hashes dt", has_text="Evaluation")).to_have_text(
            ["Evaluation C-9001", "Evaluation C-9002"]
        )


def test_a_customer_contests_a_line_and_sees_that_it_waits(opened: Open, served: Served) -> None:
    with opened("olga") as page:
        page.goto(written(served, "/portal/invoices/{invoice C-9001 2026-10}"))
        # Issued on 21 November at 15:30 in Berlin, and 14 days
        expect(page.get_by_text("5 Dec 2026, 15:30").first).to_be_visible()
        page.locator("#line-3 > summary").click()
        page.locator("#line-3").get_by_role("link", name="contest this line").click()
        expect(page.get_by_label("Line", exact=True)).to_have_value("3")
        page.get_by_label("Reason").fill("FL-3 was returned in September")
        page.get_by_role("button", name="Contest the line").click()
        row = page.get_by_role("row", name="Line 3")
        expect(row).to_contain_text("FL-3 was returned in September")
        expect(row).to_contain_text("Waits")


def test_a_customer_disputes_who_caused_a_stop(opened: Open) -> None:
    with opened("bob", noisy=True) as page:
        page.goto("/portal/facts")
        expect(page.get_by_role("heading", name="A value of a price index")).to_have_count(0)
        expect(page.get_by_label("Statement").locator("option")).to_have_text(["proposed", "disputed"])
        page.get_by_label("Asset", exact=True).select_option("S1")
        page.get_by_label("From").fill("2026-11-10T02:00")
        page.get_by_label("To", exact=True).fill("2026-11-10T01:00")
        page.get_by_label("Reason, and what it rests on").fill("the workshop was closed")
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_role("alert")).to_be_visible()
        expect(page.get_by_label("Reason, and what it rests on")).to_have_value("the workshop was closed")


def test_the_seller_records_a_case_and_takes_it_back(opened: Open) -> None:
    with opened("dora") as page:
        page.goto("/portal/facts")
        page.get_by_label("Case", exact=True).fill("K-77")
        page.get_by_label("Asset of the case").select_option("FL-2")
        page.get_by_label("At", exact=True).fill("2026-11-03T08:15")
        page.get_by_label("Reason of the case, or evidence").fill("fork bent")
        page.get_by_role("button", name="Record the case").click()
        expect(page.get_by_role("status")).to_have_text("The case is recorded.")
        expect(page.get_by_role("row", name="ticket time").first).to_contain_text("K-77")
        expect(page.get_by_role("row", name="ticket time").first).to_contain_text("fork bent")


def test_signing_in_and_errors_fit_a_telephone(opened: Open) -> None:
    with opened(None) as page:
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto("/portal/sign-in")
        box = page.get_by_role("heading", name="Sign in").bounding_box()
        assert box
        assert box["y"] > 0


def test_a_telephone_reaches_every_page_of_the_menu(opened: Open) -> None:
    with opened("anna") as page:
        page.set_viewport_size({"width": 390, "height": 844})
        page.goto("/portal/overview")
        page.get_by_role("navigation", name="Main, small screens").get_by_role("link", name="Facts").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Facts")


def test_a_dark_page_prints_dark_on_white_with_the_head_on_every_sheet(opened: Open, served: Served) -> None:
    with opened("anna") as page:
        page.emulate_media(media="print", color_scheme="dark")
        page.goto(written(served, "/portal/invoices/{invoice C-2041 2026-10}"))
        # --ink in light: #121a26
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(18, 26, 38)"
        page.goto(written(served, "/portal/invoices/{invoice C-2041 2026-10}/paper"))
        expect(page.get_by_role("button", name="Print or save as PDF")).to_be_hidden()
        expect(page.get_by_text("Invoice TS-2026-00003 · ")).to_be_visible()
        assert page.evaluate("getComputedStyle(document.querySelector('.sheet thead')).display") == "table-header-group"


def test_a_line_leads_to_the_readings_that_it_rests_on(opened: Open, served: Served) -> None:
    with opened("anna") as page:
        page.goto(written(served, "/portal/invoices/{invoice C-2041 2026-10}?line=13"))
        page.locator("#line-13").get_by_role("link", name="vehicle/odometer").click()
        # 31 October ends at 23:00 UTC with the reading that closes the line.
        expect(page.get_by_role("cell", name="117,080,000 m").first).to_be_visible()
        page.get_by_role("link", name="Week after").click()
        expect(page.get_by_role("cell", name="117,080,000 m")).to_have_count(0)


def test_a_stop_is_contested_from_where_it_is_listed(opened: Open) -> None:
    with opened("anna") as page:
        page.goto("/portal/overview")
        page.get_by_role("link", name=re.compile(r"^Contest T3, ")).first.click()
        expect(page.get_by_label("Asset", exact=True)).to_have_value("T3")
        expect(page.get_by_label("From")).not_to_have_value("")
        expect(page.get_by_label("To", exact=True)).not_to_have_value("")


def test_a_credit_note_is_proposed_and_taken_back_and_another_is_declined(opened: Open, served: Served) -> None:
    invoices = [served.fleet.id("invoice", f"{name} 2026-10") for name in ("C-2041", "C-3007")]
    propose_credit(served.worker, invoices[1], reason="wrong debtor", at=AT, by="person:mia")
    with opened("fin") as page:
        page.goto(f"/portal/invoices/{invoices[0]}")
        page.get_by_label("Reason; it is printed on the credit note").fill("wrong month")
        page.get_by_role("button", name="Propose credit note").click()
        page.get_by_role("region", name="Credit note").get_by_role("link", name="Receivables").click()
        own, other = (page.get_by_role("row").filter(has_text=why) for why in ("wrong month", "wrong debtor"))
        expect(own).to_contain_text("another person approves it")
        expect(own.get_by_role("button", name="Approve")).to_have_count(0)
        expect(other.get_by_role("button", name="Approve")).to_be_visible()
        for row, words in ((own, "Take back"), (other, "Decline")):
            row.get_by_text(words).first.click()
            row.get_by_placeholder("Why").fill("in error")
            row.get_by_role("button", name=words).click()
            expect(page.get_by_role("status")).to_have_text("It is declined; nothing was done.")
        expect(page.get_by_text("Nothing waits")).to_be_visible()


def test_a_draft_leads_to_its_contract_and_its_invoice(opened: Open, served: Served) -> None:
    with opened("fin") as page:
        page.goto(written(served, "/portal/billing-runs/{run 2026-10}"))
        page.get_by_role("row", name="C-2041").get_by_role("link", name=re.compile("^TS-2026")).click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Invoice TS-2026-00003")
        page.go_back()
        page.get_by_role("link", name="C-3007").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("C-3007")


def test_values_of_a_chart_are_written_where_the_pointer_is(opened: Open, served: Served) -> None:
    with opened("anna") as page:
        page.goto(written(served, "/portal/assets/{asset T1}"))
        legend = page.locator(".readings .u-legend")
        expect(legend).to_be_hidden()
        page.locator(".readings .u-over").hover()
        expect(legend).to_be_visible()
        # Devices serve from the beginning where nobody says since when; readings have seconds.
        expect(page.get_by_role("cell", name="from the beginning").first).to_be_visible()
        expect(page.get_by_role("cell", name="21 Nov 2026, 15:00:00").first).to_be_visible()


def test_the_rest_of_a_month_is_expected_like_the_last_four_weeks(opened: Open) -> None:
    with opened("anna") as page:
        page.goto("/portal/overview")
        page.get_by_text("Table", exact=True).click()
        # 12 trucks of 280 km each day, in each of the four weeks
        expect(page.get_by_role("row", name="Mon 30 Nov")).to_contain_text("3,360 – 3,360")


def test_a_page_is_chosen_to_be_german_and_fits_a_narrow_screen(opened: Open) -> None:
    with opened("dora") as page:
        settled(page, "/portal/overview")
        page.get_by_role("button", name="Deutsch").click()
        expect(page.locator("html")).to_have_attribute("lang", "de")
        expect(page.get_by_role("heading", level=1)).to_have_text("Übersicht")
        expect(page.locator("#cost .fig")).to_have_text(re.compile(r"^[\d.]+,\d\d\s€$"))
        page.set_viewport_size({"width": 390, "height": 844})
        for address in ("/portal/overview", "/portal/facts", "/portal/invoices"):
            settled(page, address)
            assert page.evaluate("document.documentElement.scrollWidth") == 390
            assert page.evaluate("document.querySelector('.tabs').scrollWidth") == 390
            assert page.evaluate(SCROLLING) == []
        page.get_by_role("button", name="English").click()
        expect(page.locator("html")).to_have_attribute("lang", "en")
