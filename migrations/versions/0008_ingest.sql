-- What became known after a number is found by few blocks, also in a chunk that is still written.
DROP INDEX ingest.reading_known;
CREATE INDEX reading_known ON ingest.reading USING brin (known) WITH (pages_per_range = 32, autosummarize = on);
CREATE INDEX reading_override_known ON ingest.reading_override (known);

-- How far roll-ups have come: hours before `closed_to` hold what was known at `known`. Registers are shared out by
-- id modulo 2, so that two connections roll up beside each other. Every point is kept: reads of the past need it.
CREATE TABLE ingest.rollup_point (
    share     int NOT NULL CHECK (share IN (0, 1)),
    known     bigint NOT NULL,
    closed_to timestamptz NOT NULL,
    at        timestamptz NOT NULL,
    PRIMARY KEY (share, known)
);

-- One row for each hour (UTC) with readings. It holds from `known` until `superseded`. `fastest`: of the steps that end
-- in the hour, the steepest rise in ticks an hour, rounded up; 2^63 - 2 where that does not fit, 2^63 - 1 for a fall.
CREATE TABLE ingest.usage_hour (
    register    int NOT NULL,
    hour        timestamptz NOT NULL,
    known       bigint NOT NULL,
    superseded  bigint CHECK (superseded > known),
    readings    int NOT NULL,
    first_at    timestamptz NOT NULL,
    first_value bigint NOT NULL,
    last_at     timestamptz NOT NULL,
    last_value  bigint NOT NULL,
    fastest     bigint NOT NULL,
    PRIMARY KEY (register, known, hour)
);
SELECT create_hypertable('ingest.usage_hour', by_range('hour', interval '28 days'), create_default_indexes => false);
-- Steep hours are few. Both indexes hold the hour, this one more: it is preferred without any statistics.
CREATE INDEX usage_hour_fastest ON ingest.usage_hour (register, fastest, hour, known);

-- risen, fallen: sums of the steps that end in the hour.
CREATE TABLE ingest.gauge_hour (
    register    int NOT NULL,
    hour        timestamptz NOT NULL,
    known       bigint NOT NULL,
    superseded  bigint CHECK (superseded > known),
    readings    int NOT NULL,
    lowest      bigint NOT NULL,
    highest     bigint NOT NULL,
    last_at     timestamptz NOT NULL,
    last_value  bigint NOT NULL,
    risen       numeric NOT NULL,
    fallen      numeric NOT NULL,
    PRIMARY KEY (register, hour, known)
);
SELECT create_hypertable('ingest.gauge_hour', by_range('hour', interval '28 days'), create_default_indexes => false);

-- Readings of one value that follow each other within an hour, from the first to the last. `longest`: the longest
-- silence between two of them; whoever calls less than that unknown reads the readings.
CREATE TABLE ingest.state_span (
    register   int NOT NULL,
    hour       timestamptz NOT NULL,
    starts_at  timestamptz NOT NULL,
    ends_at    timestamptz NOT NULL,
    value      bigint NOT NULL,
    longest    interval NOT NULL,
    readings   int NOT NULL,
    known      bigint NOT NULL,
    superseded bigint CHECK (superseded > known),
    PRIMARY KEY (register, hour, starts_at, known)
);
SELECT create_hypertable('ingest.state_span', by_range('hour', interval '28 days'), create_default_indexes => false);

-- The newest point that a reader of `newest` may use, for each share; before the first one nothing is rolled up.
CREATE FUNCTION ingest.rolled(newest bigint) RETURNS TABLE (share int, known bigint, closed_to timestamptz)
LANGUAGE sql STABLE AS $$
    SELECT s.share, coalesce(p.known, 0), coalesce(p.closed_to, '2000-01-01 00:00+00')
    FROM (VALUES (0), (1)) AS s (share)
    LEFT JOIN LATERAL (
        SELECT p.known, p.closed_to FROM ingest.rollup_point AS p
        WHERE p.share = s.share AND p.known <= newest ORDER BY p.known DESC LIMIT 1
    ) AS p ON true
$$;

