-- A file of readings that somebody imports. It is open until its last batch is committed; see ingest.backfill_change.
CREATE TABLE ingest.backfill (
    id        int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    opened_at timestamptz NOT NULL,
    author    text NOT NULL CHECK (author <> ''),
    reason    text NOT NULL,
    since     timestamptz,          -- readings from here on are allowed; NULL: as old as a device's may be
    file      text NOT NULL,
    identity  bytea NOT NULL,       -- sha256 of the file and of how it is read: the same import again
    CHECK (since IS NULL OR reason <> '')
);
CREATE INDEX backfill_identity ON ingest.backfill (identity);

-- What a backfill wrote, by knowledge number: readings, or corrections that void them or bring them back.
CREATE TABLE ingest.backfill_step (
    known    bigint PRIMARY KEY,
    backfill int NOT NULL REFERENCES ingest.backfill,
    kind     text NOT NULL CHECK (kind IN ('import', 'void', 'restore')),
    after    bigint NOT NULL,       -- import: records of the file before it; else `known` of the step that it undoes
    upto     bigint NOT NULL,       -- import: records of the file by its end; else readings corrected
    first_at timestamptz,           -- the stretch of its readings
    last_at  timestamptz,
    CHECK (kind <> 'import' OR upto > after)
);
CREATE INDEX backfill_step_backfill ON ingest.backfill_step (backfill);
-- Two imports of one file cannot both take a batch.
CREATE UNIQUE INDEX backfill_step_once ON ingest.backfill_step (backfill, after) WHERE kind = 'import';

CREATE TABLE ingest.backfill_change (
    backfill int NOT NULL REFERENCES ingest.backfill,
    known    bigint NOT NULL,
    at       timestamptz NOT NULL,
    status   text NOT NULL CHECK (status IN ('closed', 'reverted')),
    author   text NOT NULL CHECK (author <> ''),
    reason   text NOT NULL,
    PRIMARY KEY (backfill, known)
);

-- Corrections by knowledge number, as backfills and late knowledge ask for them.
CREATE INDEX IF NOT EXISTS reading_override_known ON ingest.reading_override (known);

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['backfill', 'backfill_step', 'backfill_change'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()', name);
        EXECUTE format('GRANT SELECT, INSERT ON ingest.%I TO yardstick_worker', name);
        EXECUTE format('GRANT SELECT ON ingest.%I TO yardstick_api, yardstick_visible', name);
        EXECUTE format('ALTER TABLE ingest.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ingest.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY worker ON ingest.%I TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true)', name);
        EXECUTE format('CREATE POLICY api ON ingest.%I FOR SELECT TO yardstick_api USING (visible.operates())', name);
    END LOOP;
END $$;
