-- What people and other systems report of a contract, beside what its devices say. Facts are appended; a withdrawal
-- takes one back, and a correction is a withdrawal with another fact in its place.

-- What evaluations of a contract rest on; the last one known holds. otherwise: category of time of which nobody speaks.
-- duties: 'reported' ones follow from contracts.unmet alone, 'measured' ones from what gauges showed.
CREATE TABLE contracts.basis (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    contract  int NOT NULL REFERENCES contracts.contract,
    otherwise text,
    duties    text NOT NULL CHECK (duties IN ('measured', 'reported')),
    author    text NOT NULL CHECK (author <> ''),
    reason    text NOT NULL,
    known     bigint NOT NULL
);

CREATE TABLE contracts.quantity (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id    text NOT NULL UNIQUE,
    contract     int NOT NULL REFERENCES contracts.contract,
    owner        text NOT NULL CHECK (owner <> ''),
    measure      text NOT NULL CHECK (measure <> ''),
    during       tstzrange NOT NULL CHECK (NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during)),
    quantity     numeric NOT NULL,
    unit         text NOT NULL,
    weight_class text NOT NULL,
    dimensions   jsonb NOT NULL,  -- measure: quantity as text
    coverage     numeric CHECK (coverage BETWEEN 0 AND 1),
    estimated    boolean NOT NULL,
    author       text NOT NULL CHECK (author <> ''),
    reason       text NOT NULL,
    known        bigint NOT NULL
);

-- What somebody says of a stretch of an asset's time with more than a device can: part, cause, remaining performance.
CREATE TABLE contracts.reported_state (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id   text NOT NULL UNIQUE,
    contract    int NOT NULL REFERENCES contracts.contract,
    asset       text NOT NULL CHECK (asset <> ''),
    during      tstzrange NOT NULL CHECK (NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during)),
    category    text NOT NULL,
    subsystem   text NOT NULL,
    cause       text NOT NULL,
    performance numeric CHECK (performance BETWEEN 0 AND 1),
    author      text NOT NULL CHECK (author <> ''),
    reason      text NOT NULL,
    known       bigint NOT NULL
);

CREATE TABLE contracts.unmet (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    contract  int NOT NULL REFERENCES contracts.contract,
    clause    text NOT NULL CHECK (clause <> ''),
    asset     text NOT NULL CHECK (asset <> ''),
    during    tstzrange NOT NULL CHECK (NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during)),
    author    text NOT NULL CHECK (author <> ''),
    reason    text NOT NULL,
    known     bigint NOT NULL
);

CREATE TABLE contracts.ticket (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    contract  int NOT NULL REFERENCES contracts.contract,
    ticket    text NOT NULL CHECK (ticket <> ''),
    asset     text NOT NULL CHECK (asset <> ''),
    subsystem text NOT NULL,
    author    text NOT NULL CHECK (author <> ''),
    reason    text NOT NULL,
    known     bigint NOT NULL,
    UNIQUE (contract, ticket)
);

-- When a case reached a moment; the last one known holds, and without an instant it is taken back.
CREATE TABLE contracts.ticket_time (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    contract  int NOT NULL,
    ticket    text NOT NULL,
    moment    text NOT NULL CHECK (moment IN ('reported', 'opened', 'arrived', 'on_site', 'fixed', 'closed')),
    at        timestamptz,
    author    text NOT NULL CHECK (author <> ''),
    reason    text NOT NULL,
    known     bigint NOT NULL,
    FOREIGN KEY (contract, ticket) REFERENCES contracts.ticket (contract, ticket)
);

-- When a case's clock stood still. Without an end it still does; going on is a withdrawal of it and a fact with an end.
CREATE TABLE contracts.pause (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    contract  int NOT NULL,
    ticket    text NOT NULL,
    during    tstzrange NOT NULL CHECK (NOT isempty(during) AND NOT lower_inf(during)),
    cause     text NOT NULL CHECK (cause <> ''),
    author    text NOT NULL CHECK (author <> ''),
    reason    text NOT NULL,
    known     bigint NOT NULL,
    FOREIGN KEY (contract, ticket) REFERENCES contracts.ticket (contract, ticket)
);

CREATE TABLE contracts.substitute (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    contract  int NOT NULL REFERENCES contracts.contract,
    asset     text NOT NULL CHECK (asset <> ''),
    during    tstzrange NOT NULL CHECK (NOT isempty(during) AND NOT lower_inf(during) AND NOT upper_inf(during)),
    author    text NOT NULL CHECK (author <> ''),
    reason    text NOT NULL,
    known     bigint NOT NULL
);

CREATE TABLE contracts.meter_test (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id   text NOT NULL UNIQUE,
    contract    int NOT NULL REFERENCES contracts.contract,
    asset       text NOT NULL CHECK (asset <> ''),
    register    text NOT NULL CHECK (register <> ''),
    last_tested timestamptz NOT NULL,
    tested      timestamptz NOT NULL CHECK (tested > last_tested),
    error       numeric NOT NULL CHECK (error > -1),
    author      text NOT NULL CHECK (author <> ''),
    reason      text NOT NULL,
    known       bigint NOT NULL
);