-- Rolled-up hours of [low, high) of which something was known at `newest` that the roll-up of then did not know.
CREATE FUNCTION ingest.late_hours(low timestamptz, high timestamptz, newest bigint)
RETURNS TABLE (register int, hour timestamptz) LANGUAGE sql STABLE AS $$
    WITH point AS MATERIALIZED (SELECT * FROM ingest.rolled(newest))
    SELECT f.register, date_bin('1 hour', f.at, '2000-01-01 00:00+00')
    FROM (
        SELECT r.register, r.at, r.known FROM ingest.reading AS r
        WHERE r.known > (SELECT min(known) FROM point) AND r.known <= newest
            AND r.at >= low AND r.at < high AND r.at < (SELECT max(closed_to) FROM point)
        UNION ALL
        SELECT o.register, o.at, o.known FROM ingest.reading_override AS o
        WHERE o.known > (SELECT min(known) FROM point) AND o.known <= newest AND o.at >= low AND o.at < high
    ) AS f JOIN point AS p ON p.share = f.register % 2 AND f.known > p.known AND f.at < p.closed_to
    GROUP BY 1, 2
$$;

-- The last reading of a register in [since, before) that stands, as known; and the first one. low, high: constants of
-- the whole statement, by which chunks are left out once; leaving them out for each row costs more than the look-up.
CREATE FUNCTION ingest.last_reading(register_id int, since timestamptz, before timestamptz, low timestamptz, high timestamptz,
    newest bigint)
RETURNS TABLE (at timestamptz, value bigint) LANGUAGE sql STABLE AS $$
    SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END
    FROM ingest.reading AS r
    LEFT JOIN LATERAL (
        SELECT v.value, true AS is_there FROM ingest.reading_override AS v
        WHERE v.register = r.register AND v.at = r.at AND v.known <= newest ORDER BY v.known DESC LIMIT 1
    ) AS o ON true
    WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND since < before
        AND r.register = register_id AND r.at >= since AND r.at < before AND r.at >= low AND r.at < high
        AND r.known <= newest
    ORDER BY r.at DESC LIMIT 1
$$;
CREATE FUNCTION ingest.first_reading(register_id int, since timestamptz, before timestamptz, low timestamptz, high timestamptz,
    newest bigint)
RETURNS TABLE (at timestamptz, value bigint) LANGUAGE sql STABLE AS $$
    SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END
    FROM ingest.reading AS r
    LEFT JOIN LATERAL (
        SELECT v.value, true AS is_there FROM ingest.reading_override AS v
        WHERE v.register = r.register AND v.at = r.at AND v.known <= newest ORDER BY v.known DESC LIMIT 1
    ) AS o ON true
    WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND since < before
        AND r.register = register_id AND r.at >= since AND r.at < before AND r.at >= low AND r.at < high
        AND r.known <= newest
    ORDER BY r.at LIMIT 1
$$;

-- Readings next to instants, on both sides, between `start` and `end` of a register's time. The arrays run in parallel;
-- `edges` only numbers them.
CREATE FUNCTION ingest.near(edges int[], registers int[], starts timestamptz[], ends timestamptz[], instants timestamptz[],
    low timestamptz, high timestamptz, newest bigint)
RETURNS TABLE (edge int, at timestamptz, value bigint) LANGUAGE sql STABLE AS $$
    SELECT e.edge, p.at, p.value
    FROM unnest(edges, registers, starts, ends, instants) AS e (edge, register, "start", "end", at)
    CROSS JOIN LATERAL (
        SELECT * FROM ingest.last_reading(
            e.register, e."start", least(e.at + interval '1 microsecond', e."end"), low, high, newest)
        UNION ALL
        SELECT * FROM ingest.first_reading(e.register, greatest(e.at, e."start"), e."end", low, high, newest)
    ) AS p
$$;

-- Both sides of each fall, and of each rise above a rate (ticks an hour), between readings from `first` to `last`.
-- Roll-ups say in which hours to look; what they do not know yet is looked at in full; readings alone say what was.
-- known + 0: keeps the primary key out, which the planner else takes for as good as the index of the steep hours.
-- glitches: also every reading within so long after a fall; NULL: none. All lie in [low, high).
CREATE FUNCTION ingest.turning(
    bounds int[], registers int[], firsts timestamptz[], lasts timestamptz[], max_rates numeric[], glitches interval[],
    low timestamptz, high timestamptz, newest bigint)
