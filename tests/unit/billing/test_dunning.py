from datetime import date

import pytest
from pydantic import ValidationError

from billing.dunning import Late, Level, Procedure, as_text, document, remind
from core.money import Money

PROCEDURE = Procedure(
    levels=(
        Level(days="7", text="Please pay."),
        Level(days="21", text="Pay now.", fee="40.00 EUR", interest="11.27 %"),
    ),
    minimum="5.00 EUR",
)
DUE = date(2026, 7, 1)


def late(owed: str = "1000.00 EUR", *, disputed: str = "0.00 EUR", level: int = 0, last: date | None = None) -> Late:
    return Late(1, "TS-2026-00001", date(2026, 6, 1), DUE, Money.parse(owed), Money.parse(disputed), level, last)


def test_nobody_is_reminded_before_the_first_level() -> None:
    assert remind([late()], PROCEDURE, date(2026, 7, 7)) is None
    letter = remind([late()], PROCEDURE, date(2026, 7, 8))
    assert letter is not None
    assert (letter.level, str(letter.total)) == (1, "1000.00 EUR")


def test_an_invoice_rises_one_level_at_a_time_and_not_before_the_gap() -> None:
    first = remind([late()], PROCEDURE, date(2026, 8, 1))
    assert first is not None
    assert first.level == 1, "31 days late, but never reminded"
    again = late(level=1, last=date(2026, 7, 20))
    assert remind([again], PROCEDURE, date(2026, 7, 26)) is None, "6 days after the last letter"
    second = remind([again], PROCEDURE, date(2026, 7, 27))
    assert second is not None
    # 1000.00 × 11.27 % × 26 / 365 = 8.0279…; and the fee
    assert (second.level, str(second.interest), str(second.fee), str(second.total)) == (
        2, "8.03 EUR", "40.00 EUR", "1048.03 EUR",
    )  # fmt: skip
    assert remind([late(level=2, last=date(2026, 7, 27))], PROCEDURE, date(2027, 1, 1)) is None, "the last level"


def test_what_is_disputed_or_little_is_not_asked_for() -> None:
    day = date(2026, 7, 15)
    assert remind([late(disputed="1000.00 EUR")], PROCEDURE, day) is None
    part = remind([late(disputed="300.00 EUR")], PROCEDURE, day)
    assert part is not None
    assert str(part.owed) == "700.00 EUR"
    assert remind([late("4.99 EUR")], PROCEDURE, day) is None
    assert remind([late("5.00 EUR")], PROCEDURE, day) is not None


def test_a_fee_in_another_currency_is_not_asked_for() -> None:
    letter = remind([late("1000.00 USD", disputed="0.00 USD", level=1)], PROCEDURE, date(2026, 7, 22))
    assert letter is not None
    assert not letter.fee


def test_an_invoice_that_stays_stands_in_the_letter_and_its_fee_is_not_asked_twice() -> None:
    both = [late(level=2, last=date(2026, 7, 22)), late()]
    letter = remind(both, PROCEDURE, date(2026, 8, 1))
    assert letter is not None
    assert (letter.level, [item.level for item in letter.items], str(letter.fee)) == (1, [2, 1], "0 EUR")


def test_a_letter_is_written_in_the_debtors_language() -> None:
    letter = remind([late(level=1)], PROCEDURE, date(2026, 7, 22))
    assert letter is not None
    parties = {"seller": {"name": "TS"}, "buyer": {"name": "H", "address": "Kai 1"}}
    words = document(letter, {"id": "dun_1", "date": "2026-07-22", "language": "de", **parties}, PROCEDURE)
    # 1000.00 × 11.27 % × 21 / 365 = 6.4841…
    assert {name: words[name] for name in ("owed", "fee", "interest", "total")} == {
        "owed": "1000.00", "fee": "40.00", "interest": "6.48", "total": "1046.48",
    }  # fmt: skip
    text = as_text(words)
    assert "Mahnung 1 · 22. Juli 2026 · dun_1" in text
    assert "TS-2026-00001  Fällig am 1. Juli 2026, Tage in Verzug: 21  Offener Betrag: 1.000,00 EUR" in text
    assert "Mahngebühr: 40,00 EUR" in text
    assert "Summe: 1.046,48 EUR" in text


def test_the_sellers_words_are_those_of_the_debtors_language() -> None:
    said = {"en": "Please pay.", "de": "Bitte zahlen Sie."}
    procedure = Procedure.model_validate({"levels": [{"days": "7", "text": said}]})
    letter = remind([late()], procedure, date(2026, 7, 15))
    assert letter is not None
    head = {"id": "dun_1", "date": "2026-07-15", "seller": {"name": "TS"}, "buyer": {"name": "H", "address": "Kai 1"}}
    texts = [document(letter, head | {"language": name}, procedure)["text"] for name in ("en", "de", "fr")]
    assert texts == ["Please pay.", "Bitte zahlen Sie.", "Please pay."]
    assert Procedure.model_validate_json(procedure.model_dump_json(exclude_none=True)) == procedure
    with pytest.raises(ValidationError, match="name en too"):
        Level.model_validate({"days": "7", "text": {"de": "Bitte zahlen Sie."}})


def test_levels_that_do_not_rise_are_refused() -> None:
    with pytest.raises(ValidationError, match="more days"):
        Procedure(levels=(Level(days="7", text="a"), Level(days="7", text="b")))
    with pytest.raises(ValidationError, match="negative"):
        Level(days="7", text="a", fee="-1.00 EUR")
