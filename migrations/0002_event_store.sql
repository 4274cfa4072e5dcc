-- +goose Up

-- The last position and time. Its one row is what appenders queue on: whoever
-- holds its lock appends next, so that positions are dense and in commit order.
CREATE TABLE event_head (
    only_row    boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    pos         bigint      NOT NULL,
    recorded_at timestamptz NOT NULL
) WITH (fillfactor = 10, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);
INSERT INTO event_head (pos, recorded_at) VALUES (0, '-infinity');

CREATE TABLE event_log (
    pos            bigint      PRIMARY KEY,
    id             uuid        NOT NULL UNIQUE,
    account_id     uuid        NOT NULL,
    kind           text        NOT NULL,
    stream_id      uuid        NOT NULL,
    revision       bigint      NOT NULL,
    type           text        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    site_id        uuid,
    sector_id      uuid,
    actor          text        NOT NULL,
    correlation_id uuid,
    causation_id   uuid,
    command_id     uuid,
    request_id     text        NOT NULL,
    data_hash      bytea       NOT NULL,
    data           bytea, -- null once it was purged, and so is salt
    salt           bytea,
    UNIQUE (account_id, kind, stream_id, revision)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02, autovacuum_freeze_min_age = 0);
CREATE INDEX event_log_account ON event_log (account_id, pos);

-- Who holds which unique value. A scope holds its account unless it is global.
CREATE TABLE unique_claims (
    scope      text   NOT NULL,
    key        bytea  NOT NULL,
    account_id uuid   NOT NULL,
    kind       text   NOT NULL,
    stream_id  uuid   NOT NULL,
    revision   bigint NOT NULL, -- of the append that took it
    PRIMARY KEY (scope, key)
);

-- How much of what is limited is used up. A scope belongs to one account.
CREATE TABLE counted_claims (
    scope      text   PRIMARY KEY,
    account_id uuid   NOT NULL,
    used       bigint NOT NULL
) WITH (fillfactor = 50);

ALTER TABLE event_log      ENABLE ROW LEVEL SECURITY;
ALTER TABLE event_log      FORCE ROW LEVEL SECURITY;
ALTER TABLE unique_claims  ENABLE ROW LEVEL SECURITY;
ALTER TABLE unique_claims  FORCE ROW LEVEL SECURITY;
ALTER TABLE counted_claims ENABLE ROW LEVEL SECURITY;
ALTER TABLE counted_claims FORCE ROW LEVEL SECURITY;

CREATE POLICY owner ON event_log      TO igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY owner ON unique_claims  TO igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY owner ON counted_claims TO igny8_owner USING (true) WITH CHECK (true);

CREATE POLICY across ON event_log      FOR SELECT TO igny8_appender, igny8_projector, igny8_platform USING (true);
CREATE POLICY across ON unique_claims  FOR SELECT TO igny8_appender, igny8_login, igny8_platform USING (true);
CREATE POLICY across ON counted_claims FOR SELECT TO igny8_appender, igny8_platform USING (true);

CREATE POLICY own ON event_log FOR SELECT TO igny8_app
    USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
CREATE POLICY own ON counted_claims FOR SELECT TO igny8_app
    USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));

GRANT SELECT ON event_head     TO igny8_app, igny8_appender, igny8_projector, igny8_platform;
GRANT SELECT ON event_log      TO igny8_app, igny8_appender, igny8_projector, igny8_platform;
GRANT SELECT ON unique_claims  TO igny8_appender, igny8_login, igny8_platform;
GRANT SELECT ON counted_claims TO igny8_app, igny8_appender, igny8_platform;

