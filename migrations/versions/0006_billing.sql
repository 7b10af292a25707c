-- Whose books a transfer is in, where no document says so.
ALTER TABLE billing.transfer ADD COLUMN entity int REFERENCES billing.entity;
ALTER TABLE billing.transfer ADD CHECK (invoice IS NOT NULL OR entity IS NOT NULL);
CREATE INDEX transfer_entity ON billing.transfer (entity) WHERE entity IS NOT NULL;

-- At a month's end, what was delivered and is not invoiced: booked on its last day, taken back on the next.
CREATE TABLE billing.accrual (
    entity     int NOT NULL REFERENCES billing.entity,
    label      text NOT NULL,
    contract   int NOT NULL REFERENCES contracts.contract,
    entry      bigint NOT NULL,
    reversal   bigint NOT NULL,
    currency   text NOT NULL,
    net        numeric NOT NULL,
    known      bigint NOT NULL,
    result_hash text NOT NULL,
    by         text NOT NULL CHECK (by <> ''),
    at         timestamptz NOT NULL,
    PRIMARY KEY (entity, label, contract)
);

-- Up to and including this day an entity's books are closed.
CREATE TABLE billing.lock (
    entity int NOT NULL REFERENCES billing.entity,
    until  date NOT NULL,
    by     text NOT NULL CHECK (by <> ''),
    at     timestamptz NOT NULL,
    PRIMARY KEY (entity, until)
);

CREATE FUNCTION billing.refuse_locked() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE shut record;
BEGIN
    SELECT n.posted_on, l.until INTO shut
    FROM posted AS n
    LEFT JOIN billing.invoice AS i ON i.id = n.invoice
    LEFT JOIN billing.series AS s ON s.id = i.series
    JOIN billing.lock AS l ON l.entity = coalesce(s.entity, n.entity) AND l.until >= n.posted_on
    ORDER BY l.until DESC LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a posting on % is refused: the books are closed until %', shut.posted_on, shut.until
            USING ERRCODE = 'restrict_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER locked AFTER INSERT ON billing.transfer REFERENCING NEW TABLE AS posted
    FOR EACH STATEMENT EXECUTE FUNCTION billing.refuse_locked();

ALTER TABLE billing.account ADD COLUMN purchase_order text NOT NULL DEFAULT '';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.accrual
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON billing.lock
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
GRANT SELECT, INSERT ON billing.accrual, billing.lock TO yardstick_worker;
GRANT SELECT ON billing.accrual, billing.lock TO yardstick_api;

DO $$
DECLARE seen record;
BEGIN
    FOR seen IN SELECT * FROM (VALUES
        ('billing.accrual', 'visible.reads_money() AND entity IN (SELECT id FROM billing.entity WHERE party = visible.party())'),
        ('billing.lock',    'visible.reads_money() AND entity IN (SELECT id FROM billing.entity WHERE party = visible.party())')
    ) AS s (name, condition) LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('CREATE POLICY worker ON %s TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true)', seen.name);
        EXECUTE format('CREATE POLICY api ON %s FOR SELECT TO yardstick_api USING (%s)', seen.name, seen.condition);
    END LOOP;
END $$;
