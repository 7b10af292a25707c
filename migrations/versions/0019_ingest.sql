-- The first and the last reading of each hour (UTC) of [since, before), as known: between them are all neighbours of full
-- hours. Roll-ups say them; parts of hours and what roll-ups do not know yet are read. All lie in [first, last).
CREATE FUNCTION ingest.hours(bounds int[], registers int[], sinces timestamptz[], befores timestamptz[],
    first timestamptz, last timestamptz, newest bigint)
RETURNS TABLE (bound int, at timestamptz, value bigint)
LANGUAGE sql STABLE AS $$
    WITH point AS MATERIALIZED (SELECT * FROM ingest.rolled(newest)),
    e AS MATERIALIZED (
        SELECT e.bound, e.register, e.since, e.before, p.known,
            date_bin('1 hour', e.since + interval '59 minutes 59.999999 seconds', '2000-01-01 00:00+00') AS low,
            least(date_bin('1 hour', e.before, '2000-01-01 00:00+00'), p.closed_to) AS high
        FROM unnest(bounds, registers, sinces, befores) AS e (bound, register, since, before)
        JOIN point AS p ON p.share = e.register % 2
        WHERE e.since < e.before
    ), late AS MATERIALIZED (
        SELECT * FROM ingest.late_hours(first, last, newest)
    ), zone AS (
        SELECT e.bound, e.register, e.since AS low, CASE WHEN e.low < e.high THEN e.low ELSE e.before END AS high FROM e
        UNION ALL
        SELECT e.bound, e.register, e.high, e.before FROM e WHERE e.low < e.high
        UNION ALL
        SELECT e.bound, e.register, l.hour, l.hour + interval '1 hour'
        FROM e JOIN late AS l ON l.register = e.register AND l.hour >= e.low AND l.hour < e.high
    ), seen AS (
        SELECT e.bound, h.first_at, h.first_value, h.last_at, h.last_value
        FROM e JOIN ingest.usage_hour AS h ON h.register = e.register AND h.hour >= e.low AND h.hour < e.high
            AND h.hour >= first - interval '1 hour' AND h.hour < last
            AND h.known <= e.known AND (h.superseded IS NULL OR h.superseded > e.known)
        WHERE NOT EXISTS (SELECT FROM late AS l WHERE l.register = h.register AND l.hour = h.hour)
        UNION ALL
        SELECT z.bound, r.first_at, r.first_value, r.last_at, r.last_value
        FROM zone AS z CROSS JOIN LATERAL (
            SELECT min(x.at) AS first_at, public.first(x.value, x.at) AS first_value, max(x.at) AS last_at,
                public.last(x.value, x.at) AS last_value
            FROM ingest.effective(z.register, z.low, z.high, newest) AS x
            WHERE x.at >= first AND x.at < last GROUP BY date_bin('1 hour', x.at, '2000-01-01 00:00+00')
        ) AS r
    )
    SELECT s.bound, v.at, v.value
    FROM seen AS s CROSS JOIN LATERAL (VALUES (s.first_at, s.first_value), (s.last_at, s.last_value)) AS v (at, value)
    WHERE v.at IS NOT NULL AND (v.at = s.first_at OR s.last_at > s.first_at)
$$;

-- What a gauge showed in each stretch [since, before), as known, where it has readings there.
CREATE FUNCTION ingest.levels(bounds int[], registers int[], sinces timestamptz[], befores timestamptz[],
    first timestamptz, last timestamptz, newest bigint)
