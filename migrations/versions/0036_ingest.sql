-- With what the device said of its clock.
DROP FUNCTION visible.readings(int, text, timestamptz, timestamptz, int);
CREATE FUNCTION visible.readings(asset_id int, path text, since timestamptz, before timestamptz, most int)
RETURNS TABLE (at timestamptz, value bigint, received_at timestamptz, raw text, device text, time_status text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT r.at, r.value, r.received_at, r.raw, d.name, r.time_status::text
    FROM ingest.binding AS b
    JOIN ingest.device AS d ON d.id = b.device
    JOIN ingest.register AS g ON g.device = b.device
    JOIN LATERAL (
        SELECT r.at, CASE WHEN o.is_there THEN o.value ELSE r.value END AS value, r.received_at, r.raw, r.time_status
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

-- How long after they were taken an asset's readings of [since, before) arrived, by device and by what it says of its
-- clock: while the device serves the asset and, of a party, while its contracts cover it.
CREATE FUNCTION visible.skew(asset_id int, since timestamptz, before timestamptz, newest bigint)
RETURNS TABLE (device text, readings bigint, shortest interval, middle interval, longest interval, status text)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog SET plan_cache_mode = force_custom_plan AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT d.name, count(*), min(r.received_at - r.at),
        percentile_disc(0.5) WITHIN GROUP (ORDER BY r.received_at - r.at), max(r.received_at - r.at),
        coalesce(r.time_status::text, '')
    FROM (
        SELECT b.device, unnest(range_agg(b.during * s.during)) AS during
        FROM ingest.binding AS b
        CROSS JOIN LATERAL (
            SELECT tstzrange(skew.since, skew.before) WHERE visible.operates()
            UNION ALL
            SELECT p.during * tstzrange(skew.since, skew.before) FROM contracts.party_asset AS p
            WHERE p.party = visible.party() AND p.asset = asset_id AND NOT visible.operates()
        ) AS s (during)
        WHERE b.asset = asset_id AND b.superseded IS NULL
        GROUP BY b.device
    ) AS t
    JOIN ingest.device AS d ON d.id = t.device
    JOIN ingest.register AS g ON g.device = t.device
    JOIN ingest.reading AS r ON r.register = g.id AND r.at >= lower(t.during) AND r.at < upper(t.during)
    WHERE r.at >= skew.since AND r.at < skew.before AND r.known <= newest
    GROUP BY d.name, r.time_status ORDER BY 1, 6;
END $$;
GRANT CREATE ON SCHEMA visible TO yardstick_visible;
DO $$
DECLARE made regprocedure;
BEGIN
    FOR made IN SELECT oid FROM pg_proc
        WHERE pronamespace = 'visible'::regnamespace AND proname IN ('readings', 'skew')
    LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO yardstick_visible', made);
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', made);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO yardstick_api', made);
    END LOOP;
END $$;
REVOKE CREATE ON SCHEMA visible FROM yardstick_visible;
