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

-- The readings on either side of instants, within bindings: what a counter's value at an instant is computed from.
-- The three arrays run in parallel.
CREATE FUNCTION visible.neighbours(bindings int[], registers int[], instants timestamptz[])
RETURNS TABLE (binding int, register int, instant timestamptz, before_at timestamptz, before_value bigint,
    after_at timestamptz, after_value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT n.binding, n.register, n.instant, low.at, low.value, high.at, high.value
    FROM unnest(bindings, registers, instants) AS n (binding, register, instant)
    JOIN ingest.binding AS b ON b.id = n.binding
    JOIN ingest.register AS g ON g.id = n.register AND g.device = b.device
    LEFT JOIN LATERAL (
        SELECT r.at, r.value FROM ingest.reading AS r
        WHERE r.register = n.register AND r.at <= n.instant AND r.at >= lower(b.during)
        ORDER BY r.at DESC LIMIT 1
    ) AS low ON true
    LEFT JOIN LATERAL (
        SELECT r.at, r.value FROM ingest.reading AS r
        WHERE r.register = n.register AND r.at > n.instant AND (upper_inf(b.during) OR r.at < upper(b.during))
        ORDER BY r.at LIMIT 1
    ) AS high ON true
    WHERE visible.operates() OR EXISTS (
        SELECT FROM contracts.party_asset AS p
        WHERE p.party = visible.party() AND p.asset = b.asset
            AND (n.instant <@ p.during OR n.instant = upper(p.during)))
$$;

-- Unbroken runs of one value of a state register, a silence longer than `silence` breaking them too; `next_at` is the
-- reading that ended the run. The run that holds at `since` is the first.
CREATE FUNCTION visible.state_runs(asset_ids int[], path text, since timestamptz, before timestamptz, silence interval)
RETURNS TABLE (asset int, value bigint, first_at timestamptz, last_at timestamptz, next_at timestamptz)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH seen AS (
        SELECT b.asset, r.at, r.value, r.value IS DISTINCT FROM lag(r.value) OVER w
            OR r.at - lag(r.at) OVER w > silence AS starts, lead(r.at) OVER w AS next_at
        FROM ingest.binding AS b
        JOIN ingest.register AS g ON g.device = b.device
        JOIN ingest.reading AS r ON r.register = g.id AND r.at >= since - silence AND r.at < before
            AND r.at >= lower(b.during) AND (upper_inf(b.during) OR r.at < upper(b.during))
        WHERE b.asset = ANY (asset_ids) AND b.position || '/' || g.name = path
            AND (visible.operates() OR EXISTS (
                SELECT FROM contracts.party_asset AS p
                WHERE p.party = visible.party() AND p.asset = b.asset AND r.at <@ p.during))
        WINDOW w AS (PARTITION BY b.asset ORDER BY r.at)
    ), numbered AS (
        SELECT *, count(*) FILTER (WHERE starts) OVER (PARTITION BY asset ORDER BY at) AS run FROM seen
    )
    SELECT asset, min(value), min(at), max(at), max(next_at) FROM numbered GROUP BY asset, run ORDER BY asset, run
$$;

ALTER FUNCTION visible.contract_ids() OWNER TO yardstick_visible;
ALTER FUNCTION visible.billed_contract_ids() OWNER TO yardstick_visible;
ALTER FUNCTION visible.asset_ids() OWNER TO yardstick_visible;
ALTER FUNCTION visible.readings(int, text, timestamptz, timestamptz, int) OWNER TO yardstick_visible;
ALTER FUNCTION visible.statuses() OWNER TO yardstick_visible;
ALTER FUNCTION visible.neighbours(int[], int[], timestamptz[]) OWNER TO yardstick_visible;
ALTER FUNCTION visible.state_runs(int[], text, timestamptz, timestamptz, interval) OWNER TO yardstick_visible;
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
