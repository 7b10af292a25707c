-- Whoever reads a hypertable over a stretch of time does so in a function that plans each statement for that stretch, as
-- constants (plan_cache_mode), so that it opens the chunks of the stretch and no others. A plan that a session keeps for
-- any stretch opens and locks every chunk there is, and costs more with each week of history. These functions plan when
-- they run, so their plans know every chunk that their snapshot shows. low, high and the like bound what a statement
-- looks at as a whole; leaving chunks out again for each row would cost more than the look-up.

-- The earliest reading that a commit staged; NULL: nobody says, see ingest.known_from.
ALTER TABLE ingest.batch ADD COLUMN first_at timestamptz;

-- No reading and no correction that became known after `since` and by `newest` is of a time before this; -infinity where
-- nobody says: only commits of readings do, and among too many numbers nobody looks.
CREATE FUNCTION ingest.known_from(since bigint, newest bigint) RETURNS timestamptz LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN newest - since > 10000 THEN '-infinity' ELSE (
        SELECT CASE WHEN count(*) < newest - since OR bool_or(b.stored > 0 AND b.first_at IS NULL) THEN '-infinity'
            ELSE coalesce(min(b.first_at) FILTER (WHERE b.stored > 0), 'infinity') END
        FROM ingest.batch AS b WHERE b.known > since AND b.known <= newest
    ) END
$$;

-- Rolled-up hours of [low, high) of which something was known at `newest` that the roll-up of then did not know.
CREATE OR REPLACE FUNCTION ingest.late_hours(low timestamptz, high timestamptz, newest bigint)
RETURNS TABLE (register int, hour timestamptz) LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
DECLARE
    since bigint;
    start timestamptz;
    edge timestamptz;
BEGIN
    SELECT min(p.known), least(max(p.closed_to), late_hours.high) INTO since, edge FROM ingest.rolled(newest) AS p;
    IF since >= newest OR edge <= late_hours.low THEN
        RETURN;
    END IF;
    start := greatest(late_hours.low, ingest.known_from(since, newest));
    IF edge <= start THEN
        RETURN;
    END IF;
    RETURN QUERY SELECT f.register, date_bin('1 hour', f.at, '2000-01-01 00:00+00')
    FROM (
        SELECT r.register, r.at, r.known FROM ingest.reading AS r
        WHERE r.known > since AND r.known <= newest AND r.at >= start AND r.at < edge
        UNION ALL
        SELECT k.register, k.at, k.known FROM ingest.kept_reading AS k
        WHERE k.known > since AND k.known <= newest AND k.at >= start AND k.at < edge
        UNION ALL
        SELECT o.register, o.at, o.known FROM ingest.reading_override AS o
        WHERE o.known > since AND o.known <= newest AND o.at >= start AND o.at < edge
    ) AS f JOIN ingest.rolled(newest) AS p ON p.share = f.register % 2 AND f.known > p.known AND f.at < p.closed_to
    GROUP BY 1, 2;
END $$;

-- As before. Where the stretch on one side of the instants is empty, that side is not looked at.
CREATE OR REPLACE FUNCTION ingest.near(edges int[], registers int[], starts timestamptz[], ends timestamptz[],
    instants timestamptz[], low timestamptz, first timestamptz, last timestamptz, high timestamptz, newest bigint)