-- What periods before leave, as somebody states it: it counts in the period in which `at` lies. A payment in advance
-- (item balance) adds to what is there; everything else stands in place of what the evaluation before left.
CREATE TABLE contracts.carried (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    contract  int NOT NULL REFERENCES contracts.contract,
    clause    text NOT NULL CHECK (clause <> ''),
    item      text NOT NULL CHECK (item <> ''),
    owner     text NOT NULL,
    value     numeric NOT NULL,
    unit      text NOT NULL,  -- a currency or a unit of measure
    at        timestamptz NOT NULL,
    author    text NOT NULL CHECK (author <> ''),
    reason    text NOT NULL,
    known     bigint NOT NULL
);

-- Results of windows before the first that is evaluated here. counted, down: microseconds.
CREATE TABLE contracts.history (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    contract  int NOT NULL REFERENCES contracts.contract,
    clause    text NOT NULL CHECK (clause <> ''),
    owner     text NOT NULL CHECK (owner <> ''),
    period    text NOT NULL CHECK (period <> ''),
    value     numeric,
    counted   bigint CHECK (counted >= 0),
    down      bigint CHECK (down >= 0),
    author    text NOT NULL CHECK (author <> ''),
    reason    text NOT NULL,
    known     bigint NOT NULL,
    CHECK (value IS NOT NULL OR (counted IS NOT NULL AND down IS NOT NULL))
);

-- Published values of price indices, the same for all contracts. Of several for a month the last published holds, and
-- of several published at once the last known.
CREATE TABLE contracts.index_value (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    public_id text NOT NULL UNIQUE,
    "index"   text NOT NULL CHECK ("index" <> ''),
    month     text NOT NULL CHECK (month ~ '^[0-9]{4}-(0[1-9]|1[0-2])$'),
    value     numeric NOT NULL CHECK (value > 0),
    published timestamptz NOT NULL,
    author    text NOT NULL CHECK (author <> ''),
    reason    text NOT NULL CHECK (reason <> ''),  -- the source
    known     bigint NOT NULL
);
CREATE INDEX index_value_index ON contracts.index_value ("index", month);
CREATE INDEX index_value_known ON contracts.index_value (known);

-- fact: the public id of a fact in any of these tables, of a notice or of an attribution. instead: what stands for it.
CREATE TABLE contracts.withdrawal (
    fact     text PRIMARY KEY,
    contract int REFERENCES contracts.contract,
    instead  text,
    author   text NOT NULL CHECK (author <> ''),
    reason   text NOT NULL CHECK (reason <> ''),
    known    bigint NOT NULL
);
CREATE INDEX withdrawal_contract ON contracts.withdrawal (contract, known);

-- The texts of its versions name the indices that a contract follows.
CREATE VIEW contracts.fact_known WITH (security_invoker = true) AS
WITH fact AS NOT MATERIALIZED (
    SELECT 'attribution' AS fact, public_id, contract, during, known FROM contracts.attribution
    UNION ALL SELECT 'notice', public_id, contract, during, known FROM contracts.notice
    UNION ALL SELECT 'quantity', public_id, contract, during, known FROM contracts.quantity
    UNION ALL SELECT 'state', public_id, contract, during, known FROM contracts.reported_state
    UNION ALL SELECT 'duty', public_id, contract, during, known FROM contracts.unmet
    UNION ALL SELECT 'substitute', public_id, contract, during, known FROM contracts.substitute
    UNION ALL SELECT 'ticket', public_id, contract, tstzrange(at, NULL), known FROM contracts.ticket_time
    UNION ALL SELECT 'pause', public_id, contract, tstzrange(lower(during), NULL), known FROM contracts.pause
    UNION ALL SELECT 'meter test', public_id, contract, tstzrange(tested, tested, '[]'), known FROM contracts.meter_test
    UNION ALL SELECT 'opening', public_id, contract, tstzrange(at, at, '[]'), known FROM contracts.carried
    UNION ALL SELECT 'history', public_id, contract, NULL, known FROM contracts.history
    UNION ALL SELECT 'basis', public_id, contract, NULL, known FROM contracts.basis
    UNION ALL SELECT 'index value', i.public_id, v.contract, NULL, i.known
    FROM contracts.index_value AS i
    JOIN contracts.version AS v ON position('"index":' || to_json(i."index")::text IN v.document) > 0
)
SELECT fact, contract, during, known FROM fact
UNION ALL
SELECT f.fact, f.contract, f.during, w.known FROM contracts.withdrawal AS w JOIN fact AS f ON f.public_id = w.fact;

-- Why it was said.
ALTER TABLE contracts.notice ADD COLUMN reason text NOT NULL DEFAULT '';
ALTER TABLE contracts.attribution ADD COLUMN reason text NOT NULL DEFAULT '';

-- Whether time alone moves what a standing says; evaluations of others wait for facts.
ALTER TABLE contracts.standing ADD COLUMN moves boolean NOT NULL DEFAULT true;

