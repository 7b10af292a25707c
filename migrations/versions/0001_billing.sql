-- Who issues invoices: a provider's legal entity.
CREATE TABLE billing.entity (
    id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    party     int NOT NULL UNIQUE REFERENCES contracts.party,
    name      text NOT NULL,
    address   text NOT NULL,
    country   text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    vat_id    text NOT NULL,
    prefix    text NOT NULL UNIQUE CHECK (prefix ~ '^[A-Z0-9]{1,12}$'),  -- of its invoice numbers
    timezone  text NOT NULL,  -- in which its periods begin and its invoices are dated
    tax_category text,        -- what holds where a contract names no tax
    tax_rate  numeric CHECK (tax_rate >= 0),
    CHECK ((tax_category IS NULL) = (tax_rate IS NULL))
);

-- Who is billed.
CREATE TABLE billing.account (
    party        int PRIMARY KEY REFERENCES contracts.party,
    name         text NOT NULL,
    address      text NOT NULL,
    country      text NOT NULL CHECK (country ~ '^[A-Z]{2}$'),
    vat_id       text NOT NULL DEFAULT '',
    payment_days int NOT NULL DEFAULT 30 CHECK (payment_days >= 0)
);

-- A gapless run of numbers. Its row lock is held only inside the issuing transaction.
CREATE TABLE billing.series (
    id          int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity      int NOT NULL REFERENCES billing.entity,
    kind        text NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    year        int NOT NULL,
    issued      int NOT NULL DEFAULT 0 CHECK (issued >= 0),
    last_issued date,
    chain_hash  text NOT NULL DEFAULT '',
    UNIQUE (entity, kind, year)
);

CREATE TABLE billing.run (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id     text NOT NULL UNIQUE,
    entity        int NOT NULL REFERENCES billing.entity,
    label         text NOT NULL,  -- of the period, e.g. 2026-10
    starts_at     timestamptz NOT NULL,
    ends_at       timestamptz NOT NULL,
    known         bigint,         -- frozen when collecting begins
    state         text NOT NULL CHECK (state IN ('created', 'collecting', 'calculated', 'in_review', 'approved',
                      'issuing', 'issued', 'exported', 'closed', 'failed', 'cancelled')),
    revision      int NOT NULL DEFAULT 0,
    hash          text,           -- over the sorted hashes of its drafts
    created_at    timestamptz NOT NULL,
    created_by    text NOT NULL,
    approved_at   timestamptz,
    approved_by   text,
    approved_hash text,
    issue_date    date,
    CHECK ((approved_by IS NULL) = (approved_hash IS NULL)),
    CHECK (approved_by <> created_by)
);
CREATE UNIQUE INDEX run_open ON billing.run (entity, label) WHERE state NOT IN ('issued', 'exported', 'closed', 'cancelled');

CREATE TABLE billing.draft (
    run        bigint NOT NULL REFERENCES billing.run,
    contract   int NOT NULL REFERENCES contracts.contract,
    contract_name text NOT NULL,
    revision   int NOT NULL,
    period     bigint NOT NULL REFERENCES contracts.period,
    state      text NOT NULL CHECK (state IN ('collected', 'ok', 'warning', 'blocked', 'excluded', 'issued')),
    reason     text NOT NULL DEFAULT '',
    evaluation bigint REFERENCES contracts.evaluation,
    document   jsonb,
    net        numeric,
    tax        numeric,
    gross      numeric,
    currency   text,
    hash       text NOT NULL DEFAULT '',
    PRIMARY KEY (run, contract, revision)
);

