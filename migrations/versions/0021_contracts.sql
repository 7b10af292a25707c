-- Contracts whose evaluation fails, by the work that fails: they are tried again after a growing pause.
CREATE TABLE contracts.failure (
    contract int NOT NULL REFERENCES contracts.contract,
    work     text NOT NULL CHECK (work IN ('standing', 'closing')),
    failures int NOT NULL CHECK (failures > 0),
    since    timestamptz NOT NULL,  -- of the first one in a row
    tried_at timestamptz NOT NULL,
    retry_at timestamptz NOT NULL CHECK (retry_at > tried_at),
    known    bigint NOT NULL,  -- as of which it failed: what people change later is tried at once
    error    text NOT NULL,
    PRIMARY KEY (contract, work)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON contracts.failure TO yardstick_worker;
ALTER TABLE contracts.failure ENABLE ROW LEVEL SECURITY;
ALTER TABLE contracts.failure FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON contracts.failure TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true);

-- Which cases are over is asked by their moments.
CREATE INDEX ticket_time_moment ON contracts.ticket_time (contract, ticket, moment);
