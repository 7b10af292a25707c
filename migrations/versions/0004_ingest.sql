-- Which messages of a device's boot are committed. Numbers start at 1; what is not in the set, but below its end, is missing.
CREATE TABLE ingest.sequence (
    device     int NOT NULL REFERENCES ingest.device,
    boot       text NOT NULL CHECK (boot <> '' AND length(boot) <= 64),
    received   int8multirange NOT NULL,
    known      bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (device, boot)
) WITH (fillfactor = 50);

-- The thousand lowest ranges. A device that leaves more holes has the rest reported as missing, and the row stays small.
CREATE FUNCTION ingest.lowest(received int8multirange) RETURNS int8multirange
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT range_agg(r) FROM (SELECT r FROM unnest(received) AS r ORDER BY r LIMIT 1000) AS kept
$$;
CREATE FUNCTION ingest.missing(received int8multirange) RETURNS int8multirange
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT int8multirange(int8range(1, upper(received))) - received
$$;

-- What an operator must look at.
CREATE TABLE ingest.alarm (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL,
    kind   text NOT NULL CHECK (kind ~ '^[a-z0-9_]+$'),
    client text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.alarm
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

GRANT SELECT, INSERT ON ingest.sequence, ingest.alarm TO yardstick_worker;
GRANT UPDATE (received, known, changed_at) ON ingest.sequence TO yardstick_worker;
GRANT SELECT ON ingest.sequence, ingest.alarm TO yardstick_api;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sequence', 'alarm'] LOOP
        EXECUTE format('ALTER TABLE ingest.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ingest.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY worker ON ingest.%I TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true)', name);
        EXECUTE format('CREATE POLICY api ON ingest.%I FOR SELECT TO yardstick_api USING (visible.operates())', name);
    END LOOP;
END $$;
