-- Up to which knowledge late facts of a closed period were looked for.
ALTER TABLE contracts.period ADD COLUMN checked bigint;
GRANT UPDATE (checked) ON contracts.period TO yardstick_worker;

-- A document may correct another; after a full credit note the period is invoiced anew, as its next revision.
ALTER TABLE billing.invoice ADD COLUMN corrects bigint REFERENCES billing.invoice;
ALTER TABLE billing.invoice ADD COLUMN revision int NOT NULL DEFAULT 1 CHECK (revision > 0);
ALTER TABLE billing.invoice ADD CHECK ((kind = 'credit_note') = (corrects IS NOT NULL));
ALTER TABLE billing.invoice DROP CONSTRAINT invoice_contract_label_kind_key;
CREATE UNIQUE INDEX invoice_period ON billing.invoice (contract, label, revision) WHERE kind = 'invoice';
CREATE INDEX invoice_corrects ON billing.invoice (corrects) WHERE corrects IS NOT NULL;

-- The period that a line belongs to, where it is not the document's own.
ALTER TABLE billing.line ADD COLUMN label text;
CREATE INDEX line_label ON billing.line (label) WHERE label IS NOT NULL;

ALTER TABLE billing.draft ADD COLUMN corrections jsonb NOT NULL DEFAULT '[]';   -- periods that its delta lines correct
ALTER TABLE billing.draft ADD COLUMN credit_notes jsonb NOT NULL DEFAULT '[]';  -- documents to issue beside it
ALTER TABLE billing.draft DROP CONSTRAINT draft_state_check;
ALTER TABLE billing.draft ADD CONSTRAINT draft_state_check
    CHECK (state IN ('collected', 'ok', 'warning', 'blocked', 'excluded', 'issued', 'failed'));

-- One row for each time that a document changed what a period of a contract comes to. The key makes sure that two runs
-- never bill one difference: the second one finds its number taken.
CREATE TABLE billing.correction (
    contract   int NOT NULL REFERENCES contracts.contract,
    label      text NOT NULL,
    n          int NOT NULL CHECK (n > 0),
    kind       text NOT NULL CHECK (kind IN ('delta_line', 'credit_note', 'cancellation')),
    invoice    bigint NOT NULL REFERENCES billing.invoice,   -- the document that carries it
    corrects   bigint NOT NULL REFERENCES billing.invoice,   -- the one that stays as it was
    evaluation bigint NOT NULL REFERENCES contracts.evaluation,
    currency   text NOT NULL,
    net        numeric NOT NULL,
    reason     text NOT NULL CHECK (reason <> ''),
    at         timestamptz NOT NULL,
    PRIMARY KEY (contract, label, n)
);
CREATE UNIQUE INDEX correction_cancellation ON billing.correction (corrects) WHERE kind = 'cancellation';
CREATE INDEX correction_invoice ON billing.correction (invoice);

-- Differences below what the contract says is worth a line: owed, and billed once they add up to it.
CREATE TABLE billing.carried (
    contract   int NOT NULL REFERENCES contracts.contract,
    label      text NOT NULL,
    evaluation bigint NOT NULL REFERENCES contracts.evaluation,
    currency   text NOT NULL,
    net        numeric NOT NULL,
    reason     text NOT NULL,
    at         timestamptz NOT NULL,
    PRIMARY KEY (contract, label, evaluation)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.correction
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.carried
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

GRANT SELECT, INSERT ON billing.correction, billing.carried TO yardstick_worker;
GRANT SELECT ON billing.correction, billing.carried TO yardstick_api;

DO $$
DECLARE seen record;
BEGIN
    FOR seen IN SELECT * FROM (VALUES
        ('billing.correction', 'contract IN (SELECT visible.billed_contract_ids())'),
        ('billing.carried',    'contract IN (SELECT visible.billed_contract_ids())')
    ) AS s (name, condition) LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('CREATE POLICY worker ON %s TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true)', seen.name);
        EXECUTE format('CREATE POLICY api ON %s FOR SELECT TO yardstick_api USING (%s)', seen.name, seen.condition);
    END LOOP;
END $$;