RETURNS TABLE (edge int, at_before timestamptz, before bigint, at_after timestamptz, after bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET timescaledb.enable_runtime_exclusion = off AS $$
#variable_conflict use_column
BEGIN
    IF near.first >= near.high THEN
        RETURN QUERY SELECT e.edge, b.at, b.value, NULL::timestamptz, NULL::bigint
        FROM unnest(edges, registers, starts, ends, instants) AS e (edge, register, "start", "end", at)
        LEFT JOIN LATERAL ingest.last_reading(e.register, e."start", least(e.at + interval '1 microsecond', e."end"),
            near.low, near.last, newest) AS b ON true;
    ELSIF near.low >= near.last THEN
        RETURN QUERY SELECT e.edge, NULL::timestamptz, NULL::bigint, a.at, a.value
        FROM unnest(edges, registers, starts, ends, instants) AS e (edge, register, "start", "end", at)
        LEFT JOIN LATERAL ingest.first_reading(
            e.register, greatest(e.at, e."start"), e."end", near.first, near.high, newest) AS a ON true;
    ELSE
        RETURN QUERY SELECT e.edge, b.at, b.value, a.at, a.value
        FROM unnest(edges, registers, starts, ends, instants) AS e (edge, register, "start", "end", at)
        LEFT JOIN LATERAL ingest.last_reading(e.register, e."start", least(e.at + interval '1 microsecond', e."end"),
            near.low, near.last, newest) AS b ON true
        LEFT JOIN LATERAL ingest.first_reading(e.register,
            CASE WHEN b.at = e.at THEN e."end" ELSE greatest(e.at, e."start") END, e."end", near.first, near.high, newest)
            AS a ON true;
    END IF;
END $$;

-- As before; step by step, so that readings are planned for only where there is something to look at.
CREATE OR REPLACE FUNCTION ingest.turning(
    bounds int[], registers int[], firsts timestamptz[], lasts timestamptz[], max_rates numeric[], glitches interval[],
    low timestamptz, high timestamptz, newest bigint)
RETURNS TABLE (bound int, at_before timestamptz, before bigint, at timestamptz, value bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET timescaledb.enable_runtime_exclusion = off AS $$
#variable_conflict use_column
DECLARE
    late_registers int[];
    late_hours timestamptz[];
    zoned int[];
    zone_lows timestamptz[];
    zone_highs timestamptz[];
    zoned_late int[];
    late_lows timestamptz[];
    late_highs timestamptz[];
    zone_low timestamptz;
    zone_high timestamptz;
BEGIN
    -- Hours that are steep, and what no roll-up knows yet.
    SELECT array_agg(z.bound), array_agg(z.low), array_agg(z.high) INTO zoned, zone_lows, zone_highs
    FROM (
        WITH e AS MATERIALIZED (
            SELECT e.*, p.known, p.closed_to,
                coalesce(least(floor(e.max_rate), 9223372036854775805)::bigint, 9223372036854775806) AS whole_rate
            FROM unnest(bounds, registers, firsts, lasts, max_rates) AS e (bound, register, first, last, max_rate)
            JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2
        )
        SELECT e.bound, greatest(h.hour, e.first) AS low,
            least(h.hour + interval '1 hour', e.last + interval '1 microsecond') AS high
        FROM e JOIN ingest.usage_hour AS h ON h.register = e.register AND h.fastest > e.whole_rate
            AND h.hour > e.first - interval '1 hour' AND h.hour <= e.last AND h.hour < e.closed_to
            AND h.hour > turning.low - interval '1 hour' AND h.hour < turning.high
            AND h.known + 0 <= e.known AND (h.superseded IS NULL OR h.superseded > e.known)
        UNION ALL
        SELECT e.bound, greatest(e.closed_to, e.first), e.last + interval '1 microsecond'
        FROM e WHERE e.last >= e.closed_to
    ) AS z;
    -- Hours that became known late, up to the reading after each.
    SELECT array_agg(l.register), array_agg(l.hour) INTO late_registers, late_hours
    FROM ingest.late_hours(turning.low, turning.high, newest) AS l WHERE l.register = ANY (registers);
    IF late_hours IS NOT NULL THEN
        SELECT array_agg(e.bound), array_agg(greatest(l.hour, e.first)),
            array_agg(least(coalesce(n.at, e.last), e.last) + interval '1 microsecond')
        INTO zoned_late, late_lows, late_highs
        FROM unnest(bounds, registers, firsts, lasts) AS e (bound, register, first, last)
        JOIN unnest(late_registers, late_hours) AS l (register, hour)
            ON l.register = e.register AND l.hour <= e.last AND l.hour > e.first - interval '1 hour'
        LEFT JOIN LATERAL ingest.first_reading(e.register, l.hour + interval '1 hour',
            e.last + interval '1 microsecond', turning.low, turning.high, newest) AS n ON true;
        zoned := zoned || zoned_late;
        zone_lows := zone_lows || late_lows;
        zone_highs := zone_highs || late_highs;
    END IF;
    IF zoned IS NULL THEN
        RETURN;
    END IF;
    SELECT min(z.low), max(z.high) INTO zone_low, zone_high FROM unnest(zone_lows, zone_highs) AS z (low, high);
    zone_low := greatest(zone_low, turning.low);
    zone_high := least(zone_high, turning.high);
    RETURN QUERY WITH turn AS MATERIALIZED (
        SELECT e.bound, e.register, e.last, e.glitch, p.at_before, p.before, p.at, p.value
        FROM unnest(zoned, zone_lows, zone_highs) AS z (bound, low, high)
        JOIN unnest(bounds, registers, firsts, lasts, max_rates, glitches)
            AS e (bound, register, first, last, max_rate, glitch) ON e.bound = z.bound
        LEFT JOIN LATERAL ingest.last_reading(e.register, e.first, z.low, turning.low, zone_high, newest) AS b ON true
        CROSS JOIN LATERAL (
            SELECT r.at, r.value, lag(r.at, 1, b.at) OVER (ORDER BY r.at) AS at_before,
                lag(r.value, 1, b.value) OVER (ORDER BY r.at) AS before
            FROM ingest.effective(e.register, z.low, z.high, newest) AS r
            WHERE r.at >= zone_low AND r.at < zone_high
        ) AS p
        WHERE p.value < p.before
            OR (p.value::numeric - p.before) * 3600 > e.max_rate * extract(epoch FROM p.at - p.at_before)
    )
    SELECT t.bound, t.at_before, t.before, t.at, t.value FROM turn AS t
    UNION ALL
    SELECT t.bound, t.at, t.value, r.at, r.value
    FROM turn AS t CROSS JOIN LATERAL ingest.effective(
        t.register, t.at, least(t.at + t.glitch, t.last) + interval '1 microsecond', newest) AS r
    WHERE t.glitch IS NOT NULL AND t.value < t.before AND r.at > t.at AND r.at >= zone_low AND r.at < turning.high;
END $$;

CREATE OR REPLACE FUNCTION ingest.said(
    bounds int[], registers int[], sinces timestamptz[], befores timestamptz[], gaps interval[], first timestamptz,
    last timestamptz, newest bigint)
RETURNS TABLE (bound int, at timestamptz, heard timestamptz, value bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET timescaledb.enable_runtime_exclusion = off AS $$
#variable_conflict use_column
DECLARE
    late_registers int[];
    late_hours timestamptz[];
BEGIN
    SELECT array_agg(l.register), array_agg(l.hour) INTO late_registers, late_hours
    FROM ingest.late_hours(said.first, said.last, newest) AS l WHERE l.register = ANY (registers);
    RETURN QUERY WITH e AS MATERIALIZED (
        SELECT e.bound, e.register, e.since, e.before, e.gap, p.known,
            date_bin('1 hour', e.since + interval '59 minutes 59.999999 seconds', '2000-01-01 00:00+00') AS low,
            least(date_bin('1 hour', e.before, '2000-01-01 00:00+00'), p.closed_to) AS high
        FROM unnest(bounds, registers, sinces, befores, gaps) AS e (bound, register, since, before, gap)
        JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2
        WHERE e.since < e.before
    ), late AS MATERIALIZED (
        SELECT * FROM unnest(late_registers, late_hours) AS l (register, hour)
    ), whole AS MATERIALIZED (
        SELECT e.bound, e.register, e.gap, s.starts_at, s.ends_at, s.value, s.longest
        FROM e JOIN ingest.state_span AS s ON s.register = e.register AND s.hour >= e.low AND s.hour < e.high
            AND s.hour >= said.first AND s.hour < said.last
            AND s.known <= e.known AND (s.superseded IS NULL OR s.superseded > e.known)
        WHERE NOT EXISTS (SELECT FROM late AS l WHERE l.register = s.register AND l.hour = s.hour)
    ), zone AS (
        SELECT e.bound, e.register, e.since AS low, CASE WHEN e.low < e.high THEN e.low ELSE e.before END AS high FROM e
        UNION ALL
        SELECT e.bound, e.register, e.high, e.before FROM e WHERE e.low < e.high
        UNION ALL
        SELECT e.bound, e.register, l.hour, l.hour + interval '1 hour'
        FROM e JOIN late AS l ON l.register = e.register AND l.hour >= e.low AND l.hour < e.high
        UNION ALL
        SELECT w.bound, w.register, w.starts_at, w.ends_at + interval '1 microsecond' FROM whole AS w WHERE w.longest > w.gap
    )
    SELECT w.bound, w.starts_at, w.ends_at, w.value FROM whole AS w WHERE w.longest <= w.gap
    UNION ALL
    SELECT z.bound, r.at, r.at, r.value
    FROM zone AS z CROSS JOIN LATERAL ingest.effective(z.register, z.low, z.high, newest) AS r
    WHERE r.at >= said.first AND r.at < said.last;
END $$;

CREATE OR REPLACE FUNCTION ingest.hours(bounds int[], registers int[], sinces timestamptz[], befores timestamptz[],
    first timestamptz, last timestamptz, newest bigint)
RETURNS TABLE (bound int, at timestamptz, value bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET timescaledb.enable_runtime_exclusion = off AS $$
#variable_conflict use_column
DECLARE
    late_registers int[];
    late_hours timestamptz[];
BEGIN
    SELECT array_agg(l.register), array_agg(l.hour) INTO late_registers, late_hours
    FROM ingest.late_hours(hours.first, hours.last, newest) AS l WHERE l.register = ANY (registers);
    RETURN QUERY WITH e AS MATERIALIZED (
        SELECT e.bound, e.register, e.since, e.before, p.known,
            date_bin('1 hour', e.since + interval '59 minutes 59.999999 seconds', '2000-01-01 00:00+00') AS low,
            least(date_bin('1 hour', e.before, '2000-01-01 00:00+00'), p.closed_to) AS high
        FROM unnest(bounds, registers, sinces, befores) AS e (bound, register, since, before)
        JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2
        WHERE e.since < e.before
    ), late AS MATERIALIZED (
        SELECT * FROM unnest(late_registers, late_hours) AS l (register, hour)
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
            AND h.hour >= hours.first - interval '1 hour' AND h.hour < hours.last
            AND h.known <= e.known AND (h.superseded IS NULL OR h.superseded > e.known)
        WHERE NOT EXISTS (SELECT FROM late AS l WHERE l.register = h.register AND l.hour = h.hour)
        UNION ALL
        SELECT z.bound, r.first_at, r.first_value, r.last_at, r.last_value
        FROM zone AS z CROSS JOIN LATERAL (
            SELECT min(x.at) AS first_at, public.first(x.value, x.at) AS first_value, max(x.at) AS last_at,
                public.last(x.value, x.at) AS last_value
            FROM ingest.effective(z.register, z.low, z.high, newest) AS x
            WHERE x.at >= hours.first AND x.at < hours.last GROUP BY date_bin('1 hour', x.at, '2000-01-01 00:00+00')
        ) AS r
    )
    SELECT s.bound, v.at, v.value
    FROM seen AS s CROSS JOIN LATERAL (VALUES (s.first_at, s.first_value), (s.last_at, s.last_value)) AS v (at, value)
    WHERE v.at IS NOT NULL AND (v.at = s.first_at OR s.last_at > s.first_at);
END $$;

CREATE OR REPLACE FUNCTION ingest.levels(bounds int[], registers int[], sinces timestamptz[], befores timestamptz[],
    first timestamptz, last timestamptz, newest bigint)
RETURNS TABLE (bound int, readings bigint, lowest bigint, highest bigint, last_at timestamptz, last_value bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET timescaledb.enable_runtime_exclusion = off AS $$
#variable_conflict use_column
DECLARE
    late_registers int[];
    late_hours timestamptz[];
BEGIN
    SELECT array_agg(l.register), array_agg(l.hour) INTO late_registers, late_hours
    FROM ingest.late_hours(levels.first, levels.last, newest) AS l WHERE l.register = ANY (registers);
    RETURN QUERY WITH e AS MATERIALIZED (
        SELECT e.bound, e.register, e.since, e.before, p.known,
            date_bin('1 hour', e.since + interval '59 minutes 59.999999 seconds', '2000-01-01 00:00+00') AS low,
            least(date_bin('1 hour', e.before, '2000-01-01 00:00+00'), p.closed_to) AS high
        FROM unnest(bounds, registers, sinces, befores) AS e (bound, register, since, before)
        JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2
        WHERE e.since < e.before
    ), late AS MATERIALIZED (
        SELECT * FROM unnest(late_registers, late_hours) AS l (register, hour)
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
            AND h.hour >= levels.first - interval '1 hour' AND h.hour < levels.last
            AND h.known <= e.known AND (h.superseded IS NULL OR h.superseded > e.known)
        WHERE NOT EXISTS (SELECT FROM late AS l WHERE l.register = h.register AND l.hour = h.hour)
        UNION ALL
        SELECT z.bound, r.readings, r.lowest, r.highest, r.last_at, r.last_value
        FROM zone AS z CROSS JOIN LATERAL (
            SELECT count(*) AS readings, min(x.value) AS lowest, max(x.value) AS highest, max(x.at) AS last_at,
                public.last(x.value, x.at) AS last_value
            FROM ingest.effective(z.register, z.low, z.high, newest) AS x
            WHERE x.at >= levels.first AND x.at < levels.last
        ) AS r WHERE r.readings > 0
    )
    SELECT s.bound, sum(s.readings)::bigint, min(s.lowest), max(s.highest), max(s.last_at),
        public.last(s.last_value, s.last_at)
    FROM seen AS s GROUP BY s.bound;
END $$;

-- As before; edges and late facts are looked at only where there are any.
CREATE OR REPLACE FUNCTION ingest.suspect(registers int[], max_rates numeric[], edges timestamptz[], since timestamptz,
    newest bigint)
RETURNS SETOF int LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    fresh timestamptz;
    first_edge timestamptz;
BEGIN
    SELECT min(closed_to) - interval '2 hours' INTO fresh FROM ingest.rolled(newest);
    RETURN QUERY WITH e AS MATERIALIZED (
        SELECT e.register, e.max_rate, p.known, p.closed_to,
            coalesce(least(floor(e.max_rate), 9223372036854775805)::bigint, 9223372036854775806) AS whole_rate
        FROM unnest(registers, max_rates) AS e (register, max_rate)
        JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2
    )
    SELECT e.register FROM e WHERE EXISTS (
        SELECT FROM ingest.usage_hour AS h
        WHERE h.register = e.register AND h.fastest > e.whole_rate
            AND h.hour > suspect.since - interval '1 hour'
            AND h.known + 0 <= e.known AND (h.superseded IS NULL OR h.superseded > e.known))
    UNION
    SELECT l.register FROM ingest.late_hours('2000-01-01', '2100-01-01', newest) AS l WHERE l.register = ANY (registers)
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
            AND (p.value::numeric - p.before) * 3600 > x.max_rate * extract(epoch FROM p.at - p.at_before));
    SELECT min(edge) INTO first_edge FROM unnest(edges) AS edge;
    IF first_edge IS NULL THEN
        RETURN;
    END IF;
    RETURN QUERY WITH e AS MATERIALIZED (
        SELECT e.register, e.edge, p.known
        FROM unnest(registers, edges) AS e (register, edge)
        JOIN ingest.rolled(newest) AS p ON p.share = e.register % 2 WHERE e.edge IS NOT NULL
    )
    SELECT DISTINCT e.register FROM e WHERE NOT EXISTS (
        SELECT FROM ingest.usage_hour AS h
        WHERE h.register = e.register AND h.hour >= e.edge AND h.hour <= suspect.since - interval '1 hour'
            AND h.hour >= first_edge AND h.known <= e.known AND (h.superseded IS NULL OR h.superseded > e.known));
END $$;

-- The last reading before `start` and the first from `end` on, within 35 days; NULL at an edge: nothing is asked there.
CREATE FUNCTION ingest.outside(bounds int[], registers int[], starts timestamptz[], ends timestamptz[], newest bigint)
RETURNS TABLE (bound int, at timestamptz, value bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET timescaledb.enable_runtime_exclusion = off AS $$
#variable_conflict use_column
DECLARE
    first_start timestamptz;
    last_start timestamptz;
    first_end timestamptz;
    last_end timestamptz;
BEGIN
    SELECT min(e."start") - interval '35 days', max(e."start"), min(e."end"), max(e."end") + interval '35 days'
    INTO first_start, last_start, first_end, last_end FROM unnest(starts, ends) AS e ("start", "end");
    IF last_start IS NOT NULL THEN
        RETURN QUERY SELECT e.bound, p.at, p.value FROM unnest(bounds, registers, starts) AS e (bound, register, "start")
        CROSS JOIN LATERAL ingest.last_reading(
            e.register, e."start" - interval '35 days', e."start", first_start, last_start, newest) AS p;
    END IF;
    IF last_end IS NOT NULL THEN
        RETURN QUERY SELECT e.bound, p.at, p.value FROM unnest(bounds, registers, ends) AS e (bound, register, "end")
        CROSS JOIN LATERAL ingest.first_reading(
            e.register, e."end", e."end" + interval '35 days', first_end, last_end, newest) AS p;
    END IF;
END $$;
-- As ingest.outside, of edges at which the party knows what the register showed.
CREATE OR REPLACE FUNCTION visible.counter_outside(bounds int[], registers int[], starts timestamptz[], ends timestamptz[],
    newest bigint)
RETURNS TABLE (bound int, at timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT o.bound, o.at, o.value
    FROM (
        SELECT array_agg(e.bound) AS bounds, array_agg(e.register) AS registers,
            array_agg(CASE WHEN visible.knows(e.register, e."start") THEN e."start" END) AS starts,
            array_agg(CASE WHEN visible.knows(e.register, e."end") THEN e."end" END) AS ends
        FROM unnest(bounds, registers, starts, ends) AS e (bound, register, "start", "end")
    ) AS a CROSS JOIN LATERAL ingest.outside(a.bounds, a.registers, a.starts, a.ends, newest) AS o
$$;

CREATE OR REPLACE FUNCTION visible.readings(asset_id int, path text, since timestamptz, before timestamptz, most int)
RETURNS TABLE (at timestamptz, value bigint, received_at timestamptz, raw text, device text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT r.at, r.value, r.received_at, r.raw, d.name
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
        WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND r.register = g.id
            AND r.at >= readings.since AND r.at < readings.before
            AND r.at >= lower(b.during) AND (upper_inf(b.during) OR r.at < upper(b.during))
        ORDER BY r.at LIMIT most
    ) AS r ON true
    WHERE b.asset = asset_id AND b.superseded IS NULL AND b.position || '/' || g.name = readings.path
        AND (visible.operates() OR EXISTS (
            SELECT FROM contracts.party_asset AS p
            WHERE p.party = visible.party() AND p.asset = asset_id AND r.at <@ p.during))
    ORDER BY r.at LIMIT most;
END $$;

-- How complete readings are over [start, end): how many came, the first and last with one on either side, between
-- `first` and `last`, and silences. The one on either side is looked for nearby, then further away, then everywhere.
DROP FUNCTION visible.heard(int, timestamptz, timestamptz, timestamptz, timestamptz, interval, bigint);
DROP FUNCTION ingest.heard(int, timestamptz, timestamptz, timestamptz, timestamptz, interval, bigint);
CREATE FUNCTION ingest.heard(ns int[], registers int[], starts timestamptz[], ends timestamptz[], firsts timestamptz[],
    lasts timestamptz[], silences interval[], newest bigint)
RETURNS TABLE (n int, received bigint, first_at timestamptz, last_at timestamptz, froms timestamptz[], tos timestamptz[])
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET timescaledb.enable_runtime_exclusion = off AS $$
#variable_conflict use_column
DECLARE
    first_start timestamptz;
    last_start timestamptz;
    first_end timestamptz;
    last_end timestamptz;
    low timestamptz;
    high timestamptz;
    reach interval;
    missing int[];
    answered int[];
    ats timestamptz[];
    outside int[] := '{}';
    outside_ats timestamptz[] := '{}';
BEGIN
    SELECT min(e."start"), max(e."start"), min(e."end"), max(e."end")
    INTO first_start, last_start, first_end, last_end FROM unnest(starts, ends) AS e ("start", "end");
    missing := ns;
    FOREACH reach IN ARRAY ARRAY[interval '14 days', interval '112 days', interval '36525 days'] LOOP
        low := first_start - reach;
        SELECT array_agg(u.n) FILTER (WHERE r.at IS NOT NULL), array_agg(r.at) FILTER (WHERE r.at IS NOT NULL),
            array_agg(u.n) FILTER (WHERE r.at IS NULL AND u."start" - reach > u.first)
        INTO answered, ats, missing
        FROM unnest(ns, registers, starts, firsts) AS u (n, register, "start", first)
        LEFT JOIN LATERAL (
            SELECT r.at FROM ingest.reading AS r
            WHERE r.register = u.register AND r.at >= u.first AND r.at < u."start" AND r.at >= low AND r.at < last_start
                AND r.known <= newest
            ORDER BY r.at DESC LIMIT 1
        ) AS r ON true
        WHERE u.n = ANY (missing);
        outside := outside || answered;
        outside_ats := outside_ats || ats;
        EXIT WHEN missing IS NULL;
    END LOOP;
    missing := ns;
    FOREACH reach IN ARRAY ARRAY[interval '14 days', interval '112 days', interval '36525 days'] LOOP
        high := last_end + reach;
        SELECT array_agg(u.n) FILTER (WHERE r.at IS NOT NULL), array_agg(r.at) FILTER (WHERE r.at IS NOT NULL),
            array_agg(u.n) FILTER (WHERE r.at IS NULL AND u."end" + reach < u.last)
        INTO answered, ats, missing
        FROM unnest(ns, registers, ends, lasts) AS u (n, register, "end", last)
        LEFT JOIN LATERAL (
            SELECT r.at FROM ingest.reading AS r
            WHERE r.register = u.register AND r.at >= u."end" AND r.at < u.last AND r.at >= first_end AND r.at < high
                AND r.known <= newest
            ORDER BY r.at LIMIT 1
        ) AS r ON true
        WHERE u.n = ANY (missing);
        outside := outside || answered;
        outside_ats := outside_ats || ats;
        EXIT WHEN missing IS NULL;
    END LOOP;
    RETURN QUERY SELECT u.n, e.*
    FROM unnest(ns, registers, starts, ends, silences) AS u (n, register, "start", "end", silence)
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE s.at >= u."start" AND s.at < u."end"), min(s.at), max(s.at),
            array_agg(s.at_before ORDER BY s.at) FILTER (WHERE s.at - s.at_before > u.silence),
            array_agg(s.at ORDER BY s.at) FILTER (WHERE s.at - s.at_before > u.silence)
        FROM (
            SELECT x.at, lag(x.at) OVER (ORDER BY x.at) AS at_before
            FROM (
                SELECT o.at FROM unnest(outside, outside_ats) AS o (n, at) WHERE o.n = u.n
                UNION ALL
                SELECT r.at FROM ingest.reading AS r
                WHERE r.register = u.register AND r.at >= u."start" AND r.at < u."end"
                    AND r.at >= first_start AND r.at < last_end AND r.known <= newest
            ) AS x
        ) AS s
    ) AS e;
END $$;
-- Of registers that the party knows at both ends.
CREATE FUNCTION visible.heard(ns int[], registers int[], starts timestamptz[], ends timestamptz[], firsts timestamptz[],
    lasts timestamptz[], silences interval[], newest bigint)
RETURNS TABLE (n int, received bigint, first_at timestamptz, last_at timestamptz, froms timestamptz[], tos timestamptz[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT h.* FROM (
        SELECT array_agg(u.n) AS ns, array_agg(u.register) AS registers, array_agg(u."start") AS starts,
            array_agg(u."end") AS ends, array_agg(u.first) AS firsts, array_agg(u.last) AS lasts,
            array_agg(u.silence) AS silences
        FROM unnest(ns, registers, starts, ends, firsts, lasts, silences)
            AS u (n, register, "start", "end", first, last, silence)
        WHERE visible.knows(u.register, u."start") AND visible.knows(u.register, u."end")
    ) AS a CROSS JOIN LATERAL ingest.heard(
        a.ns, a.registers, a.starts, a.ends, a.firsts, a.lasts, a.silences, newest) AS h
$$;
DO $$
BEGIN
    GRANT CREATE ON SCHEMA visible TO yardstick_visible;
    ALTER FUNCTION visible.heard(int[], int[], timestamptz[], timestamptz[], timestamptz[], timestamptz[], interval[],
        bigint) OWNER TO yardstick_visible;
    REVOKE ALL ON FUNCTION visible.heard(int[], int[], timestamptz[], timestamptz[], timestamptz[], timestamptz[],
        interval[], bigint) FROM PUBLIC;
    GRANT EXECUTE ON FUNCTION visible.heard(int[], int[], timestamptz[], timestamptz[], timestamptz[], timestamptz[],
        interval[], bigint) TO yardstick_api;
    REVOKE CREATE ON SCHEMA visible FROM yardstick_visible;
END $$;

-- What gauges showed from `start` to `end`, both included, while their devices served, [first, last); with the last
-- reading before, which still holds at `start`. With a noise band: everything from the last step on that noise cannot
-- explain. Both are looked for nearby, then further away, then everywhere.
CREATE FUNCTION ingest.shown(bounds int[], registers int[], firsts timestamptz[], lasts timestamptz[],
    starts timestamptz[], ends timestamptz[], noises bigint[], refills bigint[], newest bigint)
RETURNS TABLE (bound int, at timestamptz, value bigint)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan SET timescaledb.enable_runtime_exclusion = off AS $$
#variable_conflict use_column
DECLARE
    low timestamptz;
    high timestamptz;
    reach interval;
    missing int[];
    stepped int[];
    steps timestamptz[];
    shown_ticks bigint[];
    anchored int[] := '{}';
    anchors timestamptz[] := '{}';
BEGIN
    -- The last reading before.
    SELECT max(least(e.last, e."start")), array_agg(e.bound) INTO high, missing
    FROM unnest(bounds, firsts, lasts, starts, noises) AS e (bound, first, last, "start", noise)
    WHERE e.noise = 0 AND e.first < e."start";
    FOREACH reach IN ARRAY ARRAY[interval '14 days', interval '112 days', interval '36525 days'] LOOP
        EXIT WHEN missing IS NULL;
        SELECT min(least(e.last, e."start")) - reach INTO low
        FROM unnest(bounds, lasts, starts) AS e (bound, last, "start") WHERE e.bound = ANY (missing);
        SELECT array_agg(e.bound) FILTER (WHERE r.at IS NOT NULL), array_agg(r.at) FILTER (WHERE r.at IS NOT NULL),
            array_agg(r.value) FILTER (WHERE r.at IS NOT NULL),
            array_agg(e.bound) FILTER (WHERE r.at IS NULL AND least(e.last, e."start") - reach > e.first)
        INTO stepped, steps, shown_ticks, missing
        FROM unnest(bounds, registers, firsts, lasts, starts) AS e (bound, register, first, last, "start")
        LEFT JOIN LATERAL ingest.last_reading(e.register, e.first, least(e.last, e."start"), low, high, newest) AS r ON true
        WHERE e.bound = ANY (missing);
        RETURN QUERY SELECT * FROM unnest(stepped, steps, shown_ticks);
    END LOOP;
    -- The last step that noise cannot explain. The first reading within reach has no step there; if it is one, and no
    -- later one is, it is found one reach further.
    SELECT max(least(e.last, e."start")), array_agg(e.bound) INTO high, missing
    FROM unnest(bounds, lasts, starts, noises) AS e (bound, last, "start", noise) WHERE e.noise > 0;
    FOREACH reach IN ARRAY ARRAY[interval '14 days', interval '112 days', interval '36525 days'] LOOP
        EXIT WHEN missing IS NULL;
        SELECT min(least(e.last, e."start")) - reach INTO low
        FROM unnest(bounds, lasts, starts) AS e (bound, last, "start") WHERE e.bound = ANY (missing);
        SELECT array_agg(e.bound) FILTER (WHERE s.at IS NOT NULL OR least(e.last, e."start") - reach <= e.first),
            array_agg(coalesce(s.at, e.first)) FILTER (
                WHERE s.at IS NOT NULL OR least(e.last, e."start") - reach <= e.first),
            array_agg(e.bound) FILTER (WHERE s.at IS NULL AND least(e.last, e."start") - reach > e.first)
        INTO stepped, steps, missing
        FROM unnest(bounds, registers, firsts, lasts, starts, noises, refills)
            AS e (bound, register, first, last, "start", noise, refill)
        CROSS JOIN LATERAL (
            SELECT max(x.at) AS at FROM (
                SELECT r.at, r.value, lag(r.value) OVER (ORDER BY r.at) AS before
                FROM ingest.effective(
                    e.register, greatest(e.first, least(e.last, e."start") - reach), least(e.last, e."start"), newest) AS r
                WHERE r.at >= low AND r.at < high
            ) AS x WHERE abs(x.value - x.before) > e.noise + greatest(e.noise, e.refill)
        ) AS s
        WHERE e.bound = ANY (missing);
        anchored := anchored || stepped;
        anchors := anchors || steps;
    END LOOP;
    SELECT min(coalesce(a.at, greatest(e.first, e."start"))), max(least(e.last, e."end" + interval '1 microsecond'))
    INTO low, high
    FROM unnest(bounds, firsts, lasts, starts, ends) AS e (bound, first, last, "start", "end")
    LEFT JOIN unnest(anchored, anchors) AS a (bound, at) ON a.bound = e.bound;
    RETURN QUERY SELECT e.bound, r.at, r.value
    FROM unnest(bounds, registers, firsts, lasts, starts, ends)
        AS e (bound, register, first, last, "start", "end")
    LEFT JOIN unnest(anchored, anchors) AS a (bound, at) ON a.bound = e.bound
    CROSS JOIN LATERAL ingest.effective(e.register, coalesce(a.at, greatest(e.first, e."start")),
        least(e.last, e."end" + interval '1 microsecond'), newest) AS r
    WHERE r.at >= low AND r.at < high;
END $$;

-- How long after they were taken the readings of [start, end) arrived, by device and by what it says of its clock.
CREATE FUNCTION ingest.skew(registers int[], "start" timestamptz, "end" timestamptz, newest bigint)
RETURNS TABLE (device text, readings bigint, shortest interval, middle interval, longest interval, status text)
LANGUAGE plpgsql STABLE SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT d.name, count(*), min(r.received_at - r.at),
        percentile_disc(0.5) WITHIN GROUP (ORDER BY r.received_at - r.at), max(r.received_at - r.at),
        coalesce(r.time_status::text, '')
    FROM ingest.register AS g
    JOIN ingest.device AS d ON d.id = g.device
    JOIN ingest.reading AS r ON r.register = g.id
    WHERE g.id = ANY (registers) AND r.at >= skew."start" AND r.at < skew."end" AND r.known <= newest
    GROUP BY d.name, r.time_status ORDER BY 1, 6;
END $$;
