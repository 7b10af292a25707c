-- Up to where readings are sealed: none comes in or is corrected before `until`; what rests on readings before `kept` is
-- kept aside; chunks before `dropped` are gone. In this order, each in a transaction of its own.
CREATE TABLE ingest.sealed (
    hypertable text PRIMARY KEY CHECK (hypertable = 'reading'),
    until      timestamptz NOT NULL,
    kept       timestamptz,
    dropped    timestamptz,
    CHECK (kept <= until AND dropped <= kept)
);
CREATE TRIGGER only_forward BEFORE UPDATE ON ingest.sealed FOR EACH ROW
    WHEN (NEW.until < OLD.until OR NEW.kept < OLD.kept OR NEW.dropped < OLD.dropped) EXECUTE FUNCTION core.refuse_change();
CREATE TRIGGER stays BEFORE DELETE OR TRUNCATE ON ingest.sealed
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

-- Readings that outlive their chunks, as they were received.
CREATE TABLE ingest.kept_reading (
    register    int NOT NULL,
    at          timestamptz NOT NULL,
    value       bigint NOT NULL,
    known       bigint NOT NULL,
    received_at timestamptz NOT NULL,
    seq         bigint,
    time_status "char",
    raw         text,
    PRIMARY KEY (register, at)
);
CREATE INDEX kept_reading_known ON ingest.kept_reading USING brin (known);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.kept_reading
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();

GRANT SELECT, INSERT ON ingest.sealed, ingest.kept_reading TO yardstick_worker;
GRANT UPDATE (until, kept, dropped) ON ingest.sealed TO yardstick_worker;
GRANT SELECT ON ingest.sealed TO yardstick_api;
GRANT SELECT ON ingest.sealed, ingest.kept_reading TO yardstick_visible;
DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['sealed', 'kept_reading'] LOOP
        EXECUTE format('ALTER TABLE ingest.%I ENABLE ROW LEVEL SECURITY', name);
        EXECUTE format('ALTER TABLE ingest.%I FORCE ROW LEVEL SECURITY', name);
        EXECUTE format('CREATE POLICY worker ON ingest.%I TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true)', name);
    END LOOP;
END $$;
-- Up to when is nobody's secret.
CREATE POLICY api ON ingest.sealed FOR SELECT TO yardstick_api USING (true);

-- Whoever writes readings holds the lock shared, whoever moves `until` alone: then no older reading is on its way. A class
-- 22 error is about a row: the ingester finds it by halving and puts it aside.
CREATE FUNCTION ingest.refuse_sealed(first timestamptz) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE sealed timestamptz;
BEGIN
    SELECT until INTO sealed FROM ingest.sealed;
    IF first < sealed THEN
        RAISE EXCEPTION 'readings before % are sealed, and this one is of %', sealed, first
            USING ERRCODE = '22008', HINT = 'what was billed up to then stays; readings from then on are taken';
    END IF;
END $$;
CREATE FUNCTION ingest.refuse_sealed_override() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(726932, 0);
    PERFORM ingest.refuse_sealed((SELECT min(at) FROM added));
    RETURN NULL;
END $$;
CREATE TRIGGER not_sealed AFTER INSERT ON ingest.reading_override REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION ingest.refuse_sealed_override();

-- Only the owner of a hypertable drops chunks: as much of it as is sealed and kept, whoever asks.
CREATE FUNCTION ingest.drop_sealed() RETURNS SETOF text LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog SET lock_timeout = '5s' AS $$
DECLARE edge timestamptz;
BEGIN
    SELECT kept INTO edge FROM ingest.sealed WHERE hypertable = 'reading' AND kept = until;
    IF edge IS NULL THEN
        RAISE EXCEPTION 'what rests on sealed readings is not kept yet' USING ERRCODE = '55000';
    END IF;
    RETURN QUERY SELECT public.drop_chunks('ingest.reading', older_than => edge);
END $$;
REVOKE ALL ON FUNCTION ingest.drop_sealed() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.drop_sealed() TO yardstick_worker;
-- By how much time a chunk of readings spans, from the next chunk on.
CREATE FUNCTION ingest.set_chunk(span interval) RETURNS void LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog SET lock_timeout = '5s' AS $$
BEGIN
    IF span NOT IN (interval '1 day', interval '7 days') THEN
        RAISE EXCEPTION 'a chunk spans 1 or 7 days' USING ERRCODE = '22023';
    END IF;
    PERFORM public.set_chunk_time_interval('ingest.reading', span);
