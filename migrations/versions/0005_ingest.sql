-- Births and deaths of Sparkplug edge nodes (`group/node`), as they were heard: an ingester that starts hears them again.
CREATE TABLE ingest.node_life (
    node        text NOT NULL,
    received_at timestamptz NOT NULL,
    topic       text NOT NULL,
    payload     bytea NOT NULL,
    known       bigint NOT NULL,
    PRIMARY KEY (node, received_at, topic)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.node_life
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
-- What waits for a birth.
CREATE INDEX quarantine_no_birth ON ingest.quarantine (device, received_at) WHERE reason = 'no_birth';

-- CloudEvents that were taken whole. identity: sha256 of device, source and id; content: sha256 of the payload.
CREATE TABLE ingest.cloud_event (
    identity bytea PRIMARY KEY,
    content  bytea NOT NULL,
    known    bigint NOT NULL
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.cloud_event
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

GRANT SELECT, INSERT ON ingest.node_life, ingest.cloud_event TO yardstick_worker;
GRANT SELECT ON ingest.node_life, ingest.cloud_event TO yardstick_api, yardstick_visible;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['node_life', 'cloud_event'] LOOP
        EXECUTE format('ALTER TABLE ingest.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ingest.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY worker ON ingest.%I TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true)', name);
        EXECUTE format('CREATE POLICY api ON ingest.%I FOR SELECT TO yardstick_api USING (visible.operates())', name);
    END LOOP;
END $$;
