-- Readings next to instants, on both sides, between `start` and `end` of a register's time; NULL: there is none. The
-- arrays run in parallel; `edges` only numbers them. What is before lies in [low, last), what is after in [first, high):
-- constants of the whole statement, by which chunks are left out once. A reading at the very instant is on both sides.
DROP FUNCTION ingest.near(int[], int[], timestamptz[], timestamptz[], timestamptz[], timestamptz, timestamptz, bigint);
CREATE FUNCTION ingest.near(edges int[], registers int[], starts timestamptz[], ends timestamptz[], instants timestamptz[],
    low timestamptz, first timestamptz, last timestamptz, high timestamptz, newest bigint)
RETURNS TABLE (edge int, at_before timestamptz, before bigint, at_after timestamptz, after bigint)
LANGUAGE sql STABLE AS $$
    SELECT e.edge, b.at, b.value, a.at, a.value
    FROM unnest(edges, registers, starts, ends, instants) AS e (edge, register, "start", "end", at)
    LEFT JOIN LATERAL ingest.last_reading(
        e.register, e."start", least(e.at + interval '1 microsecond', e."end"), low, last, newest) AS b ON true
    LEFT JOIN LATERAL ingest.first_reading(e.register,
        CASE WHEN b.at = e.at THEN e."end" ELSE greatest(e.at, e."start") END, e."end", first, high, newest) AS a ON true
$$;

DROP FUNCTION visible.near(int[], int[], timestamptz[], timestamptz[], timestamptz[], timestamptz, timestamptz, bigint);
CREATE FUNCTION visible.near(edges int[], registers int[], starts timestamptz[], ends timestamptz[], instants timestamptz[],
    low timestamptz, first timestamptz, last timestamptz, high timestamptz, newest bigint)
RETURNS TABLE (edge int, at_before timestamptz, before bigint, at_after timestamptz, after bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT n.edge, n.at_before, n.before, n.at_after, n.after
    FROM (
        SELECT array_agg(e.edge) AS edges, array_agg(e.register) AS registers, array_agg(e."start") AS starts,
            array_agg(e."end") AS ends, array_agg(e.at) AS instants
        FROM unnest(edges, registers, starts, ends, instants) AS e (edge, register, "start", "end", at)
        WHERE visible.knows(e.register, e.at)
    ) AS a CROSS JOIN LATERAL ingest.near(
        a.edges, a.registers, a.starts, a.ends, a.instants, low, first, last, high, newest) AS n
$$;
ALTER FUNCTION visible.near(int[], int[], timestamptz[], timestamptz[], timestamptz[], timestamptz, timestamptz,
    timestamptz, timestamptz, bigint) OWNER TO yardstick_visible;
REVOKE ALL ON FUNCTION visible.near(int[], int[], timestamptz[], timestamptz[], timestamptz[], timestamptz, timestamptz,
    timestamptz, timestamptz, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION visible.near(int[], int[], timestamptz[], timestamptz[], timestamptz[], timestamptz, timestamptz,
    timestamptz, timestamptz, bigint) TO yardstick_api;
