-- What one person asks for and another one decides: a credit note, letters, a refund. hash: of what was looked at.
CREATE TABLE billing.proposal (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id  text NOT NULL UNIQUE,
    entity     int NOT NULL REFERENCES billing.entity,
    kind       text NOT NULL CHECK (kind IN ('credit_note', 'dunning', 'refund')),
    subject    text NOT NULL,   -- the invoice or payment, inv_… or pay_…; of letters their day
    detail     jsonb NOT NULL,
    hash       text NOT NULL,
    reason     text NOT NULL CHECK (reason <> ''),
    by         text NOT NULL CHECK (by <> ''),
    at         timestamptz NOT NULL,
    expires_at timestamptz NOT NULL CHECK (expires_at > at),
    UNIQUE (id, by)
);
CREATE INDEX proposal_entity ON billing.proposal (entity, id DESC);

-- The one answer to a proposal. Who proposed may take it back, and never approves it.
CREATE TABLE billing.decision (
    proposal    bigint PRIMARY KEY,
    proposed_by text NOT NULL,
    approved    boolean NOT NULL,
    reason      text NOT NULL CHECK (approved OR reason <> ''),
    outcome     jsonb NOT NULL,
    by          text NOT NULL CHECK (by <> ''),
    at          timestamptz NOT NULL,
    FOREIGN KEY (proposal, proposed_by) REFERENCES billing.proposal (id, by),
    CHECK (NOT approved OR split_part(by, ' via ', 1) <> split_part(proposed_by, ' via ', 1))
);

-- By which a bank names what it returns later. Empty: none was given, or it was taken in before this.
ALTER TABLE billing.payment ADD COLUMN end_to_end text NOT NULL DEFAULT '';
CREATE INDEX payment_end_to_end ON billing.payment (entity, end_to_end) WHERE end_to_end <> '';

-- Money that the bank took back, as its statement says. amount: what was paid; fee: what the bank asks for it.
CREATE TABLE billing.bank_return (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id   text NOT NULL UNIQUE,
    entity      int NOT NULL REFERENCES billing.entity,
    key         text NOT NULL CHECK (key <> ''),
    returned_on date NOT NULL,
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount      numeric NOT NULL CHECK (amount > 0),
    fee         numeric NOT NULL CHECK (fee >= 0),
    end_to_end  text NOT NULL,
    reason      text NOT NULL,   -- the bank's code, e.g. AC04
    text        text NOT NULL,
    entry       bigint NOT NULL,
    by          text NOT NULL CHECK (by <> ''),
    at          timestamptz NOT NULL,
    UNIQUE (entity, key)
);
CREATE INDEX bank_return_entry ON billing.bank_return (entry);

-- Which payment it returns; none yet: it waits for a person.
CREATE TABLE billing.bank_return_match (
    bank_return bigint PRIMARY KEY REFERENCES billing.bank_return,
    payment     bigint NOT NULL UNIQUE REFERENCES billing.payment,
    by          text NOT NULL CHECK (by <> ''),
    at          timestamptz NOT NULL
);

-- What was paid too much of one invoice pays another of the same debtor. Taken back by a row of the opposite amount.
CREATE TABLE billing.application (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    source   bigint NOT NULL REFERENCES billing.invoice,
    target   bigint NOT NULL REFERENCES billing.invoice CHECK (target <> source),
    amount   numeric NOT NULL CHECK (amount <> 0),
    reverses bigint UNIQUE REFERENCES billing.application,
    reason   text NOT NULL,
    by       text NOT NULL CHECK (by <> ''),
    at       timestamptz NOT NULL,
    CHECK ((amount < 0) = (reverses IS NOT NULL))
);
CREATE INDEX application_source ON billing.application (source);
CREATE INDEX application_target ON billing.application (target);

-- Money sent back: of what was paid too much of an invoice, or of what is left of a payment.
CREATE TABLE billing.refund (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id   text NOT NULL UNIQUE,
    entity      int NOT NULL REFERENCES billing.entity,
    invoice     bigint REFERENCES billing.invoice,
    payment     bigint REFERENCES billing.payment,
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount      numeric NOT NULL CHECK (amount > 0),
    payee       text NOT NULL,
    paid_on     date NOT NULL,
    entry       bigint NOT NULL UNIQUE,
    reason      text NOT NULL CHECK (reason <> ''),
    by          text NOT NULL CHECK (by <> ''),
    approved_by text NOT NULL CHECK (split_part(approved_by, ' via ', 1) <> split_part(by, ' via ', 1)),
    at          timestamptz NOT NULL,
    CHECK (num_nonnulls(invoice, payment) = 1)
);
CREATE INDEX refund_invoice ON billing.refund (invoice) WHERE invoice IS NOT NULL;
CREATE INDEX refund_payment ON billing.refund (payment) WHERE payment IS NOT NULL;
CREATE INDEX refund_entity ON billing.refund (entity);

-- How a debtor pays, and what it must be named with.
ALTER TABLE billing.account ADD COLUMN direct_debit boolean NOT NULL DEFAULT false;
ALTER TABLE billing.account ADD COLUMN mandate text NOT NULL DEFAULT '';
ALTER TABLE billing.account ADD COLUMN public_buyer boolean NOT NULL DEFAULT false;
ALTER TABLE billing.account ADD COLUMN leitweg_id text NOT NULL DEFAULT '';

-- From which difference on a draft is looked at: the larger of a share of what it was, and an amount.
ALTER TABLE billing.entity ADD COLUMN materiality jsonb;
CREATE INDEX invoice_customer_corrects ON billing.invoice (customer) WHERE corrects IS NOT NULL;

DO $$
DECLARE seen record; own text := 'visible.reads_money() AND entity IN (SELECT id FROM billing.entity WHERE party = visible.party())';
BEGIN
    FOR seen IN SELECT * FROM (VALUES
        ('billing.proposal',          own),
        ('billing.decision',          'proposal IN (SELECT id FROM billing.proposal)'),
        ('billing.bank_return',       own),
        ('billing.bank_return_match', 'payment IN (SELECT id FROM billing.payment)'),
        -- What is owed of an invoice counts these, for the debtor too.
        ('billing.application',       'target IN (SELECT id FROM billing.invoice)'),
        ('billing.refund',            'invoice IN (SELECT id FROM billing.invoice) OR (' || own || ')')
    ) AS s (name, condition) LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON %s FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()', seen.name);
        EXECUTE format('GRANT SELECT, INSERT ON %s TO yardstick_worker', seen.name);
        EXECUTE format('GRANT SELECT ON %s TO yardstick_api', seen.name);
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('CREATE POLICY worker ON %s TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true)', seen.name);
        EXECUTE format('CREATE POLICY api ON %s FOR SELECT TO yardstick_api USING (%s)', seen.name, seen.condition);
    END LOOP;
END $$;
