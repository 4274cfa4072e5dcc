-- +goose Up

-- The state of a long stream after a revision, so that its events need not be
-- read anew. Losing one loses nothing.
CREATE TABLE snapshots (
    account_id uuid        NOT NULL,
    kind       text        NOT NULL,
    stream_id  uuid        NOT NULL,
    version    integer     NOT NULL, -- of the state's form
    revision   bigint      NOT NULL,
    data       bytea       NOT NULL,
    taken_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, kind, stream_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE snapshots ALTER data SET STORAGE EXTERNAL; -- compressing 100 kB takes longer than writing it.

ALTER TABLE snapshots ENABLE ROW LEVEL SECURITY;
ALTER TABLE snapshots FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON snapshots TO igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY across ON snapshots FOR SELECT TO igny8_appender USING (true);
GRANT SELECT ON snapshots TO igny8_appender;

-- keep_snapshot replaces a stream's snapshot, unless the kept one is of the same
-- version and not older, and tells whether it did. It keeps none of a purged
-- stream: the lock on the first event, which a purge changes, makes one of them
-- wait for the other.
-- +goose StatementBegin
CREATE FUNCTION keep_snapshot(account uuid, kind text, stream uuid, version integer, revision bigint, data bytea) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    PERFORM FROM event_log l
    WHERE l.account_id = $1 AND l.kind = $2 AND l.stream_id = $3 AND l.revision = 1 AND l.data IS NOT NULL FOR SHARE;
    IF NOT FOUND THEN
        RETURN false;
    END IF;
    INSERT INTO snapshots AS s (account_id, kind, stream_id, version, revision, data) VALUES ($1, $2, $3, $4, $5, $6)
    ON CONFLICT (account_id, kind, stream_id) DO UPDATE
        SET version = excluded.version, revision = excluded.revision, data = excluded.data, taken_at = now()
        WHERE s.version <> excluded.version OR s.revision < excluded.revision;
    RETURN FOUND;
END
$$;
-- +goose StatementEnd

-- What is purged lives on in no snapshot.
-- +goose StatementBegin
CREATE FUNCTION drop_purged_snapshot() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    DELETE FROM snapshots s WHERE s.account_id = OLD.account_id AND s.kind = OLD.kind AND s.stream_id = OLD.stream_id;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER drop_purged_snapshot AFTER UPDATE OF data ON event_log
    FOR EACH ROW WHEN (OLD.revision = 1 AND NEW.data IS NULL) EXECUTE FUNCTION drop_purged_snapshot();

REVOKE ALL ON FUNCTION keep_snapshot FROM PUBLIC;
REVOKE ALL ON FUNCTION drop_purged_snapshot FROM PUBLIC;
GRANT EXECUTE ON FUNCTION keep_snapshot TO igny8_appender;

-- +goose Down
DROP TRIGGER drop_purged_snapshot ON event_log;
DROP FUNCTION drop_purged_snapshot;
DROP FUNCTION keep_snapshot;
DROP TABLE snapshots;
