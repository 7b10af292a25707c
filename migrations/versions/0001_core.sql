-- Roles. The administrator who migrates owns every table; what runs owns none.
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['yardstick_worker', 'yardstick_api', 'yardstick_visible'] LOOP
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', name);
        EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;  -- another database of this server has it
        END;
    END LOOP;
END $$;

CREATE EXTENSION IF NOT EXISTS timescaledb;
CREATE EXTENSION IF NOT EXISTS btree_gist;

CREATE SCHEMA IF NOT EXISTS core;
CREATE SCHEMA ingest;
CREATE SCHEMA contracts;
CREATE SCHEMA billing;
CREATE SCHEMA api;
CREATE SCHEMA visible;
GRANT USAGE ON SCHEMA core, ingest, contracts, billing TO yardstick_worker, yardstick_api, yardstick_visible;
GRANT USAGE ON SCHEMA api, visible TO yardstick_worker, yardstick_api;

-- The number of what is known. Its row lock makes number order commit order.
CREATE TABLE core.knowledge (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    n   bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 10);
INSERT INTO core.knowledge DEFAULT VALUES;

CREATE TABLE core.knowledge_at (
    n  bigint PRIMARY KEY,
    at timestamptz NOT NULL
);
CREATE INDEX knowledge_at_at ON core.knowledge_at (at);

CREATE FUNCTION core.draw_knowledge() RETURNS bigint LANGUAGE sql SET search_path = pg_catalog AS $$
    WITH drawn AS (UPDATE core.knowledge SET n = n + 1 RETURNING n)
    INSERT INTO core.knowledge_at (n, at) SELECT n, clock_timestamp() FROM drawn RETURNING n
$$;

CREATE TABLE core.audit (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL,
    actor  text NOT NULL CHECK (actor <> ''),
    action text NOT NULL CHECK (action <> ''),
    object text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);

CREATE TABLE core.outbox (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at           timestamptz NOT NULL,
    topic        text NOT NULL,
    key          text NOT NULL,
    payload      jsonb NOT NULL,
    delivered_at timestamptz
);
CREATE INDEX outbox_waiting ON core.outbox (id) WHERE delivered_at IS NULL;

-- Facts are appended; the database refuses the rest.
CREATE FUNCTION core.refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    RAISE EXCEPTION '% of %.% refused: its rows never change; a correction is a new row',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON core.knowledge_at
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON core.audit
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

GRANT SELECT, UPDATE ON core.knowledge TO yardstick_worker, yardstick_api;
GRANT SELECT, INSERT ON core.knowledge_at, core.audit TO yardstick_worker, yardstick_api;
GRANT SELECT, INSERT, UPDATE ON core.outbox TO yardstick_worker;
GRANT INSERT ON core.outbox TO yardstick_api;