RETURNS TABLE (bound int, readings bigint, lowest bigint, highest bigint, last_at timestamptz, last_value bigint)
LANGUAGE sql STABLE AS $$
    WITH point AS MATERIALIZED (SELECT * FROM ingest.rolled(newest)),
    e AS MATERIALIZED (
        SELECT e.bound, e.register, e.since, e.before, p.known,
            date_bin('1 hour', e.since + interval '59 minutes 59.999999 seconds', '2000-01-01 00:00+00') AS low,
            least(date_bin('1 hour', e.before, '2000-01-01 00:00+00'), p.closed_to) AS high
        FROM unnest(bounds, registers, sinces, befores) AS e (bound, register, since, before)
        JOIN point AS p ON p.share = e.register % 2
        WHERE e.since < e.before
    ), late AS MATERIALIZED (
        SELECT * FROM ingest.late_hours(first, last, newest)
    ), zone AS (
        SELECT e.bound, e.register, e.since AS low, CASE WHEN e.low < e.high THEN e.low ELSE e.before END AS high FROM e
        UNION ALL
        SELECT e.bound, e.register, e.high, e.before FROM e WHERE e.low < e.high
        UNION ALL
        SELECT e.bound, e.register, l.hour, l.hour + interval '1 hour'
        FROM e JOIN late AS l ON l.register = e.register AND l.hour >= e.low AND l.hour < e.high
    ), seen AS (
        SELECT e.bound, h.readings::bigint, h.lowest, h.highest, h.last_at, h.last_value
        FROM e JOIN ingest.gauge_hour AS h ON h.register = e.register AND h.hour >= e.low AND h.hour < e.high
            AND h.hour >= first - interval '1 hour' AND h.hour < last
            AND h.known <= e.known AND (h.superseded IS NULL OR h.superseded > e.known)
        WHERE NOT EXISTS (SELECT FROM late AS l WHERE l.register = h.register AND l.hour = h.hour)
        UNION ALL
        SELECT z.bound, r.readings, r.lowest, r.highest, r.last_at, r.last_value
        FROM zone AS z CROSS JOIN LATERAL (
            SELECT count(*) AS readings, min(x.value) AS lowest, max(x.value) AS highest, max(x.at) AS last_at,
                public.last(x.value, x.at) AS last_value
            FROM ingest.effective(z.register, z.low, z.high, newest) AS x WHERE x.at >= first AND x.at < last
        ) AS r WHERE r.readings > 0
    )
    SELECT s.bound, sum(s.readings)::bigint, min(s.lowest), max(s.highest), max(s.last_at),
        public.last(s.last_value, s.last_at)
    FROM seen AS s GROUP BY s.bound
$$;

-- The registers among these that may have a break that ends after `since`, as known; the others have none. Looked at are
-- hours steeper than a rate (ticks an hour), hours that became known late, and what no roll-up knows yet. edges: where a
-- written or carried value takes over, NULL: nowhere; it may break with the first reading after it.
CREATE FUNCTION ingest.suspect(registers int[], max_rates numeric[], edges timestamptz[], since timestamptz, newest bigint)
RETURNS SETOF int LANGUAGE plpgsql STABLE AS $$
DECLARE fresh timestamptz;
BEGIN
    -- A constant of the statement below, by which chunks are left out once.
    SELECT min(closed_to) - interval '2 hours' INTO fresh FROM ingest.rolled(newest);
    RETURN QUERY WITH e AS MATERIALIZED (
        SELECT e.register, e.max_rate, e.edge, p.known, p.closed_to,
            coalesce(least(floor(e.max_rate), 9223372036854775805)::bigint, 9223372036854775806) AS whole_rate
        FROM unnest(registers, max_rates, edges) AS e (register, max_rate, edge)
        JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2
    ), late AS MATERIALIZED (
        -- By itself: with registers as a condition, the planner would read their whole index.
        SELECT DISTINCT l.register FROM ingest.late_hours('2000-01-01', '2100-01-01', newest) AS l
    )
    SELECT e.register FROM e WHERE EXISTS (
        SELECT FROM ingest.usage_hour AS h
        WHERE h.register = e.register AND h.fastest > e.whole_rate
            AND h.hour > suspect.since - interval '1 hour'
            AND h.known + 0 <= e.known AND (h.superseded IS NULL OR h.superseded > e.known))
    UNION
    SELECT l.register FROM late AS l WHERE l.register = ANY (registers)
    UNION
    -- As received: what was corrected since is named in any case.
    SELECT v.register FROM ingest.reading_override AS v
    WHERE v.register = ANY (registers) AND v.at >= fresh AND v.known <= newest
    UNION
    SELECT x.register FROM e AS x CROSS JOIN LATERAL (
        SELECT r.at, r.value, lag(r.at) OVER (ORDER BY r.at) AS at_before, lag(r.value) OVER (ORDER BY r.at) AS before
        FROM (
            SELECT r.at, r.value FROM ingest.reading AS r
            WHERE r.register = x.register AND r.at >= fresh AND r.known <= newest
            UNION ALL
            SELECT k.at, k.value FROM ingest.kept_reading AS k
            WHERE k.register = x.register AND k.at >= fresh AND k.known <= newest
        ) AS r
    ) AS p
    WHERE p.value < p.before OR (p.before IS NULL AND p.at >= x.closed_to)
        OR (p.at > p.at_before
            AND (p.value::numeric - p.before) * 3600 > x.max_rate * extract(epoch FROM p.at - p.at_before))
    UNION
    SELECT e.register FROM e WHERE e.edge IS NOT NULL AND NOT EXISTS (
        SELECT FROM ingest.usage_hour AS h
        WHERE h.register = e.register AND h.hour >= e.edge AND h.hour <= suspect.since - interval '1 hour'
            AND h.known <= e.known AND (h.superseded IS NULL OR h.superseded > e.known));
