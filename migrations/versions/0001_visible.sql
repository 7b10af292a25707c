-- The second lock: what the API's role may see is decided by PostgreSQL, from the party and role that a request acts
-- for. Without them nothing is visible.
GRANT CREATE, USAGE ON SCHEMA visible TO yardstick_visible;

CREATE FUNCTION visible.party() RETURNS int LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT nullif(current_setting('yardstick.party', true), '')::int
$$;
CREATE FUNCTION visible.operates() RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT coalesce(current_setting('yardstick.role', true) IN ('operator', 'device_manager'), false)
$$;
CREATE FUNCTION visible.contract_ids() RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog AS $$
    SELECT contract FROM contracts.contract_party WHERE party = visible.party()
$$;
CREATE FUNCTION visible.asset_ids() RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER ROWS 200
SET search_path = pg_catalog AS $$
    SELECT DISTINCT asset FROM contracts.party_asset WHERE party = visible.party()
$$;

-- Who reads what is agreed and owed: provider, customer and payer, in a role that deals with money. A partner sees
-- status (visible.statuses), and operators see devices.
CREATE FUNCTION visible.reads_money() RETURNS boolean LANGUAGE sql STABLE SET search_path = pg_catalog AS $$
    SELECT coalesce(current_setting('yardstick.role', true) IN ('customer', 'finance'), false)
$$;
CREATE FUNCTION visible.billed_contract_ids() RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER ROWS 20
SET search_path = pg_catalog AS $$
    SELECT contract FROM contracts.contract_party
    WHERE visible.reads_money() AND party = visible.party() AND role IN ('provider', 'customer', 'payer')
$$;

-- How each visible contract stands in its running period, without a word of money.
CREATE FUNCTION visible.statuses()
RETURNS TABLE (contract int, label text, starts_at timestamptz, ends_at timestamptz, until timestamptz,
    evaluated_at timestamptz, verdicts jsonb)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT s.contract, p.label, p.starts_at, p.ends_at, s.until, s.evaluated_at, coalesce((
        SELECT jsonb_agg(jsonb_build_object('clause', v -> 'clause', 'kind', v -> 'kind', 'asset', v -> 'asset',
            'state', v -> 'state', 'status', v -> 'status', 'certain', v -> 'certain',
            'values', (SELECT coalesce(jsonb_object_agg(key, value), '{}') FROM jsonb_each(v -> 'values')
                WHERE key IN ('required', 'excluded', 'counted', 'down', 'availability', 'coverage'))) ORDER BY n)
        FROM jsonb_array_elements(s.result -> 'verdicts') WITH ORDINALITY AS e (v, n)
        WHERE v ->> 'kind' IN ('availability', 'performance', 'event_guarantee', 'obligation')), '[]')
    FROM contracts.standing AS s JOIN contracts.period AS p ON p.id = s.period
    WHERE s.contract IN (SELECT visible.contract_ids())
$$;

