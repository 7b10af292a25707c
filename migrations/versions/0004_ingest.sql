-- Which messages of a device's boot are committed. Numbers start at 1; what is not in the set, but below its end, is missing.
CREATE TABLE ingest.sequence (
    device     int NOT NULL REFERENCES ingest.device,
    boot       text NOT NULL CHECK (boot <> '' AND length(boot) <= 64),
    received   int8multirange NOT NULL,
    known      bigint NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (device, boot)
) WITH (fillfactor = 50);

-- The thousand lowest ranges. A device that leaves more holes has the rest reported as missing, and the row stays small.
CREATE FUNCTION ingest.lowest(received int8multirange) RETURNS int8multirange
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT range_agg(r) FROM (SELECT r FROM unnest(received) AS r ORDER BY r LIMIT 1000) AS kept
$$;
CREATE FUNCTION ingest.missing(received int8multirange) RETURNS int8multirange
LANGUAGE sql IMMUTABLE SET search_path = pg_catalog AS $$
    SELECT int8multirange(int8range(1, upper(received))) - received
$$;

-- What an operator must look at.
CREATE TABLE ingest.alarm (
    id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at     timestamptz NOT NULL,
    kind   text NOT NULL CHECK (kind ~ '^[a-z0-9_]+$'),
    client text NOT NULL,
    detail jsonb NOT NULL DEFAULT '{}'
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.alarm
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- A correction of a reading that stands: it counts as `value` from `known` on; NULL: it is void. The last one holds.
CREATE TABLE ingest.reading_override (
    register int NOT NULL,
    at       timestamptz NOT NULL,
    value    bigint,
    known    bigint NOT NULL,
    author   text NOT NULL CHECK (author <> ''),
    reason   text NOT NULL CHECK (reason <> ''),
    reverts  bigint,  -- `known` of the correction that this one takes back
    PRIMARY KEY (register, at, known)
);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.reading_override
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Readings of a register in [since, before) as known: the last correction if there is one, else as received; none if void.
-- Without SET, so that it becomes part of the statement that asks: corrections are few and found once for each register.
CREATE FUNCTION ingest.effective(register_id int, since timestamptz, before timestamptz, newest bigint)
RETURNS TABLE (at timestamptz, value bigint) LANGUAGE sql STABLE AS $$
    SELECT r.at, CASE WHEN o.at IS NULL THEN r.value ELSE o.value END
    FROM ingest.reading AS r
    LEFT JOIN (
        SELECT DISTINCT ON (v.at) v.at, v.value FROM ingest.reading_override AS v
        WHERE v.register = register_id AND v.known <= newest ORDER BY v.at, v.known DESC
    ) AS o ON o.at = r.at
    WHERE r.register = register_id AND r.at >= since AND r.at < before AND r.known <= newest
        AND (o.at IS NULL OR o.value IS NOT NULL)
$$;

-- How an item left the quarantine's work list: once.
CREATE TABLE ingest.quarantine_action (
    topic        text NOT NULL,
    payload_hash bytea NOT NULL,
    item         int NOT NULL,
    action       text NOT NULL CHECK (action IN ('release', 'reject', 'correct', 'replay')),
    actor        text NOT NULL CHECK (actor <> ''),
    note         text NOT NULL,
    at           timestamptz NOT NULL,
    known        bigint NOT NULL,
    register     int,          -- the one reading that came of it
    reading_at   timestamptz,
    PRIMARY KEY (topic, payload_hash, item),
    FOREIGN KEY (topic, payload_hash, item) REFERENCES ingest.quarantine
);
CREATE INDEX quarantine_action_reading ON ingest.quarantine_action (register, reading_at);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.quarantine_action
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

GRANT SELECT, INSERT ON ingest.sequence, ingest.alarm, ingest.reading_override, ingest.quarantine_action TO yardstick_worker;
GRANT UPDATE (received, known, changed_at) ON ingest.sequence TO yardstick_worker;
GRANT SELECT ON ingest.sequence, ingest.alarm, ingest.reading_override, ingest.quarantine_action
    TO yardstick_api, yardstick_visible;

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sequence', 'alarm', 'reading_override', 'quarantine_action'] LOOP
        EXECUTE format('ALTER TABLE ingest.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ingest.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY worker ON ingest.%I TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true)', name);
        EXECUTE format('CREATE POLICY api ON ingest.%I FOR SELECT TO yardstick_api USING (visible.operates())', name);
    END LOOP;
END $$;

-- What the API may see, with corrections.
CREATE OR REPLACE FUNCTION visible.readings(asset_id int, path text, since timestamptz, before timestamptz, most int)
RETURNS TABLE (at timestamptz, value bigint, received_at timestamptz, raw text, device text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT r.at, r.value, r.received_at, r.raw, d.name
    FROM ingest.binding AS b
    JOIN ingest.device AS d ON d.id = b.device
    JOIN ingest.register AS g ON g.device = b.device
    JOIN LATERAL (
        SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value, r.received_at, r.raw
        FROM ingest.reading AS r
        LEFT JOIN LATERAL (
            SELECT v.value, true AS is_there FROM ingest.reading_override AS v
            WHERE v.register = r.register AND v.at = r.at ORDER BY v.known DESC LIMIT 1
        ) AS o ON true
        WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND r.register = g.id AND r.at >= since AND r.at < before
            AND r.at >= lower(b.during) AND (upper_inf(b.during) OR r.at < upper(b.during))
        ORDER BY r.at LIMIT most
    ) AS r ON true
    WHERE b.asset = asset_id AND b.position || '/' || g.name = path
        AND (visible.operates() OR EXISTS (
            SELECT FROM contracts.party_asset AS p
            WHERE p.party = visible.party() AND p.asset = asset_id AND r.at <@ p.during))
    ORDER BY r.at LIMIT most
$$;

CREATE OR REPLACE FUNCTION visible.register_readings(register_id int, since timestamptz, before timestamptz, newest bigint)
RETURNS TABLE (at timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT r.at, r.value FROM ingest.effective(register_id, since, before, newest) AS r
    WHERE (visible.operates() OR EXISTS (
            SELECT FROM ingest.register AS g
            JOIN ingest.binding AS b ON b.device = g.device AND r.at <@ b.during
            JOIN contracts.party_asset AS p ON p.asset = b.asset AND r.at <@ p.during
            WHERE g.id = register_id AND p.party = visible.party()))
$$;

CREATE OR REPLACE FUNCTION visible.counter_neighbours(bounds int[], registers int[], starts timestamptz[], ends timestamptz[],
    instants timestamptz[], newest bigint)
RETURNS TABLE (bound int, at timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT e.bound, p.at, p.value
    FROM unnest(bounds, registers, starts, ends, instants) AS e (bound, register, "start", "end", at)
    CROSS JOIN LATERAL (
        (SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value FROM ingest.reading AS r
         LEFT JOIN LATERAL (
             SELECT v.value, true AS is_there FROM ingest.reading_override AS v
             WHERE v.register = r.register AND v.at = r.at AND v.known <= newest ORDER BY v.known DESC LIMIT 1
         ) AS o ON true
         WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND r.register = e.register AND r.at >= e."start" AND r.at <= e.at AND r.at < e."end" AND r.known <= newest
         ORDER BY r.at DESC LIMIT 1)
        UNION ALL
        (SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value FROM ingest.reading AS r
         LEFT JOIN LATERAL (
             SELECT v.value, true AS is_there FROM ingest.reading_override AS v
             WHERE v.register = r.register AND v.at = r.at AND v.known <= newest ORDER BY v.known DESC LIMIT 1
         ) AS o ON true
         WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND r.register = e.register AND r.at >= e."start" AND r.at >= e.at AND r.at < e."end" AND r.known <= newest
         ORDER BY r.at LIMIT 1)
    ) AS p
    WHERE visible.knows(e.register, e.at)
$$;

CREATE OR REPLACE FUNCTION visible.counter_breaks(bounds int[], registers int[], firsts timestamptz[], lasts timestamptz[],
    max_rates numeric[], newest bigint)
RETURNS TABLE (bound int, at_before timestamptz, before bigint, at timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT e.bound, p.at_before, p.before, p.at, p.value
    FROM unnest(bounds, registers, firsts, lasts, max_rates) AS e (bound, register, first, last, max_rate)
    CROSS JOIN LATERAL (
        SELECT r.at, r.value, lag(r.at) OVER (ORDER BY r.at) AS at_before, lag(r.value) OVER (ORDER BY r.at) AS before
        FROM ingest.effective(e.register, e.first, e.last + interval '1 microsecond', newest) AS r
    ) AS p
    WHERE (p.value < p.before
        OR (p.value - p.before) * 3600::numeric > e.max_rate * extract(epoch FROM p.at - p.at_before))
        AND visible.knows(e.register, p.at)
$$;
