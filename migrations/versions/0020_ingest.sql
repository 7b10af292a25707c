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