-- Readings of an asset's register path (position/register), oldest first, where the party's contracts cover the asset.
CREATE FUNCTION visible.readings(asset_id int, path text, since timestamptz, before timestamptz, most int)
RETURNS TABLE (at timestamptz, value bigint, received_at timestamptz, raw text, device text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT r.at, r.value, r.received_at, r.raw, d.name
    FROM ingest.binding AS b
    JOIN ingest.device AS d ON d.id = b.device
    JOIN ingest.register AS g ON g.device = b.device
    JOIN LATERAL (
        SELECT * FROM ingest.reading AS r
        WHERE r.register = g.id AND r.at >= since AND r.at < before
            AND r.at >= lower(b.during) AND (upper_inf(b.during) OR r.at < upper(b.during))
        ORDER BY r.at LIMIT most
    ) AS r ON true
    WHERE b.asset = asset_id AND b.position || '/' || g.name = path
        AND (visible.operates() OR EXISTS (
            SELECT FROM contracts.party_asset AS p
            WHERE p.party = visible.party() AND p.asset = asset_id AND r.at <@ p.during))
    ORDER BY r.at LIMIT most
$$;

-- Readings of a register from the time in which it served an asset that the party's contracts cover.
CREATE FUNCTION visible.register_readings(register_id int, since timestamptz, before timestamptz, newest bigint)
RETURNS TABLE (at timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT r.at, r.value FROM ingest.reading AS r
    WHERE r.register = register_id AND r.at >= since AND r.at < before AND r.known <= newest
        AND (visible.operates() OR EXISTS (
            SELECT FROM ingest.register AS g
            JOIN ingest.binding AS b ON b.device = g.device AND r.at <@ b.during
            JOIN contracts.party_asset AS p ON p.asset = b.asset AND r.at <@ p.during
            WHERE g.id = register_id AND p.party = visible.party()))
$$;

-- Whether the party may know what a register showed at an instant: it served a covered asset then, or until then.
CREATE FUNCTION visible.knows(register_id int, instant timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT visible.operates() OR EXISTS (
        SELECT FROM ingest.register AS g
        JOIN ingest.binding AS b ON b.device = g.device AND (instant <@ b.during OR instant = upper(b.during))
        JOIN contracts.party_asset AS p ON p.asset = b.asset AND (instant <@ p.during OR instant = upper(p.during))
        WHERE g.id = register_id AND p.party = visible.party())
$$;

-- As ingest.store.counter reads them: the readings on either side of instants, and both sides of falls and of rises
-- above a rate. The arrays run in parallel; `bounds` only numbers them.
CREATE FUNCTION visible.counter_neighbours(bounds int[], registers int[], starts timestamptz[], ends timestamptz[],
    instants timestamptz[], newest bigint)
RETURNS TABLE (bound int, at timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT e.bound, p.at, p.value
    FROM unnest(bounds, registers, starts, ends, instants) AS e (bound, register, "start", "end", at)
    CROSS JOIN LATERAL (
        (SELECT r.at, r.value FROM ingest.reading AS r
         WHERE r.register = e.register AND r.at >= e."start" AND r.at <= e.at AND r.at < e."end" AND r.known <= newest
         ORDER BY r.at DESC LIMIT 1)
        UNION ALL
        (SELECT r.at, r.value FROM ingest.reading AS r
         WHERE r.register = e.register AND r.at >= e."start" AND r.at >= e.at AND r.at < e."end" AND r.known <= newest
         ORDER BY r.at LIMIT 1)
    ) AS p
    WHERE visible.knows(e.register, e.at)
$$;
CREATE FUNCTION visible.counter_breaks(bounds int[], registers int[], firsts timestamptz[], lasts timestamptz[],
    max_rates numeric[], newest bigint)
RETURNS TABLE (bound int, at_before timestamptz, before bigint, at timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT e.bound, p.at_before, p.before, p.at, p.value
    FROM unnest(bounds, registers, firsts, lasts, max_rates) AS e (bound, register, first, last, max_rate)
    CROSS JOIN LATERAL (
        SELECT r.at, r.value, lag(r.at) OVER (ORDER BY r.at) AS at_before, lag(r.value) OVER (ORDER BY r.at) AS before
        FROM ingest.reading AS r
        WHERE r.register = e.register AND r.at BETWEEN e.first AND e.last AND r.known <= newest
    ) AS p
    WHERE (p.value < p.before
        OR (p.value - p.before) * 3600::numeric > e.max_rate * extract(epoch FROM p.at - p.at_before))
        AND visible.knows(e.register, p.at)
$$;

ALTER FUNCTION visible.contract_ids() OWNER TO yardstick_visible;
ALTER FUNCTION visible.billed_contract_ids() OWNER TO yardstick_visible;
ALTER FUNCTION visible.asset_ids() OWNER TO yardstick_visible;
ALTER FUNCTION visible.readings(int, text, timestamptz, timestamptz, int) OWNER TO yardstick_visible;
ALTER FUNCTION visible.statuses() OWNER TO yardstick_visible;
ALTER FUNCTION visible.register_readings(int, timestamptz, timestamptz, bigint) OWNER TO yardstick_visible;
ALTER FUNCTION visible.knows(int, timestamptz) OWNER TO yardstick_visible;
ALTER FUNCTION visible.counter_neighbours(int[], int[], timestamptz[], timestamptz[], timestamptz[], bigint)
    OWNER TO yardstick_visible;
ALTER FUNCTION visible.counter_breaks(int[], int[], timestamptz[], timestamptz[], numeric[], bigint)
    OWNER TO yardstick_visible;
REVOKE CREATE ON SCHEMA visible FROM yardstick_visible;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA visible FROM PUBLIC;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA visible TO yardstick_api;
GRANT EXECUTE ON FUNCTION visible.party(), visible.operates(), visible.reads_money(), visible.contract_ids() TO yardstick_visible;

-- Every table with rows of somebody: locked for all, opened for workers, and for the API as far as the party reaches.
DO $$
DECLARE
    seen record;
BEGIN
    FOR seen IN SELECT * FROM (VALUES
        ('ingest.asset',            'id IN (SELECT visible.asset_ids()) OR visible.operates()'),
        ('ingest.binding',          'asset IN (SELECT visible.asset_ids()) OR visible.operates()'),
        ('ingest.device',           'visible.operates() OR id IN (SELECT device FROM ingest.binding)'),
        ('ingest.register',         'visible.operates() OR device IN (SELECT device FROM ingest.binding)'),
        ('ingest.binding_value',    'binding IN (SELECT id FROM ingest.binding)'),
        ('ingest.declaration',      'visible.operates() OR register IN (SELECT id FROM ingest.register)'),
        ('ingest.latest',           'visible.operates() OR register IN (SELECT id FROM ingest.register)'),
        ('ingest.quarantine',       'visible.operates()'),
        ('ingest.batch',            'visible.operates()'),
        ('contracts.party',         'id = visible.party() OR id IN (SELECT party FROM contracts.contract_party)'),
        ('contracts.contract',      'id IN (SELECT visible.contract_ids())'),
        ('contracts.contract_party','contract IN (SELECT visible.contract_ids())'),
        ('contracts.version',       'contract IN (SELECT visible.billed_contract_ids())'),
        ('contracts.coverage',      'contract IN (SELECT visible.contract_ids())'),
        ('contracts.party_asset',   'party = visible.party()'),
        ('contracts.notice',        'contract IN (SELECT visible.contract_ids())'),
        ('contracts.attribution',   'contract IN (SELECT visible.contract_ids())'),
        ('contracts.period',        'contract IN (SELECT visible.contract_ids())'),
        ('contracts.standing',      'contract IN (SELECT visible.billed_contract_ids())'),
        ('contracts.evaluation',    'contract IN (SELECT visible.billed_contract_ids())'),
        ('contracts.breach',        'contract IN (SELECT visible.billed_contract_ids())'),
        ('billing.entity',          'party IN (SELECT party FROM contracts.contract_party)'),
        ('billing.account',         'party = visible.party() OR party IN (SELECT party FROM contracts.contract_party)'),
        ('billing.series',          'entity IN (SELECT id FROM billing.entity WHERE party = visible.party())'),
        ('billing.run',             'visible.reads_money() AND entity IN (SELECT id FROM billing.entity WHERE party = visible.party())'),
        ('billing.draft',           'run IN (SELECT id FROM billing.run)'),
        ('billing.invoice',         'contract IN (SELECT visible.billed_contract_ids())'),
        ('billing.line',            'invoice IN (SELECT id FROM billing.invoice)'),
        ('billing.tax_total',       'invoice IN (SELECT id FROM billing.invoice)'),
        ('billing.transfer',        'invoice IN (SELECT id FROM billing.invoice)'),
        ('billing.breach_report',   'contract IN (SELECT visible.billed_contract_ids())')
    ) AS s (name, condition) LOOP
        EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('ALTER TABLE %s FORCE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('CREATE POLICY worker ON %s TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true)', seen.name);
        EXECUTE format('CREATE POLICY api ON %s FOR SELECT TO yardstick_api USING (%s)', seen.name, seen.condition);
    END LOOP;
END $$;
