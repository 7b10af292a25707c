"""One proposes, another decides, once: credit notes, letters, refunds; what was paid too much pays other invoices."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError

from billing import run as billing
from billing.balances import run as balances
from billing.case import Material
from billing.credits import run as credits_
from billing.payments import run as payments
from billing.proposals import run as proposals
from billing.reminders import run as reminders
from billing.store import entity as entities
from billing.store import invoice as invoices
from core.database import transaction
from core.money import Money
from tests.stories.story import SIGNED, Story, local
from tests.stories.test_billing import ANNA, BERT, JULY_5, fees
from tests.stories.test_books import beancount_agrees
from tests.stories.test_payment import SELLER, balance, left, receivable
from tests.stories.test_reminder import SETUP
from tests.unit.billing.statement import ORIGINAL, camt, entry, returned

pytestmark = pytest.mark.services
AUGUST_11 = datetime(2026, 8, 11, 10, tzinfo=UTC)
LATE = datetime(2027, 1, 1, tzinfo=UTC)
FIRST, SECOND, THIRD = (f"TS-2026-{n:05}" for n in (1, 2, 3))


@pytest.fixture
def story(engine: Engine) -> Story:
    """Three invoices of 2201.50: 1850.00 and 19 %."""
    told = Story(engine)
    assert not isinstance(billing.set_up(engine, SETUP, at=SIGNED, by="person:test"), tuple)
    fees(told, 3)
    told.issue(told.bill(SELLER, "2026-06", JULY_5).run.public_id, JULY_5)
    return told


def given(at: datetime = AUGUST_11, by: str = ANNA) -> dict[str, Any]:
    return {"at": at, "by": by}


def pay(story: Story, *rows: str) -> list[Any]:
    return list(payments.take_in(story.engine, camt(rows), entity=SELLER, **given()))


def listed(story: Story) -> list[tuple[str, str]]:
    return [(x.name, str(x.left)) for x in balances.listed(story.engine, entity=SELLER)]


def books_agree(story: Story) -> None:
    """What the ledger says of debtors and of what waits is what payments, invoices and returns say."""
    (row,) = story.rows("""
        SELECT (SELECT coalesce(sum(gross), 0) FROM billing.invoice)
            - (SELECT coalesce(sum(amount), 0) FROM billing.settlement)
            + (SELECT coalesce(sum(amount), 0) FROM billing.refund WHERE invoice IS NOT NULL)
    """)
    assert receivable(story) == row[0]
    open_ = sum((x.owed.left.amount for x in payments.overdue(story.engine, entity=SELLER, at=LATE)), Decimal(0))
    found = balances.listed(story.engine, entity=SELLER)
    assert receivable(story) == open_ - sum(x.left.amount for x in found if x.kind == "invoice")
    waiting = sum((x.amount.amount for x in payments.waiting(story.engine, entity=SELLER)), Decimal(0))
    assert balance(story, "unmatched") == waiting - sum(x.left.amount for x in found if x.kind == "payment")


def test_a_credit_note_takes_two_people_and_one_of_two_approvers(story: Story) -> None:
    engine = story.engine
    made = proposals.propose_credit(engine, FIRST, reason="wrong debtor", **given())
    assert (made.state, made.detail["gross"], made.by) == ("open", "2201.50", ANNA)
    with pytest.raises(proposals.AlreadyProposed, match=made.public_id):
        proposals.propose_credit(engine, FIRST, reason="again", **given(by=BERT))
    with pytest.raises(billing.SamePerson):
        proposals.approve(engine, made.public_id, **given(by=f"{ANNA} via key:key_1"))

    def decide(by: str) -> str:
        try:
            return str(proposals.approve(engine, made.public_id, **given(by=by)).outcome["credit_note"])
        except proposals.NotOpen as error:
            return str(error)

    with ThreadPoolExecutor(2) as two:
        first, second = sorted(two.map(decide, (BERT, "person:carl")))
    assert first == "TS-C-2026-00001"
    assert second.startswith(f"{made.public_id} was approved by person:")
    note = billing.invoice(engine, first)
    assert (note["gross"], note["reason"], note["corrects"]["number"]) == ("-2201.50", "wrong debtor", FIRST)
    with pytest.raises(proposals.NotOpen, match="was approved"):
        proposals.decline(engine, made.public_id, reason="late", **given())
    with pytest.raises(DBAPIError, match=r"refused|denied"):
        story.rows("UPDATE billing.decision SET reason = 'x'")
    with pytest.raises(credits_.NotCreditable, match="credited in full"):
        proposals.propose_credit(engine, FIRST, reason="again", **given())
    acts = [row[0] for row in story.rows("SELECT action FROM core.audit WHERE object = :id", id=made.public_id)]
    assert acts == ["proposal.make", "proposal.approve"]


def test_the_database_refuses_one_person_for_both(story: Story) -> None:
    made = proposals.propose_credit(story.engine, FIRST, reason="wrong", **given())
    with pytest.raises(DBAPIError, match="decision_check"):
        story.rows(
            "INSERT INTO billing.decision (proposal, proposed_by, approved, reason, outcome, by, at) "
            "VALUES (:id, :by, true, '', '{}', :by, now())",
            id=made.id,
            by=ANNA,
        )


def test_proposals_that_are_too_old_or_overtaken_are_refused(story: Story) -> None:
    engine = story.engine
    old, over, no = (proposals.propose_credit(engine, x, reason="wrong", **given()) for x in (FIRST, SECOND, THIRD))
    later = AUGUST_11 + timedelta(days=30)
    with pytest.raises(proposals.NotOpen, match="could be decided until 2026-09-10 10:00 UTC; propose it again"):
        proposals.approve(engine, old.public_id, **given(later, BERT))
    credits_.credit(engine, SECOND, reason="at once", approved_by=BERT, **given())
    with pytest.raises(proposals.NotOpen, match=f"{SECOND} is credited in full already"):
        proposals.approve(engine, over.public_id, **given(by=BERT))
    assert proposals.decline(engine, no.public_id, reason="it is right", **given(by=BERT)).answer == "it is right"
    assert [x.state for x in proposals.listed(engine, entity=SELLER, at=later)] == ["declined", "overtaken", "expired"]
    assert [x.state for x in proposals.listed(engine, entity=SELLER, at=AUGUST_11, state="open")] == ["open"]
    with pytest.raises(proposals.NoSuchProposal):
        proposals.approve(engine, "prp_none", **given())


def test_letters_are_those_that_were_looked_at(story: Story) -> None:
    engine = story.engine
    with pytest.raises(reminders.NothingDue):
        proposals.propose_letters(engine, entity=SELLER, reason="due", **given(JULY_5))
    made = proposals.propose_letters(engine, entity=SELLER, reason="due", **given())
    assert made.detail["letters"] == [{"debtor": "Haulier BV", "level": 1, "total": "6604.50", "currency": "EUR"}]
    assert f"{made.expires_at.astimezone(UTC):%d %H:%M}" == "11 22:00", "until midnight in Berlin"
    pay(story, entry("B1", "2201.50", FIRST))
    with pytest.raises(proposals.NotOpen, match="what it rests on changed"):
        proposals.approve(engine, made.public_id, **given(by=BERT))
    proposals.decline(engine, made.public_id, reason="paid", **given())
    again = proposals.propose_letters(engine, entity=SELLER, reason="due", **given())
    done = proposals.approve(engine, again.public_id, **given(by=BERT))
    (number,) = done.outcome["letters"]
    assert reminders.letter(engine, number)["total"] == "4403.00"
    (row,) = story.rows("SELECT by, approved_by FROM billing.dunning_letter")
    assert tuple(row) == (ANNA, BERT)


def test_a_returned_direct_debit_opens_its_invoice_again_once(story: Story) -> None:
    pay(story, entry("B1", "2201.50", FIRST, end_to_end="E-1"))
    assert FIRST not in " ".join(left(story))
    row = returned("R1", "2204.50", "E-1", amounts=ORIGINAL.format(amount="2201.50"))
    first, again = (pay(story, row)[0] for _ in range(2))
    assert (first.payment, first.reopened, first.new) == ("B1/0", 1, True)
    assert again.new is False
    assert f"{FIRST} 2201.50 EUR" in left(story)
    # 2201.50 in, 2204.50 out; 3 x 2201.50 owed
    assert (balance(story, "bank"), balance(story, "bank_fee:return")) == (Decimal("-3.00"), Decimal("3.00"))
    assert receivable(story) == Decimal("6604.50")
    with pytest.raises(payments.NothingSettled):
        payments.take_back(story.engine, "B1/0", entity=SELLER, reason="again", **given())
    books_agree(story)
    # The second try pays under the same end-to-end id, and comes back too.
    pay(story, entry("B2", "2201.50", FIRST, end_to_end="E-1"))
    assert pay(story, returned("R2", "2201.50", "E-1"))[0].payment == "B2/0"
    assert balance(story, "bank") == Decimal("-3.00")


def test_a_return_waits_for_a_person_who_says_of_which_payment_it_is(story: Story) -> None:
    engine = story.engine
    pay(story, entry("B1", "2201.50", FIRST), entry("B2", "2201.50", SECOND))
    assert pay(story, returned("R1", "2204.50", "E-9"))[0].payment is None
    (waiting,) = payments.waiting(engine, entity=SELLER)
    assert (waiting.key, str(waiting.amount), waiting.reason) == ("R1/0", "2204.50 EUR", "AC04")
    assert balance(story, "unmatched") == Decimal("2204.50"), "missing among what waits"
    books_agree(story)
    assert payments.take_back(engine, "B2/0", entity=SELLER, reason="AC04", returned="R1/0", **given()) == 1
    assert payments.waiting(engine, entity=SELLER) == ()
    assert left(story)[0].startswith(SECOND)
    # 2204.50 were taken for 2201.50
    assert (balance(story, "unmatched"), balance(story, "bank_fee:return")) == (Decimal("0.00"), Decimal("3.00"))
    assert balance(story, "bank") == Decimal("2198.50")
    # By hand first: the statement that says so later books its fee alone.
    payments.take_back(engine, "B1/0", entity=SELLER, reason="told by phone", **given())
    pay(story, entry("B3", "2201.50", FIRST, end_to_end="E-3"))
    payments.take_back(engine, "B3/0", entity=SELLER, reason="told by phone", **given())
    late = returned("R3", "2204.50", "E-3", amounts=ORIGINAL.format(amount="2201.50"))
    assert pay(story, late)[0].payment == "B3/0"
    assert (balance(story, "bank"), balance(story, "bank_fee:return")) == (Decimal("-6.00"), Decimal("6.00"))
    assert receivable(story) == Decimal("6604.50")
    books_agree(story)
    beancount_agrees(story, date(2027, 1, 1))


def test_what_was_paid_too_much_pays_another_invoice_or_is_sent_back(story: Story) -> None:
    engine = story.engine
    to: Any = {"entity": SELLER}
    pay(story, entry("B1", "2201.50", FIRST))
    credits_.credit(engine, FIRST, reason="wrong", approved_by=BERT, **given())
    assert listed(story) == [(FIRST, "2201.50 EUR")]
    pay(story, entry("B2", "2000.00", SECOND))
    found = balances.apply(engine, FIRST, [SECOND], **to, **given())
    assert ([str(amount) for _, amount in found.paid], str(found.rest)) == (["201.50 EUR"], "2000.00 EUR")
    assert (left(story), listed(story)) == ([f"{THIRD} 2201.50 EUR"], [(FIRST, "2000.00 EUR")])
    for wrong in (SECOND, "TS-2026-00099"):
        with pytest.raises(payments.NotOwed, match=wrong):
            balances.apply(engine, FIRST, [wrong], **to, **given())
    assert receivable(story) == Decimal("201.50"), "2201.50 owed for the third, 2000.00 too much of the first"
    assert balances.take_back(engine, FIRST, reason="not asked for", **to, **given()) == 1
    assert left(story) == [f"{SECOND} 201.50 EUR", f"{THIRD} 2201.50 EUR"]
    with pytest.raises(payments.NothingSettled):
        balances.take_back(engine, FIRST, reason="again", **to, **given())
    with pytest.raises(payments.NothingLeft, match=r"2201\.50 EUR is left"):
        proposals.propose_refund(engine, FIRST, "2201.51 EUR", reason="asked", **to, **given())
    made = proposals.propose_refund(engine, FIRST, None, reason="asked for", **to, **given())
    balances.apply(engine, FIRST, [SECOND], **to, **given())
    with pytest.raises(proposals.NotOpen, match="overtaken"):
        proposals.approve(engine, made.public_id, **given(by=BERT))
    proposals.decline(engine, made.public_id, reason="less is left", **given())
    made = proposals.propose_refund(engine, FIRST, "1500.00 EUR", reason="asked for", **to, **given())
    assert proposals.approve(engine, made.public_id, **given(by=BERT)).outcome["refund"].startswith("rfd_")
    assert listed(story) == [(FIRST, "500.00 EUR")]
    # 2201.50 + 2000.00 in, 1500.00 out
    assert balance(story, "bank") == Decimal("2701.50")
    assert receivable(story) == Decimal("1701.50"), "2201.50 owed for the third, 500.00 too much of the first"
    # Money that nobody knows is sent back too.
    pay(story, entry("B3", "70.00", "rent", payer="Somebody"))
    made = proposals.propose_refund(engine, "B3/0", None, reason="not ours", **to, **given())
    proposals.approve(engine, made.public_id, **given(by=BERT))
    assert (balance(story, "unmatched"), listed(story)) == (Decimal("0.00"), [(FIRST, "500.00 EUR")])
    books_agree(story)
    # The bank takes that back as well: 70.00 are missing, and listed as such.
    payments.take_back(engine, "B3/0", reason="returned", **to, **given())
    assert listed(story) == [("B3/0", "-70.00 EUR"), (FIRST, "500.00 EUR")]
    with pytest.raises(payments.NothingLeft):
        proposals.propose_refund(engine, "B3/0", None, reason="again", **to, **given())
    # The bank takes the payment back that was too much: what it paid of the second is open again.
    payments.take_back(engine, "B1/0", reason="returned", **to, **given())
    assert left(story)[0] == f"{FIRST} 1500.00 EUR", "what was sent back is owed"
    assert left(story)[1] == f"{SECOND} 201.50 EUR"
    assert (balance(story, "bank"), receivable(story)) == (Decimal("430.00"), Decimal("3903.00"))
    books_agree(story)
    beancount_agrees(story, date(2027, 1, 1))
    (row,) = story.rows("SELECT payee, reason, by, approved_by FROM billing.refund WHERE payment IS NOT NULL")
    assert tuple(row) == ("Somebody", "not ours", ANNA, BERT)


def test_drafts_are_held_against_what_was_paid_too_much_and_three_months(engine: Engine) -> None:
    story = Story(engine)
    words = SETUP.replace(
        "country: NL, vat_id: NL123456782B01", "country: DE, leitweg_id: 991-01484-64, public_buyer: true"
    )
    words = words.replace("language: de", "language: de, direct_debit: true, mandate: M-17")
    words = words.replace("    dunning:", "    materiality: {share: 20 %, amount: 500.00 EUR}\n    dunning:")
    assert not isinstance(billing.set_up(engine, words, at=SIGNED, by="person:test"), tuple)
    fees(story, 1)
    for label in ("2026-03", "2026-04", "2026-05"):
        story.issue(story.bill(SELLER, label, JULY_5).run.public_id, JULY_5)
    document = story.invoices()[0]
    assert (document["leitweg_id"], document["mandate"]) == ("991-01484-64", "M-17")
    with transaction(engine) as connection:
        ((contract,),) = connection.execute(text("SELECT id FROM contracts.contract"))
        seen = {n: invoices.last(connection, [(contract, local(f"2026-0{n}-01 00:00"))]) for n in (5, 6)}
        seller = entities.entity_named(connection, SELLER)
    # Two invoices before May, three before June: 1850.00 each
    assert (seen[5][contract].usual, seen[6][contract].usual) == ({}, {"F01": Money.parse("1850.00 EUR")})
    assert seller is not None
    assert seller.material == Material(Decimal("0.2"), Money.parse("500.00 EUR"))
    pay(story, entry("B1", "2201.50", FIRST))
    credits_.credit(engine, FIRST, reason="wrong", approved_by=BERT, **given())
    run = story.bill(SELLER, "2026-06", AUGUST_11)
    (draft,) = run.drafts
    assert [x["code"] for x in draft["findings"]] == ["credit_balance"]
    assert draft["findings"][0]["at_risk"] == "2201.50"
