CREATE TABLE ingest.device (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id  text NOT NULL UNIQUE,
    name       text NOT NULL UNIQUE CHECK (name ~ '^[A-Za-z0-9._-]{1,64}$'),  -- a level of an MQTT topic
    model      text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE ingest.asset (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id  text NOT NULL UNIQUE,
    name       text NOT NULL UNIQUE CHECK (name <> ''),
    kind       text NOT NULL,
    site       text NOT NULL DEFAULT '',
    created_at timestamptz NOT NULL
);

-- What a register is never changes: readings are counted in its ticks.
CREATE TABLE ingest.register (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device     int NOT NULL REFERENCES ingest.device,
    name       text NOT NULL CHECK (name ~ '^[A-Za-z0-9._-]{1,64}$'),
    kind       text NOT NULL CHECK (kind IN ('counter', 'state', 'gauge')),
    unit       text NOT NULL,
    resolution numeric NOT NULL CHECK (resolution > 0),
    UNIQUE (device, name)
);

-- The physics of a register may be learned better: the declaration with the greatest `known` holds.
CREATE TABLE ingest.declaration (
    register      int NOT NULL REFERENCES ingest.register,
    known         bigint NOT NULL,
    minimum       bigint,              -- ticks: below is refused at the door
    maximum       bigint,              -- ticks: above is refused at the door
    modulus       bigint CHECK (modulus > 0),
    tolerance     bigint NOT NULL DEFAULT 0 CHECK (tolerance >= 0),
    max_rate      numeric CHECK (max_rate > 0),  -- ticks per hour
    max_gap       interval CHECK (max_gap > interval '0'),
    silence_limit interval CHECK (silence_limit > interval '0'),
    PRIMARY KEY (register, known)
);

-- Which device serves which asset, where, from when to when.
CREATE TABLE ingest.binding (
    id       int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    device   int NOT NULL REFERENCES ingest.device,
    asset    int NOT NULL REFERENCES ingest.asset,
    position text NOT NULL CHECK (position ~ '^[A-Za-z0-9._-]{1,64}$'),
    during   tstzrange NOT NULL CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during)),
    evidence text NOT NULL DEFAULT '',
    known    bigint NOT NULL,
    EXCLUDE USING gist (device WITH =, during WITH &&),
    EXCLUDE USING gist (asset WITH =, position WITH =, during WITH &&)
);

-- What a register showed when a binding began and ended, where somebody wrote it down.
CREATE TABLE ingest.binding_value (
    binding  int NOT NULL REFERENCES ingest.binding,
    register int NOT NULL REFERENCES ingest.register,
    opening  bigint,
    closing  bigint,
    PRIMARY KEY (binding, register)
);

CREATE TABLE ingest.state_code (
    id       smallint PRIMARY KEY,
    name     text NOT NULL UNIQUE,
    category text NOT NULL CHECK (category IN (
        'running', 'idle', 'derated', 'fault', 'unplanned_repair', 'planned_maintenance', 'customer_cause', 'external',
        'force_majeure', 'unknown'))
);
INSERT INTO ingest.state_code (id, name, category) VALUES
    (1, 'running', 'running'), (2, 'idle', 'idle'), (3, 'derated', 'derated'), (4, 'fault', 'fault'),
    (5, 'unplanned_repair', 'unplanned_repair'), (6, 'planned_maintenance', 'planned_maintenance'),
    (7, 'customer_cause', 'customer_cause'), (8, 'external', 'external'), (9, 'force_majeure', 'force_majeure'),
    (10, 'unknown', 'unknown');

-- No foreign key: the door knows its registers, and a hypertable is not referenced.
CREATE TABLE ingest.reading (
    register    int NOT NULL,
    at          timestamptz NOT NULL CHECK (at >= '2000-01-01' AND at < '2100-01-01'),
    value       bigint NOT NULL,
    known       bigint NOT NULL,
    received_at timestamptz NOT NULL,
    seq         bigint,
    time_status "char",        -- U unknown, I informative, S synchronised, R relative
    raw         text,  -- value and unit as received, where rounding or conversion happened
    PRIMARY KEY (register, at)
);
SELECT create_hypertable('ingest.reading', by_range('at', interval '7 days'), create_default_indexes => false);
CREATE INDEX reading_known ON ingest.reading USING brin (known);

CREATE TABLE ingest.latest (
    register    int PRIMARY KEY REFERENCES ingest.register,
    at          timestamptz NOT NULL,
    value       bigint NOT NULL,
    received_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE ingest.quarantine (
    topic        text NOT NULL,
    payload_hash bytea NOT NULL,
    item         int NOT NULL,   -- index of the reading in its message; -1: the message as a whole
    reason       text NOT NULL CHECK (reason ~ '^[a-z0-9_]+$'),
    detail       text NOT NULL,
    payload      bytea NOT NULL, -- the item as JSON; of a message as a whole all of it, of one too large 64 KiB
    size         int NOT NULL,   -- octets of the message
    device       text,
    received_at  timestamptz NOT NULL,
    known        bigint NOT NULL,
    PRIMARY KEY (topic, payload_hash, item)
);
CREATE INDEX quarantine_recent ON ingest.quarantine (received_at DESC);

-- One row for each commit of the ingester: every item received is in exactly one place.
CREATE TABLE ingest.batch (
    known       bigint PRIMARY KEY,
    at          timestamptz NOT NULL,
    client      text NOT NULL,
    messages    int NOT NULL,
    received    int NOT NULL,
    stored      int NOT NULL,
    duplicate   int NOT NULL,
    quarantined int NOT NULL,
    CHECK (received = stored + duplicate + quarantined)
);
CREATE INDEX batch_at ON ingest.batch (at);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ingest.reading
    FOR EACH ROW EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.declaration
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.batch
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.quarantine
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA ingest TO yardstick_worker;
GRANT UPDATE ON ingest.latest TO yardstick_worker;
GRANT UPDATE (during, evidence) ON ingest.binding TO yardstick_worker;
GRANT UPDATE (closing) ON ingest.binding_value TO yardstick_worker;
GRANT SELECT ON ALL TABLES IN SCHEMA ingest TO yardstick_visible;
GRANT SELECT ON ingest.device, ingest.asset, ingest.register, ingest.declaration, ingest.binding, ingest.binding_value,
    ingest.state_code,
    ingest.latest, ingest.quarantine, ingest.batch TO yardstick_api;
