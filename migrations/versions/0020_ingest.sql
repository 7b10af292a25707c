-- A restart may set this counter back to zero.
ALTER TABLE ingest.declaration ADD COLUMN resets_at_boot boolean NOT NULL DEFAULT false;

-- When a device's boot began: the first reading of its lowest message with readings. A row for each that was the lowest
-- when it came; as of K the lowest of those with known <= K says it. Later messages may hold older readings.
CREATE TABLE ingest.boot (
    device int NOT NULL REFERENCES ingest.device,
    boot   text NOT NULL,
    seq    bigint NOT NULL CHECK (seq > 0),
    at     timestamptz NOT NULL,
    known  bigint NOT NULL,
    PRIMARY KEY (device, boot, seq)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.boot
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
GRANT SELECT, INSERT ON ingest.boot TO yardstick_worker;
GRANT SELECT ON ingest.boot TO yardstick_api, yardstick_visible;
ALTER TABLE ingest.boot ENABLE ROW LEVEL SECURITY;
ALTER TABLE ingest.boot FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON ingest.boot TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true);
CREATE POLICY api ON ingest.boot FOR SELECT TO yardstick_api
    USING (visible.operates() OR device IN (SELECT id FROM ingest.device));

-- The number of that message, where each commit passes by anyway. Boots that are under way have none (0): they began
-- before any of this was noted.
ALTER TABLE ingest.sequence ADD COLUMN begun bigint;
UPDATE ingest.sequence SET begun = 0;
GRANT UPDATE (begun) ON ingest.sequence TO yardstick_worker;

-- Chunks of readings older than so long go into the columnstore; NULL: none from now on (those in it stay there). Only
-- TimescaleDB's community edition has one; others refuse with 0A000. The policy runs as the owner of this function.
CREATE FUNCTION ingest.set_columnstore(older interval) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog SET lock_timeout = '5s' AS $$
BEGIN
    IF older < interval '35 days' THEN
        RAISE EXCEPTION 'readings of the last 35 days stay out of the columnstore' USING ERRCODE = '22023';
    END IF;
    IF older IS NOT NULL THEN
        ALTER TABLE ingest.reading SET (timescaledb.enable_columnstore, timescaledb.segmentby = 'register',
            timescaledb.orderby = 'at');
    END IF;
    CALL public.remove_columnstore_policy('ingest.reading', if_exists => true);
    IF older IS NOT NULL THEN
        CALL public.add_columnstore_policy('ingest.reading', after => older);
    END IF;
END $$;
REVOKE ALL ON FUNCTION ingest.set_columnstore(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.set_columnstore(interval) TO yardstick_worker;
