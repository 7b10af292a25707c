-- More of a register's physics. cross_checks: what else must have moved with it, see ingest/catalogue.py.
ALTER TABLE ingest.declaration
    ADD COLUMN glitch_window    interval CHECK (glitch_window > interval '0'),
    ADD COLUMN noise_band       bigint NOT NULL DEFAULT 0 CHECK (noise_band >= 0),
    ADD COLUMN refill_threshold bigint CHECK (refill_threshold >= 0),
    ADD COLUMN every            interval CHECK (every > interval '0'),
    ADD COLUMN cross_checks     jsonb NOT NULL DEFAULT '[]' CHECK (jsonb_typeof(cross_checks) = 'array');

-- A binding that turns out otherwise (it ended, it was another) is a new row; the old one says since when it no longer
-- holds. As of K: known <= K AND (superseded IS NULL OR superseded > K).
ALTER TABLE ingest.binding ADD COLUMN superseded bigint, ADD CHECK (superseded > known);
DO $$
DECLARE name text;
BEGIN
    FOR name IN SELECT conname FROM pg_constraint WHERE conrelid = 'ingest.binding'::regclass AND contype = 'x' LOOP
        EXECUTE format('ALTER TABLE ingest.binding DROP CONSTRAINT %I', name);
    END LOOP;
END $$;
ALTER TABLE ingest.binding
    ADD CONSTRAINT binding_device EXCLUDE USING gist (device WITH =, during WITH &&) WHERE (superseded IS NULL),
    ADD CONSTRAINT binding_place EXCLUDE USING gist (asset WITH =, position WITH =, during WITH &&)
        WHERE (superseded IS NULL);
-- The exclusions served look-ups too; they hold current rows only.
CREATE INDEX binding_asset ON ingest.binding (asset, position);
CREATE INDEX binding_of_device ON ingest.binding (device);

CREATE FUNCTION ingest.refuse_rewriting() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.superseded IS NULL AND NEW.superseded IS NOT NULL
        AND to_jsonb(NEW) - 'superseded' = to_jsonb(OLD) - 'superseded' THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% of %.% refused: its rows never change; a correction is a new row',
        TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ingest.binding
    FOR EACH ROW EXECUTE FUNCTION ingest.refuse_rewriting();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.binding_value
    FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change();
REVOKE UPDATE (during, evidence) ON ingest.binding FROM yardstick_worker;
REVOKE UPDATE (closing) ON ingest.binding_value FROM yardstick_worker;
GRANT UPDATE (superseded) ON ingest.binding TO yardstick_worker;

-- A register begins anew: its counter was reset, its display or its cartridge exchanged. Taking it back is a row too.
CREATE TABLE ingest.epoch (
    register int NOT NULL REFERENCES ingest.register,
    at       timestamptz NOT NULL,
    closing  bigint,           -- ticks just before, where somebody wrote them down
    opening  bigint,           -- ticks just after; NULL: a gauge's next reading
    void     boolean NOT NULL DEFAULT false,
    known    bigint NOT NULL,
    author   text NOT NULL CHECK (author <> ''),
    reason   text NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (register, at, known)
);

-- What somebody decided about a stretch that a counter cannot explain; `reopened`: it waits again.
CREATE TABLE ingest.release (
    register int NOT NULL REFERENCES ingest.register,
    start_at timestamptz NOT NULL,
    end_at   timestamptz NOT NULL CHECK (end_at > start_at),
    kind     text NOT NULL CHECK (kind IN ('bill', 'from_zero', 'void', 'reopened')),
    ticks    bigint CHECK (ticks >= 0),
    known    bigint NOT NULL,
    author   text NOT NULL CHECK (author <> ''),
    reason   text NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (register, start_at, end_at, known),
    CHECK ((kind = 'bill') = (ticks IS NOT NULL))
);

-- What was probably used where readings are missing. Never a reading; NULL ticks take an estimate back.
CREATE TABLE ingest.estimate (
    register int NOT NULL REFERENCES ingest.register,
    during   tstzrange NOT NULL CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during)),
    ticks    bigint CHECK (ticks >= 0),
    method   text NOT NULL CHECK (method <> ''),
    known    bigint NOT NULL,
    author   text NOT NULL CHECK (author <> ''),
    reason   text NOT NULL CHECK (reason <> ''),
    PRIMARY KEY (register, during, known)
);

