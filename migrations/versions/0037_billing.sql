-- Documents are laid down before they are numbered; see docs/decisions/0037-laid-down-before-numbered.md.

-- What numbering adds to a document stands beside it, so that the draft's is copied as it is compressed.
ALTER TABLE billing.invoice ADD COLUMN issue jsonb;
ALTER TABLE billing.invoice DISABLE TRIGGER append_only;
UPDATE billing.invoice SET issue = document -> 'issue';
ALTER TABLE billing.invoice ENABLE TRIGGER append_only;
ALTER TABLE billing.invoice ALTER COLUMN issue SET NOT NULL;

CREATE OR REPLACE FUNCTION visible.contest_limits(contract_id int, labels text[])
RETURNS TABLE (label text, clause text, until timestamptz) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS $$
    SELECT p.label, c ->> 'clause', max((c ->> 'until')::timestamptz)
    FROM billing.invoice_part AS p JOIN billing.invoice AS i ON i.id = p.invoice
    JOIN contracts.contract AS k ON k.id = p.contract
    CROSS JOIN LATERAL jsonb_array_elements(i.issue -> 'contest_until') AS c
    WHERE p.contract = contract_id AND p.label = ANY (labels) AND c ->> 'contract' = k.name
        AND p.contract IN (SELECT visible.contract_ids())
    GROUP BY p.label, c ->> 'clause'
$$;

-- The document's id is reserved before its row is inserted, under the lock of its series: its parts wait for it until
-- the commit, and its lines, tax totals and transfers rest on its parts. Parts are never changed or deleted, so it is
-- enough to look once, for a statement's rows together.
GRANT USAGE ON SEQUENCE billing.invoice_id_seq TO yardstick_worker;
ALTER TABLE billing.invoice_part ALTER CONSTRAINT invoice_part_invoice_fkey DEFERRABLE INITIALLY DEFERRED;
ALTER TABLE billing.line DROP CONSTRAINT line_invoice_part_fkey;
ALTER TABLE billing.tax_total DROP CONSTRAINT tax_total_invoice_fkey;
ALTER TABLE billing.transfer DROP CONSTRAINT transfer_invoice_fkey;

-- OFFSET 0: looked up one by one, however few rows the planner expects.
CREATE FUNCTION billing.refuse_partless_line() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE lost record;
BEGIN
    SELECT a.invoice, a.part INTO lost FROM (SELECT DISTINCT invoice, part FROM added) AS a
    WHERE NOT EXISTS (SELECT FROM billing.invoice_part WHERE invoice = a.invoice AND n = a.part OFFSET 0) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a line of part % of document % is refused: there is no such part', lost.part, lost.invoice
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION billing.refuse_partless() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE lost bigint;
BEGIN
    SELECT a.invoice INTO lost FROM (SELECT DISTINCT invoice FROM added WHERE invoice IS NOT NULL) AS a
    WHERE NOT EXISTS (SELECT FROM billing.invoice_part WHERE invoice = a.invoice OFFSET 0) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a row of % is refused: document % has no part', TG_TABLE_NAME, lost
            USING ERRCODE = 'foreign_key_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER of_part AFTER INSERT ON billing.line REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_partless_line();
CREATE TRIGGER of_part AFTER INSERT ON billing.tax_total REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_partless();
CREATE TRIGGER of_part AFTER INSERT ON billing.transfer REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_partless();

-- Whose books a document's transfers are in is known with the document: `locked` on transfers sees those after it.
CREATE FUNCTION billing.refuse_locked_document() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE shut record;
BEGIN
    SELECT t.posted_on, l.until INTO shut
    FROM issued AS i JOIN billing.series AS s ON s.id = i.series
    JOIN (SELECT entity, max(until) AS until FROM billing.lock GROUP BY entity) AS l ON l.entity = s.entity
    CROSS JOIN LATERAL (SELECT min(posted_on) AS posted_on FROM billing.transfer WHERE invoice = i.id) AS t
    WHERE t.posted_on <= l.until LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a posting on % is refused: the books are closed until %', shut.posted_on, shut.until
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER locked AFTER INSERT ON billing.invoice REFERENCING NEW TABLE AS issued
    FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_locked_document();
