-- What the rules found in a draft: code, severity, message, amount at risk, what would mend it.
ALTER TABLE billing.draft ADD COLUMN findings jsonb NOT NULL DEFAULT '[]';

-- Somebody says that a finding does not stand in the way, and why. It holds for one revision of one run.
CREATE TABLE billing.override (
    run      bigint NOT NULL REFERENCES billing.run,
    contract int NOT NULL REFERENCES contracts.contract,
    revision int NOT NULL,
    code     text NOT NULL,
    reason   text NOT NULL CHECK (reason <> ''),
    by       text NOT NULL CHECK (by <> ''),
    at       timestamptz NOT NULL,
    PRIMARY KEY (run, contract, revision, code)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.override
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
GRANT SELECT, INSERT ON billing.override TO yardstick_worker;
GRANT SELECT ON billing.override TO yardstick_api;
ALTER TABLE billing.override ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.override FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON billing.override TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true);
CREATE POLICY api ON billing.override FOR SELECT TO yardstick_api USING (run IN (SELECT id FROM billing.run));