RETURNS TABLE (bound int, at_before timestamptz, before bigint, at timestamptz, value bigint)
LANGUAGE sql STABLE AS $$
    WITH point AS MATERIALIZED (SELECT * FROM ingest.rolled(newest)),
    e AS MATERIALIZED (
        SELECT e.*, p.known, p.closed_to, least(floor(e.max_rate), 9223372036854775805)::bigint AS whole_rate
        FROM unnest(bounds, registers, firsts, lasts, max_rates, glitches)
            AS e (bound, register, first, last, max_rate, glitch)
        JOIN point AS p ON p.share = e.register % 2
    ), late AS MATERIALIZED (
        SELECT * FROM ingest.late_hours(turning.low, turning.high, newest)
    ), zone AS (
        SELECT e.bound, greatest(h.hour, e.first) AS low,
            least(h.hour + interval '1 hour', e.last + interval '1 microsecond') AS high
        FROM e JOIN ingest.usage_hour AS h ON h.register = e.register
            AND h.fastest > coalesce(e.whole_rate, 9223372036854775806)
            AND h.hour > e.first - interval '1 hour' AND h.hour <= e.last AND h.hour < e.closed_to
            AND h.hour > turning.low - interval '1 hour' AND h.hour < turning.high
            AND h.known + 0 <= e.known AND (h.superseded IS NULL OR h.superseded > e.known)
        UNION ALL
        SELECT e.bound, greatest(e.closed_to, e.first), e.last + interval '1 microsecond'
        FROM e WHERE e.last >= e.closed_to
        UNION ALL
        SELECT e.bound, greatest(l.hour, e.first),
            least(coalesce(n.at, e.last), e.last) + interval '1 microsecond'
        FROM e JOIN late AS l ON l.register = e.register AND l.hour <= e.last AND l.hour > e.first - interval '1 hour'
        LEFT JOIN LATERAL ingest.first_reading(
            e.register, l.hour + interval '1 hour', e.last + interval '1 microsecond', turning.low, turning.high, newest)
            AS n ON true
    ), turn AS MATERIALIZED (
        SELECT e.bound, e.register, e.last, e.glitch, p.at_before, p.before, p.at, p.value
        FROM zone AS z JOIN e ON e.bound = z.bound
        LEFT JOIN LATERAL ingest.last_reading(e.register, e.first, z.low, turning.low, turning.high, newest) AS b ON true
        CROSS JOIN LATERAL (
            SELECT r.at, r.value, lag(r.at, 1, b.at) OVER (ORDER BY r.at) AS at_before,
                lag(r.value, 1, b.value) OVER (ORDER BY r.at) AS before
            FROM ingest.effective(e.register, z.low, z.high, newest) AS r
            WHERE r.at >= turning.low AND r.at < turning.high
        ) AS p
        WHERE p.value < p.before
            OR (p.value::numeric - p.before) * 3600 > e.max_rate * extract(epoch FROM p.at - p.at_before)
    )
    SELECT t.bound, t.at_before, t.before, t.at, t.value FROM turn AS t
    UNION ALL
    SELECT t.bound, t.at, t.value, r.at, r.value
    FROM turn AS t CROSS JOIN LATERAL ingest.effective(
        t.register, t.at, least(t.at + t.glitch, t.last) + interval '1 microsecond', newest) AS r
    WHERE t.glitch IS NOT NULL AND t.value < t.before AND r.at > t.at AND r.at >= turning.low AND r.at < turning.high
$$;

-- What states were said in [since, before), as far as it matters to whom `gap` is silence: from `at` to `heard` the value
-- was said again and again. All lie in [first, last).
CREATE FUNCTION ingest.said(
    bounds int[], registers int[], sinces timestamptz[], befores timestamptz[], gaps interval[], first timestamptz,
    last timestamptz, newest bigint)
