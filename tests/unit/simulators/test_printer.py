"""A printer's truth: pages rise, ink falls with them, cartridges fill it again."""

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from simulators.device import Identity
from simulators.printer import BLACK, COLOUR, Ink, Printer
from simulators.wire import history

WHO = Identity("prt-p1", "P1", "printer", "PressLink 2", "gw")
START = datetime(2026, 5, 31, 22, tzinfo=UTC)
END = datetime(2026, 6, 30, 22, tzinfo=UTC)
SLOT = timedelta(minutes=10)


def printer() -> Printer:
    return Printer(WHO, date(2026, 6, 1), seed="test")


def test_every_reading_says_the_truth_of_its_instant() -> None:
    device = printer()
    count = 0
    for pack in history(device, START, END):
        for reading in json.loads(pack.payload)["readings"]:
            when, value = datetime.fromisoformat(reading["at"]), Decimal(reading["value"])
            if reading["register"] == "pages":
                assert value == device.pages_at(when)
            else:
                assert value * 100 == device.ink_at(reading["register"], when)
            count += 1
    assert count == 30 * 144 * 3


def test_pages_rise_and_parts_add_up() -> None:
    device = printer()
    pages = [device.pages_at(START + SLOT * n) for n in range(30 * 144 + 1)]
    assert all(a <= b for a, b in pairwise(pages))
    assert 10_000 < pages[-1] - pages[0] < 120_000


def test_ink_falls_by_pages_and_is_full_again_at_each_exchange() -> None:
    device = printer()
    device.pages_at(END)
    for register, ink in (("ink_black", BLACK), ("ink_colour", COLOUR)):
        exchanged = {when for name, when in device.exchanges if name == register}
        assert exchanged
        for when in (START + SLOT * n for n in range(30 * 144)):
            before, after = device.ink_at(register, when), device.ink_at(register, when + SLOT)
            used = (device.pages_at(when + SLOT) - device.pages_at(when)) * ink.page
            assert after == (ink.full if when + SLOT in exchanged else before - used)
            assert 0 < after <= ink.full


def test_a_cartridge_is_changed_below_six_per_cent() -> None:
    # 6 % of 400.00 ml are 24.00 ml: at exactly that it stays, one page later it goes.
    assert Ink(full=40_000, page=3).after(2_403, 1) == 2_400
    assert Ink(full=40_000, page=3).after(2_402, 1) == 40_000


def test_between_grid_instants_ink_follows_the_pages() -> None:
    device = printer()
    when = datetime(2026, 6, 3, 9, tzinfo=UTC)
    middle = when + timedelta(minutes=7)
    pages = device.pages_at(middle) - device.pages_at(when)
    assert pages > 0
    assert device.ink_at("ink_black", when) - device.ink_at("ink_black", middle) == pages * BLACK.page
