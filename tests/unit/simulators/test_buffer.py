"""What a gateway keeps until it is receipted."""

from simulators.buffer import AGAIN, SOON, Buffer
from simulators.wire import Message


def numbered(seq: int, boot: str = "b", device: str = "T1") -> Message:
    return Message("gw", f"yardstick/{device}/readings", b"", 1, boot, seq)


def test_a_receipt_drops_what_it_covers_and_nothing_else() -> None:
    buffer = Buffer()
    news = [
        buffer.keep(one, 0)
        for one in (numbered(1), numbered(2), numbered(3), numbered(1, "c"), numbered(1, device="T2"))
    ]
    assert news == [True, False, False, False, True]
    buffer.receipt("yardstick/T1/receipt", b'{"v":1,"boot":"b","seq":2,"missing":[]}')
    for nonsense in (b"", b"[]", b'{"boot":"b"}', b'{"boot":"b","seq":"9"}'):
        buffer.receipt("yardstick/T1/receipt", nonsense)
    assert list(buffer.overdue(AGAIN)) == [numbered(3), numbered(1, "c"), numbered(1, device="T2")]


def test_what_is_not_receipted_in_time_is_overdue_until_it_is_sent_again() -> None:
    buffer = Buffer()
    buffer.keep(numbered(1), 0)
    buffer.keep(numbered(2), 30)
    assert list(buffer.overdue(AGAIN - 1)) == []
    assert list(buffer.overdue(AGAIN)) == [numbered(1)]
    buffer.keep(numbered(1), AGAIN)
    assert list(buffer.overdue(AGAIN)) == []
    assert len(buffer) == 2


def test_a_message_without_a_number_is_not_kept() -> None:
    buffer = Buffer()
    assert not buffer.keep(numbered(0), 0)
    assert len(buffer) == 0


def test_what_a_receipt_misses_is_sent_again_soon_and_first() -> None:
    buffer = Buffer()
    for seq in range(1, 8):
        buffer.keep(numbered(seq), 0)
    buffer.receipt("yardstick/T1/receipt", b'{"v":1,"boot":"b","seq":2,"missing":[[3,3],[5,6]]}')
    assert list(buffer.overdue(SOON - 1)) == []
    assert list(buffer.overdue(SOON)) == [numbered(3), numbered(5), numbered(6)]
    buffer.keep(numbered(5), SOON)  # sent again: not missed until a receipt says so once more
    assert list(buffer.overdue(SOON + SOON)) == [numbered(3), numbered(6)]
    assert list(buffer.overdue(AGAIN)) == [numbered(3), numbered(6), numbered(4), numbered(7)]
    buffer.receipt("yardstick/T1/receipt", b'{"v":1,"boot":"b","seq":7,"missing":[]}')
    assert (len(buffer), list(buffer.overdue(AGAIN))) == (0, [])


def test_a_receipt_whose_holes_cannot_be_read_misses_nothing() -> None:
    buffer = Buffer()
    buffer.keep(numbered(3), 0)
    for holes in ('"3"', "[3]", '[["3",4]]', "null", "[[3]]"):
        buffer.receipt("yardstick/T1/receipt", f'{{"v":1,"boot":"b","seq":2,"missing":{holes}}}'.encode())
    assert list(buffer.overdue(SOON)) == []