-- A component is an asset that works where it is mounted, e.g. a tyre: it uses what the counters of that asset count.
CREATE TABLE ingest.mounting (
    id         int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    component  int NOT NULL REFERENCES ingest.asset,
    asset      int NOT NULL REFERENCES ingest.asset,
    position   text NOT NULL CHECK (position ~ '^[A-Za-z0-9._-]{1,64}$'),
    during     tstzrange NOT NULL CHECK (NOT isempty(during) AND lower_inc(during) AND NOT upper_inc(during)),
    evidence   text NOT NULL DEFAULT '',
    author     text NOT NULL CHECK (author <> ''),
    known      bigint NOT NULL,
    superseded bigint,
    CHECK (superseded > known),
    CHECK (component <> asset),
    CONSTRAINT mounting_component EXCLUDE USING gist (component WITH =, during WITH &&) WHERE (superseded IS NULL),
    CONSTRAINT mounting_place EXCLUDE USING gist (asset WITH =, position WITH =, during WITH &&)
        WHERE (superseded IS NULL)
);
CREATE INDEX mounting_of_component ON ingest.mounting (component);
CREATE INDEX mounting_asset ON ingest.mounting (asset);
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON ingest.mounting
    FOR EACH ROW EXECUTE FUNCTION ingest.refuse_rewriting();

DO $$
DECLARE name text;
BEGIN
    FOREACH name IN ARRAY ARRAY['epoch', 'release', 'estimate'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ingest.%I '
            'FOR EACH STATEMENT EXECUTE FUNCTION core.refuse_change()', name);
    END LOOP;
END $$;

GRANT SELECT, INSERT ON ingest.epoch, ingest.release, ingest.estimate, ingest.mounting
    TO yardstick_worker;
GRANT UPDATE (superseded) ON ingest.mounting TO yardstick_worker;
GRANT SELECT ON ingest.epoch, ingest.release, ingest.estimate, ingest.mounting
    TO yardstick_api, yardstick_visible;

DO $$
DECLARE seen record;
BEGIN
    FOR seen IN SELECT * FROM (VALUES
        ('epoch',     'visible.operates() OR register IN (SELECT id FROM ingest.register)'),
        ('release',   'visible.operates() OR register IN (SELECT id FROM ingest.register)'),
        ('estimate',  'visible.operates() OR register IN (SELECT id FROM ingest.register)'),
        ('mounting',  'visible.operates() OR asset IN (SELECT visible.asset_ids()) OR component IN (SELECT visible.asset_ids())')
    ) AS s (name, condition) LOOP
        EXECUTE format('ALTER TABLE ingest.%I ENABLE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('ALTER TABLE ingest.%I FORCE ROW LEVEL SECURITY', seen.name);
        EXECUTE format('CREATE POLICY worker ON ingest.%I TO yardstick_worker, yardstick_visible USING (true) WITH CHECK (true)', seen.name);
        EXECUTE format('CREATE POLICY api ON ingest.%I FOR SELECT TO yardstick_api USING (%s)', seen.name, seen.condition);
    END LOOP;
END $$;

-- What the API may see rests on the bindings that hold now.
CREATE OR REPLACE FUNCTION visible.readings(asset_id int, path text, since timestamptz, before timestamptz, most int)
RETURNS TABLE (at timestamptz, value bigint, received_at timestamptz, raw text, device text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT r.at, r.value, r.received_at, r.raw, d.name
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
        WHERE (o.is_there IS NULL OR o.value IS NOT NULL) AND r.register = g.id AND r.at >= since AND r.at < before
            AND r.at >= lower(b.during) AND (upper_inf(b.during) OR r.at < upper(b.during))
        ORDER BY r.at LIMIT most
    ) AS r ON true
    WHERE b.asset = asset_id AND b.superseded IS NULL AND b.position || '/' || g.name = path
        AND (visible.operates() OR EXISTS (
            SELECT FROM contracts.party_asset AS p
            WHERE p.party = visible.party() AND p.asset = asset_id AND r.at <@ p.during))
    ORDER BY r.at LIMIT most
$$;

CREATE OR REPLACE FUNCTION visible.said(
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
            JOIN ingest.binding AS b ON b.device = g.device AND b.superseded IS NULL
            JOIN contracts.party_asset AS p ON p.asset = b.asset AND p.party = visible.party()
            WHERE g.id = e.register AND e.since < e.before AND NOT visible.operates()
        ) AS s (during)
    )
    SELECT s.bound, s.at, s.heard, s.value
    FROM (SELECT array_agg(x.bound) AS bounds, array_agg(x.register) AS registers, array_agg(x.since) AS sinces,
        array_agg(x.before) AS befores, array_agg(x.gap) AS gaps FROM shown AS x) AS a
    CROSS JOIN LATERAL ingest.said(a.bounds, a.registers, a.sinces, a.befores, a.gaps, first, last, newest) AS s
$$;