END $$;

-- The same for the API: cut to the times in which a register served an asset that the party's contracts cover.
CREATE FUNCTION visible.shown(bounds int[], registers int[], sinces timestamptz[], befores timestamptz[])
RETURNS TABLE (bounds int[], registers int[], sinces timestamptz[], befores timestamptz[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT array_agg(e.bound), array_agg(e.register), array_agg(lower(s.during)), array_agg(upper(s.during))
    FROM unnest(shown.bounds, shown.registers, shown.sinces, shown.befores) AS e (bound, register, since, before)
    CROSS JOIN LATERAL (
        SELECT tstzrange(e.since, e.before) WHERE e.since < e.before AND visible.operates()
        UNION ALL
        SELECT unnest(range_agg(b.during * p.during * tstzrange(e.since, e.before)))
        FROM ingest.register AS g
        JOIN ingest.binding AS b ON b.device = g.device AND b.superseded IS NULL
        JOIN contracts.party_asset AS p ON p.asset = b.asset AND p.party = visible.party()
        WHERE g.id = e.register AND e.since < e.before AND NOT visible.operates()
    ) AS s (during)
$$;
CREATE FUNCTION visible.hours(bounds int[], registers int[], sinces timestamptz[], befores timestamptz[],
    first timestamptz, last timestamptz, newest bigint)
RETURNS TABLE (bound int, at timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT h.bound, h.at, h.value FROM visible.shown(bounds, registers, sinces, befores) AS s
    CROSS JOIN LATERAL ingest.hours(s.bounds, s.registers, s.sinces, s.befores, first, last, newest) AS h
$$;
CREATE FUNCTION visible.levels(bounds int[], registers int[], sinces timestamptz[], befores timestamptz[],
    first timestamptz, last timestamptz, newest bigint)
RETURNS TABLE (bound int, readings bigint, lowest bigint, highest bigint, last_at timestamptz, last_value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT l.* FROM visible.shown(bounds, registers, sinces, befores) AS s
    CROSS JOIN LATERAL ingest.levels(s.bounds, s.registers, s.sinces, s.befores, first, last, newest) AS l
$$;
-- Which registers to look at is no answer: what is found there is read by functions that show a party its own only.
CREATE FUNCTION visible.suspect(registers int[], max_rates numeric[], edges timestamptz[], since timestamptz, newest bigint)
RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT ingest.suspect(registers, max_rates, edges, since, newest)
$$;
DO $$
DECLARE made regprocedure;
BEGIN
    GRANT CREATE ON SCHEMA visible TO yardstick_visible;
    FOR made IN SELECT oid FROM pg_proc
        WHERE pronamespace = 'visible'::regnamespace AND proname IN ('shown', 'hours', 'levels', 'suspect') LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO yardstick_visible', made);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO yardstick_api', made);
    END LOOP;
    REVOKE CREATE ON SCHEMA visible FROM yardstick_visible;
END $$;
