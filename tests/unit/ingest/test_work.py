"""What an ingester has in hand, and whether it moves."""

import pytest

from ingest.work import LONGEST_TRY, LONGEST_TURN, Work


def test_what_is_in_hand_is_what_was_taken_and_not_settled() -> None:
    work = Work()
    assert (work.in_hand, work.oldest) == (0, None)
    work.taken += 5
    work.open(1_000)
    work.open(2_000)
    assert (work.in_hand, work.oldest) == (5, 1_000)
    work.settle(3)
    assert (work.in_hand, work.oldest) == (2, 2_000)
    work.settle(2)
    assert (work.in_hand, work.oldest) == (0, None)


def test_a_loop_that_does_not_come_round_is_a_problem_and_one_that_did_not_begin_is_none() -> None:
    work = Work()
    assert work.problems(1e9) == []
    work.turned = 100.0
    assert work.problems(100 + LONGEST_TURN) == []
    assert work.problems(101 + LONGEST_TURN) == ["no message was looked for since 61 s"]


def test_a_transaction_that_does_not_end_is_a_problem_and_one_that_fails_again_and_again_is_none() -> None:
    work = Work()
    work.turned = 0.0
    with work.trying("writer", 0):
        assert work.problems(LONGEST_TRY) == []
        assert work.problems(LONGEST_TRY + 1) == ["the thread writer has waited 121 s for the database"]
    work.turned = 200.0
    assert work.problems(201) == []
    with pytest.raises(RuntimeError), work.trying("writer", 200):
        raise RuntimeError
    assert work.problems(201) == []
