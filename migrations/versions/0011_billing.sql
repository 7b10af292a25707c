-- The order in which a run's documents are numbered, without a look into each of them.
ALTER TABLE billing.draft ADD COLUMN buyer text NOT NULL DEFAULT '';
UPDATE billing.draft SET buyer = coalesce(document #>> '{buyer,name}', '');

-- What a draft would print, once drawn up, is what is approved and issued: another calculation is another revision.
ALTER TABLE billing.draft ADD COLUMN content_hash text NOT NULL DEFAULT '';
CREATE TRIGGER drawn_up BEFORE UPDATE OF document, content_hash, credit_notes, corrections ON billing.draft
    FOR EACH ROW WHEN (OLD.document IS NOT NULL) EXECUTE FUNCTION core.refuse_change();

-- A contract that is over: what its earlier bills lack or have too much gets a document of its own.
ALTER TABLE billing.draft ADD COLUMN final boolean NOT NULL DEFAULT false;

-- Where the units that its counters metered ended: by asset and register metered, rated, excluded, pending.
ALTER TABLE billing.draft ADD COLUMN metering jsonb NOT NULL DEFAULT '[]';

-- The language of fixed words; the currency in which tax is shown too; how late payers are reminded.
ALTER TABLE billing.account ADD COLUMN language text NOT NULL DEFAULT 'en' CHECK (language IN ('en', 'de', 'fr'));
ALTER TABLE billing.entity ADD COLUMN vat_currency text CHECK (vat_currency ~ '^[A-Z]{3}$');
ALTER TABLE billing.entity ADD COLUMN rate_source text NOT NULL DEFAULT 'ECB';
ALTER TABLE billing.entity ADD COLUMN dunning jsonb;

-- One of `base` is worth `rate` of `quote`, as published. A correction is a newer row.
CREATE TABLE billing.exchange_rate (
    source text NOT NULL CHECK (source <> ''),
    day    date NOT NULL,
    base   text NOT NULL CHECK (base ~ '^[A-Z]{3}$'),
    quote  text NOT NULL CHECK (quote ~ '^[A-Z]{3}$' AND quote <> base),
    rate   numeric NOT NULL CHECK (rate > 0),
    known  bigint NOT NULL,
    by     text NOT NULL CHECK (by <> ''),
    at     timestamptz NOT NULL,
    PRIMARY KEY (source, base, quote, day, known)
);

-- A reminder to one debtor about invoices of one currency. Taking it back is a row of its own.
CREATE TABLE billing.dunning_letter (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id    text NOT NULL UNIQUE,
    entity       int NOT NULL REFERENCES billing.entity,
    customer     int NOT NULL REFERENCES contracts.party,
    level        int NOT NULL CHECK (level BETWEEN 1 AND 9),
    issued_on    date NOT NULL,
    currency     text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    owed         numeric NOT NULL CHECK (owed > 0),
    fee          numeric NOT NULL CHECK (fee >= 0),
    interest     numeric NOT NULL CHECK (interest >= 0),
    document     jsonb NOT NULL,
    content_hash text NOT NULL,
    by           text NOT NULL CHECK (by <> ''),
    approved_by  text NOT NULL CHECK (approved_by <> by),
    at           timestamptz NOT NULL
);
CREATE INDEX dunning_letter_customer ON billing.dunning_letter (customer);
CREATE TABLE billing.dunning_item (
    letter   bigint NOT NULL REFERENCES billing.dunning_letter,
    invoice  bigint NOT NULL REFERENCES billing.invoice,
    level    int NOT NULL CHECK (level BETWEEN 1 AND 9),
    owed     numeric NOT NULL CHECK (owed > 0),
    interest numeric NOT NULL CHECK (interest >= 0),
    PRIMARY KEY (letter, invoice)
);
CREATE INDEX dunning_item_invoice ON billing.dunning_item (invoice);
CREATE TABLE billing.dunning_withdrawal (
    letter bigint PRIMARY KEY REFERENCES billing.dunning_letter,
    reason text NOT NULL CHECK (reason <> ''),
    by     text NOT NULL CHECK (by <> ''),
    at     timestamptz NOT NULL
);

-- An invoice, or one line of it, that the debtor disputes: nobody is reminded of it until the block is released.
CREATE TABLE billing.dunning_block (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    invoice   bigint NOT NULL REFERENCES billing.invoice,
    line      int,
    reason    text NOT NULL CHECK (reason <> ''),
    by        text NOT NULL CHECK (by <> ''),
    at        timestamptz NOT NULL,
    FOREIGN KEY (invoice, line) REFERENCES billing.line (invoice, n)
);
CREATE INDEX dunning_block_invoice ON billing.dunning_block (invoice);
CREATE TABLE billing.dunning_release (
    block  bigint PRIMARY KEY REFERENCES billing.dunning_block,
    reason text NOT NULL CHECK (reason <> ''),
    by     text NOT NULL CHECK (by <> ''),
    at     timestamptz NOT NULL
);

-- What serving a contract cost. The key makes sure that a file read twice counts once; a correction is a row.
CREATE TABLE billing.cost (
    entity   int NOT NULL REFERENCES billing.entity,
    key      text NOT NULL CHECK (key <> ''),
    contract int NOT NULL REFERENCES contracts.contract,
    asset    text NOT NULL,
    kind     text NOT NULL CHECK (kind <> ''),
    day      date NOT NULL,
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount   numeric NOT NULL CHECK (amount <> 0),
    text     text NOT NULL,
    by       text NOT NULL CHECK (by <> ''),
    at       timestamptz NOT NULL,
    PRIMARY KEY (entity, key)
);
CREATE INDEX cost_day ON billing.cost (entity, day);

-- A later evaluation says something else of a guarantee than the report that was sent.
ALTER TABLE billing.breach_report ADD COLUMN supersedes bigint UNIQUE REFERENCES billing.breach_report;
ALTER TABLE billing.breach_report ALTER COLUMN breach DROP NOT NULL;  -- none: the report that it supersedes is withdrawn
ALTER TABLE billing.breach_report ADD CHECK (breach IS NOT NULL OR supersedes IS NOT NULL);

DO $$
DECLARE seen record;
BEGIN
    FOR seen IN SELECT * FROM (VALUES
        ('billing.exchange_rate',      'true'),
        ('billing.dunning_letter',     'visible.reads_money() AND (customer = visible.party() OR entity IN (SELECT id FROM billing.entity WHERE party = visible.party()))'),
        ('billing.dunning_item',       'letter IN (SELECT id FROM billing.dunning_letter)'),
        ('billing.dunning_withdrawal', 'letter IN (SELECT id FROM billing.dunning_letter)'),
        ('billing.dunning_block',      'invoice IN (SELECT id FROM billing.invoice)'),
        ('billing.dunning_release',    'block IN (SELECT id FROM billing.dunning_block)'),
        ('billing.cost',               'visible.reads_money() AND entity IN (SELECT id FROM billing.entity WHERE party = visible.party())')
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
