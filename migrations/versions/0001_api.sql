-- Roles of people and keys: customer, finance, partner, operator, device_manager. Each acts for one party.
CREATE TABLE api.person (
    id            int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id     text NOT NULL UNIQUE,
    name          text NOT NULL UNIQUE,   -- signs in with it
    title         text NOT NULL,          -- shown, e.g. Sanne de Wit
    role          text NOT NULL CHECK (role IN ('customer', 'finance', 'partner', 'operator', 'device_manager')),
    party         int NOT NULL REFERENCES contracts.party,
    password_hash text NOT NULL,
    created_at    timestamptz NOT NULL,
    disabled_at   timestamptz
);

CREATE TABLE api.session (
    token_hash text PRIMARY KEY,
    person     int NOT NULL REFERENCES api.person,
    csrf       text NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE TABLE api.key (
    id           int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id    text NOT NULL UNIQUE,
    name         text NOT NULL,
    secret_hash  text NOT NULL UNIQUE,
    role         text NOT NULL CHECK (role IN ('customer', 'finance', 'partner', 'operator', 'device_manager')),
    party        int NOT NULL REFERENCES contracts.party,
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz
);

CREATE INDEX session_expired ON api.session (expires_at);

-- Guessing is slowed down: who tried which name from where and was refused. The name is kept as a hash, for people
-- type their password into the wrong field.
CREATE TABLE api.refusal (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name_hash text NOT NULL,
    address   text NOT NULL,
    at        timestamptz NOT NULL
);
CREATE INDEX refusal_address ON api.refusal (address, at);

-- The API opens and ends sessions; who may sign in or call is decided at the command line.
GRANT SELECT ON ALL TABLES IN SCHEMA api TO yardstick_worker, yardstick_api;
GRANT INSERT ON api.person, api.key TO yardstick_worker;
GRANT INSERT, DELETE ON api.session, api.refusal TO yardstick_api;
GRANT UPDATE (disabled_at, password_hash) ON api.person TO yardstick_worker;
GRANT UPDATE (revoked_at) ON api.key TO yardstick_worker;
