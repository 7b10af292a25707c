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

-- Until when lines of a period's documents may be contested: dates alone, for whoever states facts of the contract.
GRANT SELECT ON billing.invoice, billing.invoice_part TO yardstick_visible;
GRANT CREATE ON SCHEMA visible TO yardstick_visible;
CREATE FUNCTION visible.contest_limits(contract_id int, labels text[])
RETURNS TABLE (label text, clause text, until timestamptz) LANGUAGE sql STABLE SECURITY DEFINER
SET search_path = pg_catalog AS $$
    SELECT p.label, c ->> 'clause', max((c ->> 'until')::timestamptz)
    FROM billing.invoice_part AS p JOIN billing.invoice AS i ON i.id = p.invoice
    JOIN contracts.contract AS k ON k.id = p.contract
    CROSS JOIN LATERAL jsonb_array_elements(i.document #> '{issue,contest_until}') AS c
    WHERE p.contract = contract_id AND p.label = ANY (labels) AND c ->> 'contract' = k.name
        AND p.contract IN (SELECT visible.contract_ids())
    GROUP BY p.label, c ->> 'clause'
$$;
ALTER FUNCTION visible.contest_limits(int, text[]) OWNER TO yardstick_visible;
REVOKE CREATE ON SCHEMA visible FROM yardstick_visible;
REVOKE ALL ON FUNCTION visible.contest_limits(int, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION visible.contest_limits(int, text[]) TO yardstick_api;