CREATE OR REPLACE FUNCTION visible.knows(register_id int, instant timestamptz) RETURNS boolean
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT visible.operates() OR EXISTS (
        SELECT FROM ingest.register AS g
        JOIN ingest.binding AS b ON b.device = g.device AND b.superseded IS NULL
            AND (instant <@ b.during OR instant = upper(b.during))
        JOIN contracts.party_asset AS p ON p.asset = b.asset AND (instant <@ p.during OR instant = upper(p.during))
        WHERE g.id = register_id AND p.party = visible.party())
$$;

-- visible.near and visible.turning took their places.
DROP FUNCTION visible.register_readings(int, timestamptz, timestamptz, bigint);
DROP FUNCTION visible.counter_neighbours(int[], int[], timestamptz[], timestamptz[], timestamptz[], bigint);
DROP FUNCTION visible.counter_breaks(int[], int[], timestamptz[], timestamptz[], numeric[], bigint);

-- The readings of a register next to its time at an asset, for a party that knows what it showed at that edge.
CREATE FUNCTION visible.counter_outside(bounds int[], registers int[], starts timestamptz[], ends timestamptz[],
    newest bigint)
RETURNS TABLE (bound int, at timestamptz, value bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT e.bound, p.at, p.value
    FROM unnest(bounds, registers, starts, ends) AS e (bound, register, "start", "end")
    CROSS JOIN LATERAL (
        (SELECT r.at, r.value
         FROM ingest.effective(e.register, e."start" - interval '35 days', e."start", newest) AS r
         WHERE visible.knows(e.register, e."start") ORDER BY r.at DESC LIMIT 1)
        UNION ALL
        (SELECT r.at, r.value
         FROM ingest.effective(e.register, e."end", e."end" + interval '35 days', newest) AS r
         WHERE visible.knows(e.register, e."end") ORDER BY r.at LIMIT 1)
    ) AS p
$$;

ALTER FUNCTION visible.counter_outside(int[], int[], timestamptz[], timestamptz[], bigint) OWNER TO yardstick_visible;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA visible FROM PUBLIC;
GRANT EXECUTE ON FUNCTION visible.counter_outside(int[], int[], timestamptz[], timestamptz[], bigint) TO yardstick_api;

-- How complete readings are over [since, before): how many came, the first and last with one on either side, silences.
CREATE FUNCTION ingest.heard(register_id int, since timestamptz, before timestamptz, first timestamptz, last timestamptz,
    silence interval, newest bigint)
RETURNS TABLE (received bigint, first_at timestamptz, last_at timestamptz, froms timestamptz[], tos timestamptz[])
LANGUAGE sql STABLE AS $$
    SELECT count(*) FILTER (WHERE e.at >= since AND e.at < before), min(e.at), max(e.at),
        array_agg(e.at_before ORDER BY e.at) FILTER (WHERE e.at - e.at_before > silence),
        array_agg(e.at ORDER BY e.at) FILTER (WHERE e.at - e.at_before > silence)
    FROM (
        SELECT s.at, lag(s.at) OVER (ORDER BY s.at) AS at_before
        FROM (
            (SELECT r.at FROM ingest.reading AS r
             WHERE r.register = register_id AND r.at >= first AND r.at < since AND r.known <= newest
             ORDER BY r.at DESC LIMIT 1)
            UNION ALL
            SELECT r.at FROM ingest.reading AS r
            WHERE r.register = register_id AND r.at >= since AND r.at < before AND r.known <= newest
            UNION ALL
            (SELECT r.at FROM ingest.reading AS r
             WHERE r.register = register_id AND r.at >= before AND r.at < last AND r.known <= newest
             ORDER BY r.at LIMIT 1)
        ) AS s
    ) AS e
$$;
CREATE FUNCTION visible.heard(register_id int, since timestamptz, before timestamptz, first timestamptz,
    last timestamptz, silence interval, newest bigint)
RETURNS TABLE (received bigint, first_at timestamptz, last_at timestamptz, froms timestamptz[], tos timestamptz[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT h.received, h.first_at, h.last_at, h.froms, h.tos FROM ingest.heard(register_id, since, before, first, last, silence, newest) AS h
    WHERE visible.knows(register_id, since) AND visible.knows(register_id, before)
$$;
ALTER FUNCTION visible.heard(int, timestamptz, timestamptz, timestamptz, timestamptz, interval, bigint)
    OWNER TO yardstick_visible;
REVOKE ALL ON FUNCTION visible.heard(int, timestamptz, timestamptz, timestamptz, timestamptz, interval, bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION visible.heard(int, timestamptz, timestamptz, timestamptz, timestamptz, interval, bigint)
    TO yardstick_api;
-- Alarms are raised once: what they are about.
CREATE INDEX alarm_kind ON ingest.alarm (kind, at DESC);
