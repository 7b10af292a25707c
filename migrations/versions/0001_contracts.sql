CREATE TABLE contracts.party (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id  text NOT NULL UNIQUE,
    name       text NOT NULL UNIQUE CHECK (name <> ''),
    created_at timestamptz NOT NULL
);

CREATE TABLE contracts.contract (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id  text NOT NULL UNIQUE,
    name       text NOT NULL UNIQUE CHECK (name <> ''),  -- as written in the document, e.g. C-2041
    currency   text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    timezone   text NOT NULL,
    created_at timestamptz NOT NULL
);

CREATE TABLE contracts.contract_party (
    contract int NOT NULL REFERENCES contracts.contract,
    role     text NOT NULL CHECK (role IN ('provider', 'customer', 'payer', 'partner')),
    party    int NOT NULL REFERENCES contracts.party,
    PRIMARY KEY (contract, role)
);
CREATE INDEX contract_party_party ON contracts.contract_party (party, contract);

CREATE TABLE contracts.version (
    id             int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contract       int NOT NULL REFERENCES contracts.contract,
    version        int NOT NULL CHECK (version > 0),
    effective_from timestamptz NOT NULL,
    recorded_at    timestamptz NOT NULL,
    document       text NOT NULL,   -- canonical form
    source         text NOT NULL,   -- as handed in
    content_hash   text NOT NULL,
    known          bigint NOT NULL,
    UNIQUE (contract, version),
    UNIQUE (contract, effective_from)
);

-- When an asset is under a contract, from the newest version; derived on import.
CREATE TABLE contracts.coverage (
    contract   int NOT NULL REFERENCES contracts.contract,
    asset      int NOT NULL REFERENCES ingest.asset,
    asset_name text NOT NULL,
    "group"    text,
    during     tstzrange NOT NULL CHECK (NOT isempty(during)),
    EXCLUDE USING gist (contract WITH =, asset WITH =, during WITH &&)
);

-- Which party may see which asset, when; access policies read it.
CREATE TABLE contracts.party_asset (
    party    int NOT NULL REFERENCES contracts.party,
    asset    int NOT NULL REFERENCES ingest.asset,
    contract int NOT NULL REFERENCES contracts.contract,
    during   tstzrange NOT NULL CHECK (NOT isempty(during)),
    PRIMARY KEY (party, asset, contract, during)
);

CREATE TABLE contracts.notice (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    contract  int NOT NULL REFERENCES contracts.contract,
    kind      text NOT NULL CHECK (kind IN ('planned_maintenance', 'alert', 'force_majeure')),
    given     timestamptz NOT NULL,
    asset     text,
    clause    text,
    during    tstzrange,
    author    text NOT NULL,
    known     bigint NOT NULL
);
CREATE INDEX notice_contract ON contracts.notice (contract, known);

-- Who or what caused a stretch of time. A decision is a new row that names the one it decides.
CREATE TABLE contracts.attribution (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    contract  int NOT NULL REFERENCES contracts.contract,
    asset     text NOT NULL,
    during    tstzrange NOT NULL CHECK (NOT isempty(during)),
    category  text NOT NULL,
    party     text NOT NULL CHECK (party IN ('provider', 'customer', 'none')),
    cause     text NOT NULL DEFAULT '',
    status    text NOT NULL CHECK (status IN ('proposed', 'accepted', 'disputed', 'determined')),
    replaces  bigint REFERENCES contracts.attribution,
    author    text NOT NULL,
    known     bigint NOT NULL
);
CREATE INDEX attribution_contract ON contracts.attribution (contract, known);

-- Due work: one row for each billing period of a contract, from the first that is covered.
CREATE TABLE contracts.period (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    contract   int NOT NULL REFERENCES contracts.contract,
    label      text NOT NULL,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL CHECK (ends_at > starts_at),
    cutoff_at  timestamptz NOT NULL CHECK (cutoff_at >= ends_at),
    closed_at  timestamptz,
    evaluation bigint,
    UNIQUE (contract, label),
    EXCLUDE USING gist (contract WITH =, tstzrange(starts_at, ends_at) WITH &&),
    CHECK ((closed_at IS NULL) = (evaluation IS NULL))
);
CREATE INDEX period_due ON contracts.period (cutoff_at) WHERE closed_at IS NULL;

-- The running period of each contract as last evaluated: one row, overwritten.
CREATE TABLE contracts.standing (
    contract     int PRIMARY KEY REFERENCES contracts.contract,
    period       bigint NOT NULL REFERENCES contracts.period,
    until        timestamptz NOT NULL,
    known        bigint NOT NULL,
    evaluated_at timestamptz NOT NULL,
    result       jsonb NOT NULL
);

CREATE TABLE contracts.evaluation (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id      text NOT NULL UNIQUE,
    contract       int NOT NULL REFERENCES contracts.contract,
    period         bigint NOT NULL REFERENCES contracts.period,
    until          timestamptz NOT NULL,
    known          bigint NOT NULL,
    evaluated_at   timestamptz NOT NULL,
    engine_version text NOT NULL,
    input_hash     text NOT NULL,
    result_hash    text NOT NULL,
    result         jsonb NOT NULL,
    evidence       jsonb NOT NULL,  -- the readings, states and decisions that it rests on
    UNIQUE (contract, period, known, until)
);
ALTER TABLE contracts.period ADD FOREIGN KEY (evaluation) REFERENCES contracts.evaluation;

CREATE TABLE contracts.breach (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id  text NOT NULL UNIQUE,
    contract   int NOT NULL REFERENCES contracts.contract,
    evaluation bigint NOT NULL REFERENCES contracts.evaluation,
    period     bigint NOT NULL REFERENCES contracts.period,
    clause     text NOT NULL,
    asset      text NOT NULL,
    obligated  text NOT NULL CHECK (obligated IN ('provider', 'customer')),
    measured   text NOT NULL,
    target     text NOT NULL,
    credit     numeric NOT NULL CHECK (credit >= 0),
    currency   text NOT NULL,
    UNIQUE (contract, clause, asset, period, evaluation)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contracts.version
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contracts.notice
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contracts.attribution
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contracts.evaluation
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contracts.breach
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA contracts TO yardstick_worker;
GRANT UPDATE (closed_at, evaluation) ON contracts.period TO yardstick_worker;
GRANT UPDATE ON contracts.standing TO yardstick_worker;
GRANT DELETE ON contracts.coverage, contracts.party_asset TO yardstick_worker;  -- derived: made anew on import
GRANT SELECT ON ALL TABLES IN SCHEMA contracts TO yardstick_api, yardstick_visible;
