"""Errors, cursors, passwords, files to keep, the command line: what stands between us and the outside."""

import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api import authentication, download, live, main, paging
from api.errors import ANSWERS
from api.portal import page, stream, vendor
from api.portal.session_page import own
from core.problem import Problem, Problems

TEMPLATES = Path(page.HERE / "templates")


def test_a_code_of_a_problem_means_one_thing() -> None:
    codes = {answer.code for answer in ANSWERS.values()}
    assert len(codes) == len({(answer.code, answer.status, answer.title) for answer in ANSWERS.values()})
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


def test_a_cursor_gives_back_the_key() -> None:
    at = datetime(2026, 11, 21, 14, 30, tzinfo=UTC)
    assert paging.read_cursor(paging.cursor(at, "yardstick/x", 7), [datetime, str, int]) == [at, "yardstick/x", 7]


@pytest.mark.parametrize(("rows", "last"), [([], None), ([4, 5], None), ([4, 5, 6], 5)])
def test_a_page_is_cut_after_its_last_row_if_there_is_one_more(rows: list[int], last: int | None) -> None:
    found = paging.page_of(rows, 2, shown=str, key=lambda n: (n,))
    assert found.items == [str(n) for n in rows[:2]]
    assert found.next_cursor == (None if last is None else paging.cursor(last))


@pytest.mark.parametrize("text", ["", "x", "ß", "WyJhIl0", "W10", "bnVsbA", paging.cursor("a", 1), paging.cursor(True)])
def test_a_cursor_that_we_did_not_make_is_refused(text: str) -> None:
    with pytest.raises(paging.InvalidCursor):
        paging.read_number(text, otherwise=0)


def test_a_password_fits_its_own_hash_only() -> None:
    kept = authentication.hash_password("correct horse")
    assert authentication.password_fits("correct horse", kept)
    assert not authentication.password_fits("correct horsf", kept)
    assert "correct" not in kept
    assert authentication.hash_password("correct horse") != kept


def test_a_short_password_is_refused() -> None:
    with pytest.raises(authentication.WeakPassword, match="10 are the least"):
        authentication.hash_password("ninechars")


@pytest.mark.parametrize("cell", ["=1+1", "+1", "@x", "-cmd|x", "\t=1"])
def test_no_cell_of_a_csv_file_starts_a_formula(cell: str) -> None:
    assert download.csv_text(["a"], [[cell]]).splitlines()[1].strip('"').startswith("'")


def test_a_negative_amount_stays_a_number_in_csv() -> None:
    assert download.csv_text(["a"], [["-185.00"]]) == "a\r\n-185.00\r\n"


@pytest.mark.parametrize(
    "address", ["https://evil.example", "//evil.example/portal", "/portalx", "/v1", "", "/portal\\..", "/portal\n"]
)
def test_sign_in_leads_nowhere_else(address: str) -> None:
    assert own(address) == "/portal"


def test_sign_in_leads_to_where_somebody_wanted() -> None:
    assert own("/portal/invoices/inv_1?line=2") == "/portal/invoices/inv_1?line=2"


def test_html_of_several_lines_is_one_event() -> None:
    assert stream.message("<b>\n\n x\n</b>", "7") == "id: 7\ndata: <b>\ndata:  x\ndata: </b>\n\n"


@pytest.mark.parametrize(
    ("payload", "kind"),
    [
        ('{"kind":"ingest"}', "ingest"),
        ('{"kind":"standing"}', "standing"),
        ('{"kind":"x"}', "other"),
        ("no", "other"),
        ("[]", "other"),
    ],
)
def test_notifications_that_nobody_knows_do_no_harm(payload: str, kind: str) -> None:
    assert live.kind(payload) == kind


def test_vendored_files_are_what_the_manifest_says() -> None:
    assert not [*vendor.check(vendor.SHIPPED), *vendor.check(vendor.FOR_TESTS)]


def test_pages_fetch_nothing_from_elsewhere_and_have_no_dead_links() -> None:
    for template in TEMPLATES.glob("*.html"):
        text = template.read_text()
        assert not re.search(r"""(src|href)=["']?(https?:)?//""", text), template.name
        assert 'href="#"' not in text, template.name
        assert not re.search(r"\son\w+=|hx-on|javascript:", text), template.name


def test_every_icon_that_a_page_names_is_shipped() -> None:
    named = {name for t in TEMPLATES.glob("*.html") for name in re.findall(r'icon\("([a-z-]+)"', t.read_text())}
    named |= {icon for menu in page.MENUS.values() for icon, _, _ in menu}
    assert named <= {path.stem for path in (vendor.SHIPPED / "icons").glob("*.svg")}


def test_an_ingester_does_not_import_the_api() -> None:
    program = "import api.main, sys; print(*sorted(m for m in ('fastapi', 'jinja2', 'sqlalchemy') if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


def test_what_is_expected_to_go_wrong_is_said_in_words() -> None:
    problems = Problems((Problem("line 3", "is no price", "write it as 0.0420 EUR/km"),))
    assert main.words(problems) == "line 3: is no price (write it as 0.0420 EUR/km)"
    assert main.words(RuntimeError("nobody expected this")) is None


def test_a_database_that_does_not_answer_is_said_in_words(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("YARDSTICK_DATABASE_URL", "postgresql://nobody:secret@127.0.0.1:1/none")
    with pytest.raises(SystemExit) as ended:
        main.app(["migrate"])
    said = capsys.readouterr().err
    assert ended.value.code == 1
    assert "does not answer" in said
    assert "Traceback" not in said
    assert "secret" not in said.replace("user:secret@host", "")
