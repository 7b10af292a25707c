-- A dunning letter bears a number of its own, without a gap, and what it asks for beside invoices is booked.
ALTER TABLE billing.series DROP CONSTRAINT series_kind_check;
ALTER TABLE billing.series ADD CONSTRAINT series_kind_check CHECK (kind IN ('invoice', 'credit_note', 'dunning'));

-- Letters from before have no number, and nothing of them is booked. lump_sum: once for each invoice.
ALTER TABLE billing.dunning_letter ADD COLUMN series int REFERENCES billing.series;
ALTER TABLE billing.dunning_letter ADD COLUMN n int CHECK (n > 0);
ALTER TABLE billing.dunning_letter ADD COLUMN number text UNIQUE;
ALTER TABLE billing.dunning_letter ADD COLUMN lump_sum numeric NOT NULL DEFAULT 0 CHECK (lump_sum >= 0);
ALTER TABLE billing.dunning_letter ADD COLUMN entry bigint UNIQUE;
ALTER TABLE billing.dunning_letter ADD UNIQUE (series, n);
ALTER TABLE billing.dunning_letter ADD CHECK ((series IS NULL) = (number IS NULL) AND (series IS NULL) = (n IS NULL));
CREATE INDEX dunning_letter_booked ON billing.dunning_letter (entity) WHERE entry IS NOT NULL;

-- interest_until: interest is asked for up to this day, and from it on by the next letter.
ALTER TABLE billing.dunning_item ADD COLUMN lump_sum numeric NOT NULL DEFAULT 0 CHECK (lump_sum >= 0);
ALTER TABLE billing.dunning_item ADD COLUMN interest_until date;
ALTER TABLE billing.dunning_withdrawal ADD COLUMN entry bigint UNIQUE;

-- What a payment settles of a letter's charges; taking it back is a row with the opposite amount.
CREATE TABLE billing.charge_settlement (
    id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    payment  bigint NOT NULL REFERENCES billing.payment,
    letter   bigint NOT NULL REFERENCES billing.dunning_letter,
    amount   numeric NOT NULL CHECK (amount <> 0),
    reverses bigint UNIQUE REFERENCES billing.charge_settlement,
    entry    bigint NOT NULL,
    matched  text NOT NULL,
    by       text NOT NULL CHECK (by <> ''),
    at       timestamptz NOT NULL,
    CHECK ((amount < 0) = (reverses IS NOT NULL))
);
CREATE INDEX charge_settlement_letter ON billing.charge_settlement (letter);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.charge_settlement
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
GRANT SELECT, INSERT ON billing.charge_settlement TO yardstick_worker;
GRANT SELECT ON billing.charge_settlement TO yardstick_api;
ALTER TABLE billing.charge_settlement ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.charge_settlement FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON billing.charge_settlement TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true);
CREATE POLICY api ON billing.charge_settlement FOR SELECT TO yardstick_api
    USING (letter IN (SELECT id FROM billing.dunning_letter));
