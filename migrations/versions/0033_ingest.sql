-- What a mean needs. area: ticks times microseconds from the first reading of the hour to the last, each holding until
-- the next; longest: the longest silence between two of them: whoever calls less than that unknown reads the readings.
-- NULL: of hours that were sealed before this step, of which no readings are left.
ALTER TABLE ingest.gauge_hour ADD COLUMN first_at timestamptz, ADD COLUMN area numeric, ADD COLUMN longest interval;
UPDATE ingest.gauge_hour AS h SET first_at = s.first_at, area = s.area, longest = s.longest
FROM ingest.gauge_hour AS g CROSS JOIN LATERAL (
    SELECT count(*) AS readings, min(x.at) AS first_at,
        coalesce(sum(x.value::numeric * (extract(epoch FROM x.next_at - x.at) * 1000000)::bigint), 0) AS area,
        coalesce(max(x.next_at - x.at), interval '0') AS longest
    FROM (
        SELECT r.at, r.value, lead(r.at) OVER (ORDER BY r.at) AS next_at
        FROM ingest.effective(g.register, g.hour, g.hour + interval '1 hour', g.known) AS r
    ) AS x
) AS s
WHERE h.register = g.register AND h.hour = g.hour AND h.known = g.known AND s.readings = g.readings;

-- Stretches [since, before) in pieces: whole hours as roll-ups know them, parts of hours and what they do not know from
-- readings. Between first_at and last_at a piece held `area` over `held` microseconds, each reading until the next and no
-- longer than the silence allowed (NULL: any; silences: of each bound, which count from 0). area NULL: it is not known.
-- All lie in [first, last), which leave out chunks.
CREATE FUNCTION ingest.held(bounds int[], registers int[], sinces timestamptz[], befores timestamptz[],
    silences interval[], first timestamptz, last timestamptz, newest bigint)
