-- A period that had nothing to bill may be billed later although its contract has no invoice to refer to.
ALTER TABLE billing.correction ALTER COLUMN corrects DROP NOT NULL;
ALTER TABLE billing.correction ADD CONSTRAINT correction_of_something CHECK (corrects IS NOT NULL OR kind = 'delta_line');

-- The bank took a payment back: nothing of it can be settled any more. Its settlements are reversed by rows of their own.
CREATE TABLE billing.payment_return (
    payment bigint PRIMARY KEY REFERENCES billing.payment,
    entry   bigint NOT NULL,
    reason  text NOT NULL CHECK (reason <> ''),
    by      text NOT NULL CHECK (by <> ''),
    at      timestamptz NOT NULL
);
-- Taking a payment back was booked as money that left the bank.
INSERT INTO billing.payment_return (payment, entry, reason, by, at)
SELECT payment, max(entry), max(matched), max(by), max(at) FROM billing.settlement WHERE reverses IS NOT NULL
GROUP BY payment;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.payment_return
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
GRANT SELECT, INSERT ON billing.payment_return TO yardstick_worker;
GRANT SELECT ON billing.payment_return TO yardstick_api;
ALTER TABLE billing.payment_return ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.payment_return FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON billing.payment_return TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true);
CREATE POLICY api ON billing.payment_return FOR SELECT TO yardstick_api
    USING (payment IN (SELECT id FROM billing.payment));

-- The journal says of each entry what it is about; what nobody could match has no settlement that would.
ALTER TABLE billing.payment ADD COLUMN entry bigint;
CREATE INDEX payment_entry ON billing.payment (entry);
CREATE INDEX payment_return_entry ON billing.payment_return (entry);
CREATE INDEX settlement_entry ON billing.settlement (entry);
CREATE INDEX charge_settlement_entry ON billing.charge_settlement (entry);
