-- Which contracts of a debtor share a document: false none, true all, or their names by group.
ALTER TABLE billing.account ADD COLUMN consolidate jsonb NOT NULL DEFAULT 'false';

-- Drafts with one bundle are issued as one document. It is approved with them, so it stays as they do.
ALTER TABLE billing.draft ADD COLUMN bundle text NOT NULL DEFAULT '';
DROP TRIGGER drawn_up ON billing.draft;
CREATE TRIGGER drawn_up BEFORE UPDATE OF document, content_hash, credit_notes, corrections, bundle ON billing.draft
    FOR EACH ROW WHEN (OLD.document IS NOT NULL) EXECUTE FUNCTION core.refuse_change();

-- What a document is made of: a contract's period each. invoice.contract and .evaluation are those of the first part.
-- bills: it is what the period costs, and no correction of it; a period stands on one document.
CREATE TABLE billing.invoice_part (
    invoice    bigint NOT NULL REFERENCES billing.invoice,
    n          int NOT NULL CHECK (n > 0),
    contract   int NOT NULL REFERENCES contracts.contract,
    label      text NOT NULL,
    bills      boolean NOT NULL,
    revision   int NOT NULL CHECK (revision > 0),
    evaluation bigint NOT NULL REFERENCES contracts.evaluation,
    net        numeric NOT NULL,
    PRIMARY KEY (invoice, n),
    UNIQUE (contract, invoice)
);
INSERT INTO billing.invoice_part (invoice, n, contract, label, bills, revision, evaluation, net)
    SELECT id, 1, contract, label, kind = 'invoice', revision, evaluation, net FROM billing.invoice;
CREATE UNIQUE INDEX invoice_part_period ON billing.invoice_part (contract, label, revision) WHERE bills;
DROP INDEX billing.invoice_period;

-- The part that a line belongs to.
ALTER TABLE billing.line ADD COLUMN part int NOT NULL DEFAULT 1;
ALTER TABLE billing.line DROP CONSTRAINT line_invoice_fkey;
ALTER TABLE billing.line ADD FOREIGN KEY (invoice, part) REFERENCES billing.invoice_part (invoice, n);

-- A document that is credited in full is so for each of its contracts.
DROP INDEX billing.correction_cancellation;
CREATE UNIQUE INDEX correction_cancellation ON billing.correction (corrects, contract) WHERE kind = 'cancellation';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.invoice_part
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
GRANT SELECT, INSERT ON billing.invoice_part TO yardstick_worker;
GRANT SELECT ON billing.invoice_part TO yardstick_api;
ALTER TABLE billing.invoice_part ENABLE ROW LEVEL SECURITY;
ALTER TABLE billing.invoice_part FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON billing.invoice_part TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true);
CREATE POLICY api ON billing.invoice_part FOR SELECT TO yardstick_api
    USING (contract IN (SELECT visible.billed_contract_ids()));

-- Who made a key, "person:<name>": a person and their keys are one when two people are needed. NULL: made before this.
ALTER TABLE api.key ADD COLUMN made_by text CHECK (made_by LIKE 'person:_%');
ALTER TABLE billing.run ADD CHECK (split_part(approved_by, ' via ', 1) <> split_part(created_by, ' via ', 1));