END $$;
REVOKE ALL ON FUNCTION ingest.set_chunk(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ingest.set_chunk(interval) TO yardstick_worker;

-- From here on as before, with kept readings beside raw ones. Between keeping and dropping both are there: the same
-- reading twice makes no step, no span and no other value.
CREATE OR REPLACE FUNCTION ingest.effective(register_id int, since timestamptz, before timestamptz, newest bigint)
RETURNS TABLE (at timestamptz, value bigint) LANGUAGE sql STABLE AS $$
    SELECT r.at, CASE WHEN o.at IS NULL THEN r.value ELSE o.value END
    FROM (
        SELECT r.at, r.value FROM ingest.reading AS r
        WHERE r.register = register_id AND r.at >= since AND r.at < before AND r.known <= newest
        UNION ALL
        SELECT k.at, k.value FROM ingest.kept_reading AS k
        WHERE k.register = register_id AND k.at >= since AND k.at < before AND k.known <= newest
    ) AS r
    LEFT JOIN (
        SELECT DISTINCT ON (v.at) v.at, v.value FROM ingest.reading_override AS v
        WHERE v.register = register_id AND v.known <= newest ORDER BY v.at, v.known DESC
    ) AS o ON o.at = r.at
    WHERE o.at IS NULL OR o.value IS NOT NULL
$$;
CREATE OR REPLACE FUNCTION ingest.late_hours(low timestamptz, high timestamptz, newest bigint)
RETURNS TABLE (register int, hour timestamptz) LANGUAGE sql STABLE AS $$
    WITH point AS MATERIALIZED (SELECT * FROM ingest.rolled(newest))
    SELECT f.register, date_bin('1 hour', f.at, '2000-01-01 00:00+00')
    FROM (
        SELECT r.register, r.at, r.known FROM ingest.reading AS r
        WHERE r.known > (SELECT min(known) FROM point) AND r.known <= newest
            AND r.at >= low AND r.at < high AND r.at < (SELECT max(closed_to) FROM point)
        UNION ALL
        SELECT k.register, k.at, k.known FROM ingest.kept_reading AS k
        WHERE k.known > (SELECT min(known) FROM point) AND k.known <= newest AND k.at >= low AND k.at < high
        UNION ALL
        SELECT o.register, o.at, o.known FROM ingest.reading_override AS o
        WHERE o.known > (SELECT min(known) FROM point) AND o.known <= newest AND o.at >= low AND o.at < high
    ) AS f JOIN point AS p ON p.share = f.register % 2 AND f.known > p.known AND f.at < p.closed_to
    GROUP BY 1, 2
$$;
CREATE OR REPLACE FUNCTION ingest.last_reading(register_id int, since timestamptz, before timestamptz, low timestamptz, high timestamptz,
    newest bigint)
RETURNS TABLE (at timestamptz, value bigint) LANGUAGE sql STABLE AS $$
    SELECT e.at, e.value FROM (
        (SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value
         FROM ingest.reading AS r
         LEFT JOIN LATERAL (
             SELECT v.value, true AS is_there FROM ingest.reading_override AS v
             WHERE v.register = r.register AND v.at = r.at AND v.known <= newest ORDER BY v.known DESC LIMIT 1
         ) AS o ON true
         WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND since < before
             AND r.register = register_id AND r.at >= since AND r.at < before AND r.at >= low AND r.at < high
             AND r.known <= newest
         ORDER BY r.at DESC LIMIT 1)
        UNION ALL
        (SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value
         FROM ingest.kept_reading AS r
         LEFT JOIN LATERAL (
             SELECT v.value, true AS is_there FROM ingest.reading_override AS v
             WHERE v.register = r.register AND v.at = r.at AND v.known <= newest ORDER BY v.known DESC LIMIT 1
         ) AS o ON true
         WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND since < before
             AND r.register = register_id AND r.at >= since AND r.at < before AND r.at >= low AND r.at < high
             AND r.known <= newest
         ORDER BY r.at DESC LIMIT 1)
    ) AS e ORDER BY e.at DESC LIMIT 1
$$;
CREATE OR REPLACE FUNCTION ingest.first_reading(register_id int, since timestamptz, before timestamptz, low timestamptz, high timestamptz,
    newest bigint)
RETURNS TABLE (at timestamptz, value bigint) LANGUAGE sql STABLE AS $$
    SELECT e.at, e.value FROM (
        (SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value
         FROM ingest.reading AS r
         LEFT JOIN LATERAL (
             SELECT v.value, true AS is_there FROM ingest.reading_override AS v
             WHERE v.register = r.register AND v.at = r.at AND v.known <= newest ORDER BY v.known DESC LIMIT 1
         ) AS o ON true
         WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND since < before
             AND r.register = register_id AND r.at >= since AND r.at < before AND r.at >= low AND r.at < high
             AND r.known <= newest
         ORDER BY r.at LIMIT 1)
        UNION ALL
        (SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value
         FROM ingest.kept_reading AS r
         LEFT JOIN LATERAL (
             SELECT v.value, true AS is_there FROM ingest.reading_override AS v
             WHERE v.register = r.register AND v.at = r.at AND v.known <= newest ORDER BY v.known DESC LIMIT 1
         ) AS o ON true
         WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND since < before
             AND r.register = register_id AND r.at >= since AND r.at < before AND r.at >= low AND r.at < high
             AND r.known <= newest
         ORDER BY r.at LIMIT 1)
    ) AS e ORDER BY e.at LIMIT 1
$$;
