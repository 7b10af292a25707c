-- The newest reading of a device is shown to whoever may know the asset that it served then. A device that went elsewhere,
-- and an asset whose contract is over, tell their former party nothing.
GRANT CREATE ON SCHEMA visible TO yardstick_visible;
CREATE FUNCTION visible.latest_registers() RETURNS SETOF int LANGUAGE sql STABLE SECURITY DEFINER ROWS 800
SET search_path = pg_catalog AS $$
    SELECT l.register FROM contracts.party_asset AS p
    JOIN ingest.binding AS b ON b.asset = p.asset AND b.superseded IS NULL
    JOIN ingest.register AS g ON g.device = b.device
    JOIN ingest.latest AS l ON l.register = g.id AND l.at <@ b.during AND l.at <@ p.during
    WHERE p.party = visible.party()
$$;
ALTER FUNCTION visible.latest_registers() OWNER TO yardstick_visible;
REVOKE ALL ON FUNCTION visible.latest_registers() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION visible.latest_registers() TO yardstick_api;
DROP POLICY api ON ingest.latest;
CREATE POLICY api ON ingest.latest FOR SELECT TO yardstick_api
    USING (visible.operates() OR register IN (SELECT visible.latest_registers()));

-- Corrections over HTTP are made by a worker, as decisions about holds are, so that the newest reading follows.
DROP POLICY api_corrects ON ingest.reading_override;
REVOKE INSERT ON ingest.reading_override FROM yardstick_api;
DROP FUNCTION visible.received(int, timestamptz);
REVOKE CREATE ON SCHEMA visible FROM yardstick_visible;
