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
GRANT CREATE ON SCHEMA visible TO yardstick_visible;
DO $$
DECLARE made regprocedure;
BEGIN
    SELECT oid INTO STRICT made FROM pg_proc
    WHERE pronamespace = 'visible'::regnamespace AND proname = 'gauge_shown';
    EXECUTE format('ALTER FUNCTION %s OWNER TO yardstick_visible', made);
    EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
    EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO yardstick_api', made);
END $$;
REVOKE CREATE ON SCHEMA visible FROM yardstick_visible;