CREATE TABLE billing.invoice (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id     text NOT NULL UNIQUE,
    series        int NOT NULL REFERENCES billing.series,
    n             int NOT NULL CHECK (n > 0),
    number        text NOT NULL UNIQUE,
    kind          text NOT NULL CHECK (kind IN ('invoice', 'credit_note')),
    contract      int NOT NULL REFERENCES contracts.contract,
    customer      int NOT NULL REFERENCES contracts.party,
    run           bigint NOT NULL REFERENCES billing.run,
    evaluation    bigint NOT NULL REFERENCES contracts.evaluation,
    label         text NOT NULL,
    service_start timestamptz NOT NULL,
    service_end   timestamptz NOT NULL CHECK (service_end > service_start),
    issue_date    date NOT NULL,
    due_date      date NOT NULL CHECK (due_date >= issue_date),
    currency      text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    exponent      smallint NOT NULL CHECK (exponent BETWEEN 0 AND 4),
    net           numeric NOT NULL CHECK (scale(net) <= exponent),
    tax           numeric NOT NULL CHECK (scale(tax) <= exponent),
    gross         numeric NOT NULL CHECK (scale(gross) <= exponent AND gross = net + tax),
    document      jsonb NOT NULL,   -- everything printed, as issued
    content_hash  text NOT NULL,
    previous_hash text NOT NULL,
    chain_hash    text NOT NULL,
    issued_at     timestamptz NOT NULL,
    UNIQUE (series, n),
    UNIQUE (contract, label, kind)
);
CREATE INDEX invoice_contract ON billing.invoice (contract, service_start DESC);

CREATE TABLE billing.line (
    invoice       bigint NOT NULL REFERENCES billing.invoice,
    n             int NOT NULL CHECK (n > 0),
    line_id       text NOT NULL,    -- stable over revisions: contract, term, asset, segment, period
    clause        text NOT NULL,
    kind          text NOT NULL,
    asset         text NOT NULL,
    text          text NOT NULL,
    quantity      numeric,
    unit          text,
    amount        numeric NOT NULL,
    currency      text NOT NULL,
    tax_category  text NOT NULL,
    tax_rate      numeric NOT NULL CHECK (tax_rate >= 0),
    service_start timestamptz NOT NULL,
    service_end   timestamptz NOT NULL CHECK (service_end > service_start),
    steps         jsonb NOT NULL,
    PRIMARY KEY (invoice, n)
);

CREATE TABLE billing.tax_total (
    invoice  bigint NOT NULL REFERENCES billing.invoice,
    category text NOT NULL,
    rate     numeric NOT NULL,
    base     numeric NOT NULL,
    tax      numeric NOT NULL,
    PRIMARY KEY (invoice, category, rate)
);

-- Double entry by shape: every row has one debit and one credit of the same amount.
CREATE TABLE billing.transfer (
    entry     bigint NOT NULL,
    n         int NOT NULL CHECK (n > 0),
    at        timestamptz NOT NULL,
    posted_on date NOT NULL,
    debit     text NOT NULL,
    credit    text NOT NULL CHECK (credit <> debit),
    currency  text NOT NULL,
    amount    numeric NOT NULL CHECK (amount > 0),
    invoice   bigint REFERENCES billing.invoice,
    PRIMARY KEY (entry, n)
);
CREATE INDEX transfer_invoice ON billing.transfer (invoice);
CREATE SEQUENCE billing.entry;

CREATE TABLE billing.breach_report (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id    text NOT NULL UNIQUE,
    breach       bigint NOT NULL UNIQUE REFERENCES contracts.breach,
    contract     int NOT NULL REFERENCES contracts.contract,
    invoice      bigint REFERENCES billing.invoice,
    document     jsonb NOT NULL,
    content_hash text NOT NULL,
    issued_at    timestamptz NOT NULL
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.invoice
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.line
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.tax_total
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.transfer
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.breach_report
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA billing TO yardstick_worker;
GRANT UPDATE ON billing.series, billing.run, billing.draft, billing.account, billing.entity TO yardstick_worker;
GRANT USAGE ON SEQUENCE billing.entry TO yardstick_worker;
GRANT SELECT ON ALL TABLES IN SCHEMA billing TO yardstick_api;
