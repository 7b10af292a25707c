-- Money received. The bank's key makes sure that a statement read twice is booked once.
CREATE TABLE billing.payment (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id   text NOT NULL UNIQUE,
    entity      int NOT NULL REFERENCES billing.entity,
    key         text NOT NULL CHECK (key <> ''),
    received_on date NOT NULL,
    currency    text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    amount      numeric NOT NULL CHECK (amount > 0),
    payer       text NOT NULL,
    text        text NOT NULL,
    by          text NOT NULL CHECK (by <> ''),
    at          timestamptz NOT NULL,
    UNIQUE (entity, key)
);

-- What a payment settles; taking it back is a row with the opposite amount that names the one it takes back.
CREATE TABLE billing.settlement (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment  bigint NOT NULL REFERENCES billing.payment,
    invoice  bigint NOT NULL REFERENCES billing.invoice,
    amount   numeric NOT NULL CHECK (amount <> 0),
    reverses bigint UNIQUE REFERENCES billing.settlement,
    entry    bigint NOT NULL,
    matched  text NOT NULL,
    by       text NOT NULL CHECK (by <> ''),
    at       timestamptz NOT NULL,
    CHECK ((amount < 0) = (reverses IS NOT NULL))
);
CREATE INDEX settlement_invoice ON billing.settlement (invoice);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.payment
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.settlement
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
GRANT SELECT, INSERT ON billing.payment, billing.settlement TO yardstick_worker;
GRANT SELECT ON billing.payment, billing.settlement TO yardstick_api;

DO $$
DECLARE seen record;
BEGIN
    FOR seen IN SELECT * FROM (VALUES
        ('billing.payment',    'visible.reads_money() AND entity IN (SELECT id FROM billing.entity WHERE party = visible.party())'),
        ('billing.settlement', 'invoice IN (SELECT id FROM billing.invoice)')
    ) AS s (name, condition) LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('CREATE POLICY worker ON %s TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true)', seen.name);
        EXECUTE format('CREATE POLICY api ON %s FOR SELECT TO yardstick_api USING (%s)', seen.name, seen.condition);
    END LOOP;
END $$;
