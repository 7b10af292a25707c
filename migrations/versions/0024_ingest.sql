-- Lists of revoked certificates that were signed for a broker. After `good_until` a broker refuses every certificate of that authority.
CREATE TABLE ingest.revocation_list (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    issuer      text NOT NULL,  -- sha256 of the authority's certificate, in hexadecimal
    exported_at timestamptz NOT NULL,
    good_until  timestamptz NOT NULL CHECK (good_until > exported_at)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.revocation_list
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
GRANT SELECT, INSERT ON ingest.revocation_list TO yardstick_worker;
ALTER TABLE ingest.revocation_list ENABLE ROW LEVEL SECURITY;
ALTER TABLE ingest.revocation_list FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON ingest.revocation_list TO yardstick_worker USING (true) WITH CHECK (true);
