"""What a gateway keeps until it is receipted."""

from simulators.buffer import AGAIN, Buffer
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