-- The API states facts for its viewer: the provider's operators and finance anything, every party to the contract cases
-- and what it thinks of an attribution. It reads the versions for that, and shows them to nobody.
GRANT CREATE ON SCHEMA visible TO yardstick_visible;
CREATE FUNCTION visible.stating_contract_ids() RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog AS $$
    SELECT contract FROM contracts.contract_party
    WHERE current_setting('yardstick.role', true) IN ('operator', 'finance') AND party = visible.party() AND role = 'provider'
$$;
CREATE FUNCTION visible.stated_versions(contract_id int) RETURNS SETOF text LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS $$
    SELECT v.document FROM contracts.version AS v
    WHERE v.contract = contract_id AND v.contract IN (SELECT visible.contract_ids()) ORDER BY v.version
$$;
ALTER FUNCTION visible.stating_contract_ids() OWNER TO yardstick_visible;
ALTER FUNCTION visible.stated_versions(int) OWNER TO yardstick_visible;
REVOKE CREATE ON SCHEMA visible FROM yardstick_visible;
REVOKE ALL ON FUNCTION visible.stating_contract_ids(), visible.stated_versions(int) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION visible.stating_contract_ids(), visible.stated_versions(int) TO yardstick_api;

GRANT SELECT ON contracts.fact_known TO yardstick_worker;

DO $$
DECLARE
    seen record;
BEGIN
    FOR seen IN SELECT * FROM (VALUES
        ('basis',          'contract IN (SELECT visible.contract_ids())'),
        ('quantity',       'contract IN (SELECT visible.billed_contract_ids()) OR contract IN (SELECT visible.stating_contract_ids())'),
        ('reported_state', 'contract IN (SELECT visible.contract_ids())'),
        ('unmet',          'contract IN (SELECT visible.contract_ids())'),
        ('ticket',         'contract IN (SELECT visible.contract_ids())'),
        ('ticket_time',    'contract IN (SELECT visible.contract_ids())'),
        ('pause',          'contract IN (SELECT visible.contract_ids())'),
        ('substitute',     'contract IN (SELECT visible.contract_ids())'),
        ('meter_test',     'contract IN (SELECT visible.contract_ids())'),
        ('carried',        'contract IN (SELECT visible.billed_contract_ids())'),
        ('history',        'contract IN (SELECT visible.contract_ids())'),
        ('index_value',    'visible.party() IS NOT NULL'),
        ('withdrawal',     'contract IS NULL OR contract IN (SELECT visible.contract_ids())')
    ) AS s (name, condition) LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON contracts.%I
            FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()', seen.name);
        IF seen.name NOT IN ('index_value', 'withdrawal') THEN
            EXECUTE format('CREATE INDEX %I ON contracts.%I (contract, known)', seen.name || '_contract', seen.name);
        END IF;
        EXECUTE format('GRANT SELECT, INSERT ON contracts.%I TO yardstick_worker', seen.name);
        EXECUTE format('GRANT SELECT ON contracts.%I TO yardstick_api, yardstick_visible', seen.name);
        EXECUTE format('ALTER TABLE contracts.%I ENABLE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('ALTER TABLE contracts.%I FORCE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('CREATE POLICY worker ON contracts.%I TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true)', seen.name);
        EXECUTE format('CREATE POLICY api ON contracts.%I FOR SELECT TO yardstick_api USING (%s)', seen.name, seen.condition);
    END LOOP;
END $$;

DO $$
DECLARE
    seen record;
    stating text := 'contract IN (SELECT visible.stating_contract_ids())';
    party   text := 'contract IN (SELECT visible.contract_ids())';
BEGIN
    FOR seen IN SELECT * FROM (VALUES
        ('basis', stating), ('quantity', stating), ('reported_state', stating), ('unmet', stating),
        ('ticket', party), ('ticket_time', party), ('pause', stating), ('substitute', stating),
        ('meter_test', stating), ('carried', stating || ' AND visible.reads_money()'), ('history', stating),
        ('notice', stating),
        ('attribution', stating || ' OR status IN (''proposed'', ''disputed'') AND ' || party),
        ('index_value', 'EXISTS (SELECT visible.stating_contract_ids())'),
        ('withdrawal', stating || ' OR contract IS NULL AND EXISTS (SELECT visible.stating_contract_ids())')
    ) AS s (name, condition) LOOP
        EXECUTE format('GRANT INSERT ON contracts.%I TO yardstick_api', seen.name);
        EXECUTE format('CREATE POLICY api_states ON contracts.%I FOR INSERT TO yardstick_api WITH CHECK (%s)', seen.name, seen.condition);
    END LOOP;
END $$;

-- What a request with an Idempotency-Key was answered, written in the transaction of its work.
CREATE TABLE api.answered (
    actor       text NOT NULL,
    key         text NOT NULL CHECK (length(key) BETWEEN 1 AND 200),
    fingerprint text NOT NULL,  -- sha256 of method, path and body
    answer      jsonb,
    at          timestamptz NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX answered_at ON api.answered (at);
GRANT SELECT, INSERT, DELETE ON api.answered TO yardstick_api;
GRANT UPDATE (answer) ON api.answered TO yardstick_api;
GRANT SELECT ON api.answered TO yardstick_worker;