RETURNS TABLE (bound int, first_at timestamptz, last_at timestamptz, last_value bigint, area numeric, held bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET timescaledb.enable_runtime_exclusion = off AS $$
#variable_conflict use_column
DECLARE
    late_registers int[];
    late_hours timestamptz[];
BEGIN
    SELECT array_agg(l.register), array_agg(l.hour) INTO late_registers, late_hours
    FROM ingest.late_hours(held.first, held.last, newest) AS l WHERE l.register = ANY (registers);
    RETURN QUERY WITH e AS MATERIALIZED (
        SELECT e.bound, e.register, e.since, e.before, silences[e.bound + 1] AS silence, p.known,
            date_bin('1 hour', e.since + interval '59 minutes 59.999999 seconds', '2000-01-01 00:00+00') AS low,
            least(date_bin('1 hour', e.before, '2000-01-01 00:00+00'), p.closed_to) AS high
        FROM unnest(bounds, registers, sinces, befores) AS e (bound, register, since, before)
        JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2
        WHERE e.since < e.before
    ), late AS MATERIALIZED (
        SELECT * FROM unnest(late_registers, late_hours) AS l (register, hour)
    ), whole AS MATERIALIZED (
        SELECT e.bound, e.silence, h.* FROM e
        JOIN ingest.gauge_hour AS h ON h.register = e.register AND h.hour >= e.low AND h.hour < e.high
            AND h.hour >= held.first - interval '1 hour' AND h.hour < held.last
            AND h.known <= e.known AND (h.superseded IS NULL OR h.superseded > e.known)
        WHERE NOT EXISTS (SELECT FROM late AS l WHERE l.register = h.register AND l.hour = h.hour)
    ), zone AS (
        SELECT e.bound, e.register, e.silence, e.since AS low,
            CASE WHEN e.low < e.high THEN e.low ELSE e.before END AS high FROM e
        UNION ALL
        SELECT e.bound, e.register, e.silence, e.high, e.before FROM e WHERE e.low < e.high
        UNION ALL
        SELECT e.bound, e.register, e.silence, l.hour, l.hour + interval '1 hour'
        FROM e JOIN late AS l ON l.register = e.register AND l.hour >= e.low AND l.hour < e.high
        UNION ALL
        SELECT w.bound, w.register, w.silence, w.hour, w.hour + interval '1 hour'
        FROM whole AS w WHERE w.longest > w.silence
    )
    SELECT w.bound, coalesce(w.first_at, w.last_at), w.last_at, w.last_value, w.area,
        (extract(epoch FROM w.last_at - w.first_at) * 1000000)::bigint
    FROM whole AS w WHERE (w.longest > w.silence) IS NOT TRUE
    UNION ALL
    SELECT z.bound, r.first_at, r.last_at, r.last_value, r.area, r.held
    FROM zone AS z CROSS JOIN LATERAL (
        SELECT min(s.at) AS first_at, max(s.at) AS last_at, public.last(s.value, s.at) AS last_value,
            coalesce(sum(s.value::numeric * s.took), 0) AS area, coalesce(sum(s.took), 0)::bigint AS held
        FROM (
            SELECT x.at, x.value, CASE WHEN x.next_at IS NOT NULL
                THEN (extract(epoch FROM least(x.next_at - x.at, z.silence)) * 1000000)::bigint END AS took
            FROM (
                SELECT v.at, v.value, lead(v.at) OVER (ORDER BY v.at) AS next_at
                FROM ingest.effective(z.register, z.low, z.high, newest) AS v
                WHERE v.at >= held.first AND v.at < held.last
            ) AS x
        ) AS s
    ) AS r WHERE r.first_at IS NOT NULL;
END $$;

-- The last reading before instants, in [low, high), while a device serves its asset.
CREATE FUNCTION ingest.shown_before(bounds int[], registers int[], sinces timestamptz[], instants timestamptz[],
    low timestamptz, high timestamptz, newest bigint)
RETURNS TABLE (bound int, at timestamptz, value bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET timescaledb.enable_runtime_exclusion = off AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT e.bound, r.at, r.value
    FROM unnest(bounds, registers, sinces, instants) AS e (bound, register, since, instant)
    CROSS JOIN LATERAL ingest.last_reading(
        e.register, e.since, e.instant, shown_before.low, shown_before.high, newest) AS r;
END $$;

-- The same for the API: cut to the times in which a register served an asset that the party's contracts cover. Whoever
-- may know what it showed at an instant may know the level that holds then.
GRANT CREATE ON SCHEMA visible TO yardstick_visible;
CREATE FUNCTION visible.held(bounds int[], registers int[], sinces timestamptz[], befores timestamptz[],
    silences interval[], first timestamptz, last timestamptz, newest bigint)
RETURNS TABLE (bound int, first_at timestamptz, last_at timestamptz, last_value bigint, area numeric, held bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT h.* FROM visible.shown(bounds, registers, sinces, befores) AS s
    CROSS JOIN LATERAL ingest.held(s.bounds, s.registers, s.sinces, s.befores, silences, first, last, newest) AS h
$$;
CREATE FUNCTION visible.shown_before(bounds int[], registers int[], sinces timestamptz[], instants timestamptz[],
    low timestamptz, high timestamptz, newest bigint)
RETURNS TABLE (bound int, at timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT b.bound, b.at, b.value
    FROM ingest.shown_before(bounds, registers, sinces, instants, low, high, newest) AS b
    JOIN unnest(bounds, registers, instants) AS e (bound, register, instant) ON e.bound = b.bound
    WHERE visible.knows(e.register, e.instant)
$$;
-- What gauges showed over stretches that the party's contracts cover from end to end, while the device serves. The level
-- that holds when one begins may rest on readings before it, which come with it.
CREATE FUNCTION visible.gauge_shown(bounds int[], registers int[], firsts timestamptz[], lasts timestamptz[],
    starts timestamptz[], ends timestamptz[], noises bigint[], refills bigint[], newest bigint)
RETURNS TABLE (bound int, at timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT s.bound, s.at, s.value
    FROM (
        SELECT array_agg(e.bound) AS bounds, array_agg(e.register) AS registers, array_agg(e.first) AS firsts,
            array_agg(e.last) AS lasts, array_agg(e."start") AS starts, array_agg(e."end") AS ends,
            array_agg(e.noise) AS noises, array_agg(e.refill) AS refills
        FROM unnest(bounds, registers, firsts, lasts, starts, ends, noises, refills)
            AS e (bound, register, first, last, "start", "end", noise, refill)
        WHERE e.first <= e."end" AND e."start" < e.last AND (visible.operates() OR (
            SELECT range_agg(b.during * p.during) @> tstzrange(greatest(e.first, e."start"), least(e.last, e."end"))
            FROM ingest.register AS g
            JOIN ingest.binding AS b ON b.device = g.device AND b.superseded IS NULL
            JOIN contracts.party_asset AS p ON p.asset = b.asset AND p.party = visible.party()
            WHERE g.id = e.register))
    ) AS a
    CROSS JOIN LATERAL ingest.shown(
        a.bounds, a.registers, a.firsts, a.lasts, a.starts, a.ends, a.noises, a.refills, newest) AS s
$$;
DO $$
DECLARE made regprocedure;
BEGIN
    FOR made IN SELECT oid FROM pg_proc
        WHERE pronamespace = 'visible'::regnamespace AND proname IN ('held', 'shown_before', 'gauge_shown') LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO yardstick_visible', made);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO yardstick_api', made);
    END LOOP;
END $$;
REVOKE CREATE ON SCHEMA visible FROM yardstick_visible;
