from datetime import date

from stdnum import iso11649

from billing.camt import Credit
from billing.invoice import issued
from billing.label import LANGUAGES, labels
from billing.reference import printed, reference_of
from billing.statement import Owed, match
from core.money import Money
from tests.unit.billing.example import W18, draft, evaluated


def test_a_reference_is_that_of_the_standard() -> None:
    assert reference_of("539007547034") == "RF18539007547034"  # the standard's own example
    found = reference_of("TS-2026-00184")
    assert found == "RF04TS202600184"
    assert iso11649.is_valid(found)
    assert printed(found) == "RF04 TS20 2600 184"
    assert reference_of("ABCDEFGHIJKL-C-2026-00001") == "", "longer than 21 letters"


def test_an_invoice_bears_its_reference() -> None:
    day = date(2026, 7, 5)
    done = issued(draft(evaluated(*W18)).document, id="inv_1", number="TS-2026-00184", issue_date=day, due_date=day)
    assert done["issue"]["payment_reference"] == "RF04TS202600184"


def test_a_reference_pays_its_invoice_before_any_number() -> None:
    owed = [Owed(f"TS-2026-0018{n}", Money.parse("10.00 EUR"), "Haulier BV") for n in (3, 4)]
    text = "RF04 TS20 2600 184, not TS-2026-00183"
    credit = Credit("B1/0", date(2026, 7, 20), Money.parse("10.00 EUR"), "X", text)
    found = match(credit, owed)
    assert (found.by, found.paid) == ("reference", (("TS-2026-00184", Money.parse("10.00 EUR")),))
    wrong = Credit("B2/0", date(2026, 7, 20), Money.parse("9.00 EUR"), "X", "RF05TS202600184")
    assert match(wrong, owed).by == "none"


def test_every_language_has_every_word() -> None:
    assert len({frozenset(words) for words in LANGUAGES.values()}) == 1
    assert labels("de")["to_pay"] == "Zu zahlen"
    assert labels(None) == labels("en")