-- append_events writes a batch of appends, each all or nothing.
--
-- Arguments that begin with a_ have one element for each append, e_ for each
-- event, u_ for each unique claim taken or released, c_ for each count, and k_
-- for each counter that c_ names. Numbers of appends and counters count from 1.
-- In one batch no two appends share a stream, an event id or a unique claim.
--
-- The first row has append 0, the position before the batch and the time of
-- recording. Each append that was not written follows with its outcome:
--   1 conflict: n is the stream's actual revision
--   2 repeat: n is the last event's position, m its revision, at its time
--   3 an event id is stored in another stream
--   4 a unique claim is held by another stream: n is the claim's index
--   5 a count is past its limit: n is the claim's index, m what is used
-- The others got the positions that follow, in the order of the batch.
--
-- The first statement locks the head row, and each later one sees what was
-- committed before: with any other isolation level the snapshot would predate
-- the lock.
-- +goose StatementBegin
CREATE FUNCTION append_events(
    a_account uuid[], a_kind text[], a_stream uuid[], a_expected bigint[],
    e_append int[], e_account uuid[], e_kind text[], e_stream uuid[], e_revision bigint[],
    e_id uuid[], e_type text[], e_site uuid[], e_sector uuid[], e_actor text[],
    e_correlation uuid[], e_causation uuid[], e_command uuid[], e_request text[],
    e_hash bytea[], e_data bytea[], e_salt bytea[],
    u_append int[], u_index int[], u_take boolean[], u_scope text[], u_key bytea[],
    c_append int[], c_index int[], c_counter int[], c_delta bigint[], c_limit bigint[],
    k_scope text[], k_account uuid[]
) RETURNS TABLE (append int, outcome int, n bigint, m bigint, at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = public, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    head     bigint;
    recorded timestamptz;
    actual   bigint[];
    state    int[] := array_fill(0, ARRAY[cardinality(a_account)]);
    ahead    int[] := state; -- events before an append's that are not written
    refused  boolean := false;
    used     bigint[];
    written  bigint;
    skipped  int := 0;
    first    int;
    i        int;
    j        int;
    r        record;
BEGIN
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'append_events needs read committed';
    END IF;
    -- A server may answer before it is durable; readers would then have seen
    -- positions that a crash gives to other events.
    IF current_setting('synchronous_commit') = 'off' THEN
        PERFORM set_config('synchronous_commit', 'on', true);
    END IF;
    SELECT h.pos, greatest(clock_timestamp(), h.recorded_at) INTO STRICT head, recorded FROM event_head h WHERE h.only_row FOR UPDATE;
    append := 0; outcome := 0; n := head; m := 0; at := recorded;
    RETURN NEXT;

    actual := ARRAY(
        SELECT coalesce(l.revision, 0)
        FROM unnest(a_account, a_kind, a_stream) WITH ORDINALITY a(account, kind, stream, i)
        LEFT JOIN LATERAL (
            SELECT l.revision FROM event_log l
            WHERE l.account_id = a.account AND l.kind = a.kind AND l.stream_id = a.stream
            ORDER BY l.revision DESC LIMIT 1
        ) l ON true
        ORDER BY a.i
    );

    IF actual <> a_expected OR EXISTS (SELECT FROM event_log l WHERE l.id = ANY (e_id)) THEN
        FOR r IN
            SELECT e.append, count(l.id) = count(*) AND max(l.revision - e.revision) = min(l.revision - e.revision) AS whole,
                bool_and((l.account_id, l.kind, l.stream_id) = (e.account, e.kind, e.stream)) AS own,
                max(l.pos) AS pos, max(l.revision) AS revision, max(l.recorded_at) AS recorded_at
            FROM unnest(e_append, e_account, e_kind, e_stream, e_revision, e_id)
                AS e(append, account, kind, stream, revision, id)
            LEFT JOIN event_log l ON l.id = e.id
            GROUP BY e.append HAVING count(l.id) > 0
        LOOP
            append := r.append; m := 0; at := NULL;
            IF NOT r.own THEN
                outcome := 3; n := 0;
            ELSIF r.whole THEN
                outcome := 2; n := r.pos; m := r.revision; at := r.recorded_at;
            ELSE
                outcome := 1; n := actual[r.append];
            END IF;
            state[append] := outcome; refused := true;
            RETURN NEXT;
        END LOOP;
        FOR i IN 1 .. cardinality(actual) LOOP
            IF state[i] = 0 AND actual[i] <> a_expected[i] THEN
                append := i; outcome := 1; n := actual[i]; m := 0; at := NULL;
                state[i] := 1; refused := true;
                RETURN NEXT;
            END IF;
        END LOOP;
    END IF;

    IF cardinality(u_append) > 0 THEN
        FOR r IN
            SELECT DISTINCT ON (u.append) u.append, u.index
            FROM unnest(u_append, u_index, u_take, u_scope, u_key) u(append, index, take, scope, key)
            JOIN unique_claims c ON c.scope = u.scope AND c.key = u.key
            WHERE u.take AND state[u.append] = 0
                AND (c.account_id, c.kind, c.stream_id) <> (a_account[u.append], a_kind[u.append], a_stream[u.append])
            ORDER BY u.append, u.index
        LOOP
            append := r.append; outcome := 4; n := r.index; m := 0; at := NULL;
            state[append] := 4; refused := true;
            RETURN NEXT;
        END LOOP;
    END IF;

    IF cardinality(c_append) > 0 THEN
        used := ARRAY(
            SELECT coalesce(c.used, 0)
            FROM unnest(k_scope) WITH ORDINALITY k(scope, i) LEFT JOIN counted_claims c ON c.scope = k.scope
            ORDER BY k.i
        );
        FOR i IN 1 .. cardinality(c_append) LOOP
            IF i = 1 OR c_append[i] <> c_append[i - 1] THEN
                first := i;
            END IF;
            CONTINUE WHEN state[c_append[i]] <> 0;
            j := c_counter[i];
            IF c_delta[i] <= 0 OR used[j] + c_delta[i] <= c_limit[i] THEN
                used[j] := used[j] + c_delta[i];
                CONTINUE;
            END IF;
            append := c_append[i]; outcome := 5; n := c_index[i]; m := used[j]; at := NULL;
            state[append] := 5; refused := true;
            RETURN NEXT;
            FOR j IN first .. i - 1 LOOP
                used[c_counter[j]] := used[c_counter[j]] - c_delta[j];
            END LOOP;
        END LOOP;
    END IF;

    IF refused THEN
        FOR i IN 1 .. cardinality(e_append) LOOP
            IF state[e_append[i]] <> 0 THEN
                skipped := skipped + 1;
            ELSE
                ahead[e_append[i]] := skipped;
            END IF;
        END LOOP;
        IF skipped = cardinality(e_append) THEN
            RETURN;
        END IF;
    END IF;

    INSERT INTO event_log (
        pos, id, account_id, kind, stream_id, revision, type, recorded_at, site_id, sector_id, actor,
        correlation_id, causation_id, command_id, request_id, data_hash, data, salt
    )
    SELECT head + e.i - ahead[e.append], e.id, e.account, e.kind, e.stream, e.revision, e.type, recorded, e.site, e.sector,
        e.actor, e.correlation, e.causation, e.command, e.request, e.hash, e.data, e.salt
    FROM unnest(
        e_append, e_account, e_kind, e_stream, e_revision, e_id, e_type, e_site, e_sector, e_actor,
        e_correlation, e_causation, e_command, e_request, e_hash, e_data, e_salt
    ) WITH ORDINALITY e(
        append, account, kind, stream, revision, id, type, site, sector, actor,
        correlation, causation, command, request, hash, data, salt, i
    )
    WHERE state[e.append] = 0;
    GET DIAGNOSTICS written = ROW_COUNT;

    IF cardinality(u_append) > 0 THEN
        DELETE FROM unique_claims c
        USING unnest(u_append, u_take, u_scope, u_key) u(append, take, scope, key)
        WHERE NOT u.take AND state[u.append] = 0 AND c.scope = u.scope AND c.key = u.key
            AND (c.account_id, c.kind, c.stream_id) = (a_account[u.append], a_kind[u.append], a_stream[u.append]);
        INSERT INTO unique_claims (scope, key, account_id, kind, stream_id, revision)
        SELECT DISTINCT u.scope, u.key, a_account[u.append], a_kind[u.append], a_stream[u.append], a_expected[u.append] + 1
        FROM unnest(u_append, u_take, u_scope, u_key) u(append, take, scope, key)
        WHERE u.take AND state[u.append] = 0
        ON CONFLICT (scope, key) DO UPDATE SET revision = excluded.revision;
    END IF;
    IF cardinality(c_append) > 0 THEN
        INSERT INTO counted_claims (scope, account_id, used)
        SELECT k.scope, k.account, k.used FROM unnest(k_scope, k_account, used) k(scope, account, used)
        ON CONFLICT (scope) DO UPDATE SET used = excluded.used;
    END IF;

    UPDATE event_head SET pos = head + written, recorded_at = recorded WHERE only_row;
    PERFORM pg_notify('event_log', (head + written)::text);
END
$$;
-- +goose StatementEnd

-- purge_stream blanks data and salt of a stream's events up to a revision.
-- Doing it again changes nothing.
-- +goose StatementBegin
CREATE FUNCTION purge_stream(account uuid, kind text, stream uuid, through bigint) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    UPDATE event_log l SET data = NULL, salt = NULL
    WHERE l.account_id = $1 AND l.kind = $2 AND l.stream_id = $3 AND l.revision <= $4 AND l.data IS NOT NULL;
$$;
-- +goose StatementEnd

REVOKE ALL ON FUNCTION append_events FROM PUBLIC;
REVOKE ALL ON FUNCTION purge_stream FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append_events TO igny8_appender;
GRANT EXECUTE ON FUNCTION purge_stream TO igny8_appender;

-- +goose Down
DROP FUNCTION purge_stream;
DROP FUNCTION append_events;
DROP TABLE counted_claims, unique_claims, event_log, event_head;
