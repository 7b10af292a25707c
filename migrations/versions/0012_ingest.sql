-- What came with a message, so that it can be read again as it was meant: MQTT 5's content type and user properties.
ALTER TABLE ingest.quarantine
    ADD COLUMN content_type text NOT NULL DEFAULT '',
    ADD COLUMN properties jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(properties) = 'array');
-- By commit: what an ingester put aside is counted again after a COMMIT whose outcome it was not told.
CREATE INDEX quarantine_known ON ingest.quarantine USING brin (known);

-- A node's later birth makes the earlier ones void; what nobody needs any more may go.
DROP TRIGGER append_only ON ingest.node_life;
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON ingest.node_life
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
GRANT DELETE ON ingest.node_life TO yardstick_worker;

-- Certificates that the operator's authority gave to accounts. Keys are never kept.
CREATE TABLE ingest.certificate (
    serial     text PRIMARY KEY CHECK (serial ~ '^[0-9a-f]{2,40}$'),
    name       text NOT NULL CHECK (name ~ '^[A-Za-z0-9._-]{1,64}$'),
    kind       text NOT NULL CHECK (kind IN ('device', 'ingester')),
    issuer     text NOT NULL,  -- sha256 of the authority's certificate, in hexadecimal
    not_after  timestamptz NOT NULL,
    created_at timestamptz NOT NULL,
    author     text NOT NULL CHECK (author <> ''),
    revoked_at timestamptz
);
CREATE INDEX certificate_name ON ingest.certificate (name);
GRANT SELECT, INSERT ON ingest.certificate TO yardstick_worker;
GRANT UPDATE (revoked_at) ON ingest.certificate TO yardstick_worker;
ALTER TABLE ingest.certificate ENABLE ROW LEVEL SECURITY;
ALTER TABLE ingest.certificate FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON ingest.certificate TO yardstick_worker USING (true) WITH CHECK (true);

-- An operator corrects readings through the API as well.
GRANT INSERT ON ingest.reading_override TO yardstick_api;
CREATE POLICY api_corrects ON ingest.reading_override FOR INSERT TO yardstick_api WITH CHECK (visible.operates());
GRANT CREATE ON SCHEMA visible TO yardstick_visible;
CREATE FUNCTION visible.received(register_id int, instant timestamptz) RETURNS bigint
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT value FROM ingest.reading WHERE register = register_id AND at = instant AND visible.operates()
$$;
ALTER FUNCTION visible.received(int, timestamptz) OWNER TO yardstick_visible;
REVOKE CREATE ON SCHEMA visible FROM yardstick_visible;
REVOKE ALL ON FUNCTION visible.received(int, timestamptz) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION visible.received(int, timestamptz) TO yardstick_api;
