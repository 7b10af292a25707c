import pytest

from billing.vat import fault


@pytest.mark.parametrize(("vat_id", "country"), [("DE123456788", "DE"), ("NL123456782B01", "NL"), ("12-3456789", "US")])
def test_what_can_exist_is_accepted(vat_id: str, country: str) -> None:
    assert fault(vat_id, country) == ""


@pytest.mark.parametrize(("vat_id", "country"), [("DE123456789", "DE"), ("DE123456788", "NL"), ("DE12", "DE")])
def test_wrong_digits_country_or_length_are_refused(vat_id: str, country: str) -> None:
    assert fault(vat_id, country).startswith(f"'{vat_id}' is no VAT id of {country}")