RETURNS TABLE (bound int, at timestamptz, heard timestamptz, value bigint)
LANGUAGE sql STABLE AS $$
    WITH point AS MATERIALIZED (SELECT * FROM ingest.rolled(newest)),
    e AS MATERIALIZED (
        SELECT e.bound, e.register, e.since, e.before, e.gap, p.known,
            date_bin('1 hour', e.since + interval '59 minutes 59.999999 seconds', '2000-01-01 00:00+00') AS low,
            least(date_bin('1 hour', e.before, '2000-01-01 00:00+00'), p.closed_to) AS high
        FROM unnest(bounds, registers, sinces, befores, gaps) AS e (bound, register, since, before, gap)
        JOIN point AS p ON p.share = e.register % 2
        WHERE e.since < e.before
    ), late AS MATERIALIZED (
        SELECT * FROM ingest.late_hours(first, last, newest)
    ), whole AS MATERIALIZED (
        SELECT e.bound, e.register, e.gap, s.starts_at, s.ends_at, s.value, s.longest
        FROM e JOIN ingest.state_span AS s ON s.register = e.register AND s.hour >= e.low AND s.hour < e.high
            AND s.hour >= first AND s.hour < last AND s.known <= e.known AND (s.superseded IS NULL OR s.superseded > e.known)
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
    WHERE r.at >= first AND r.at < last
$$;

-- As ingest.near and ingest.turning, of what the party may know.
CREATE FUNCTION visible.near(edges int[], registers int[], starts timestamptz[], ends timestamptz[], instants timestamptz[],
    low timestamptz, high timestamptz, newest bigint)
RETURNS TABLE (edge int, at timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT n.edge, n.at, n.value
    FROM (
        SELECT array_agg(e.edge) AS edges, array_agg(e.register) AS registers, array_agg(e."start") AS starts,
            array_agg(e."end") AS ends, array_agg(e.at) AS instants
        FROM unnest(edges, registers, starts, ends, instants) AS e (edge, register, "start", "end", at)
        WHERE visible.knows(e.register, e.at)
    ) AS a CROSS JOIN LATERAL ingest.near(a.edges, a.registers, a.starts, a.ends, a.instants, low, high, newest) AS n
$$;
CREATE FUNCTION visible.turning(
    bounds int[], registers int[], firsts timestamptz[], lasts timestamptz[], max_rates numeric[], glitches interval[],
    low timestamptz, high timestamptz, newest bigint)
RETURNS TABLE (bound int, at_before timestamptz, before bigint, at timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT t.bound, t.at_before, t.before, t.at, t.value
    FROM ingest.turning(bounds, registers, firsts, lasts, max_rates, glitches, low, high, newest) AS t
    JOIN unnest(bounds, registers) AS e (bound, register) ON e.bound = t.bound
    WHERE visible.knows(e.register, t.at)
$$;

-- As ingest.said, cut to the times in which the register served an asset that the party's contracts cover.
CREATE FUNCTION visible.said(
    bounds int[], registers int[], sinces timestamptz[], befores timestamptz[], gaps interval[], first timestamptz,
    last timestamptz, newest bigint)
RETURNS TABLE (bound int, at timestamptz, heard timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    WITH shown AS (
        SELECT e.bound, e.register, lower(s.during) AS since, upper(s.during) AS before, e.gap
        FROM unnest(bounds, registers, sinces, befores, gaps) AS e (bound, register, since, before, gap)
        CROSS JOIN LATERAL (
            SELECT tstzrange(e.since, e.before) WHERE e.since < e.before AND visible.operates()
            UNION ALL
            SELECT unnest(range_agg(b.during * p.during * tstzrange(e.since, e.before)))
            FROM ingest.register AS g
            JOIN ingest.binding AS b ON b.device = g.device
            JOIN contracts.party_asset AS p ON p.asset = b.asset AND p.party = visible.party()
            WHERE g.id = e.register AND e.since < e.before AND NOT visible.operates()
        ) AS s (during)
    )
    SELECT s.bound, s.at, s.heard, s.value
    FROM (SELECT array_agg(x.bound) AS bounds, array_agg(x.register) AS registers, array_agg(x.since) AS sinces,
        array_agg(x.before) AS befores, array_agg(x.gap) AS gaps FROM shown AS x) AS a
    CROSS JOIN LATERAL ingest.said(a.bounds, a.registers, a.sinces, a.befores, a.gaps, first, last, newest) AS s
$$;
DO $$
DECLARE made regprocedure;
BEGIN
    FOR made IN SELECT oid FROM pg_proc
        WHERE pronamespace = 'visible'::regnamespace AND proname IN ('near', 'turning', 'said') LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO yardstick_visible', made);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO yardstick_api', made);
    END LOOP;
END $$;

GRANT SELECT, INSERT ON ingest.rollup_point, ingest.usage_hour, ingest.gauge_hour, ingest.state_span TO yardstick_worker;
GRANT UPDATE (closed_to, at) ON ingest.rollup_point TO yardstick_worker;
GRANT UPDATE (superseded) ON ingest.usage_hour, ingest.gauge_hour, ingest.state_span TO yardstick_worker;
GRANT SELECT ON ingest.rollup_point, ingest.usage_hour, ingest.gauge_hour, ingest.state_span TO yardstick_visible;

ALTER TABLE ingest.rollup_point ENABLE ROW LEVEL SECURITY;
ALTER TABLE ingest.rollup_point FORCE ROW LEVEL SECURITY;
CREATE POLICY worker ON ingest.rollup_point TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true);
