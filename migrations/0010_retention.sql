-- +goose Up

-- legal_hold_in_force says what an account's events say last about a hold. Its
-- first statement waits, and makes a hold that is being confirmed wait, so that
-- a transaction that destroys something either sees the hold or was done before
-- it was confirmed (see await_purges).
-- +goose StatementBegin
CREATE FUNCTION legal_hold_in_force(account uuid) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('purge ' || account::text, 0));
    RETURN coalesce((
        SELECT l.type = 'tenancy.account.legal_hold_placed.v1' FROM event_log l
        WHERE l.account_id = account AND l.kind = 'tenancy.account' AND l.stream_id = account
            AND l.type IN ('tenancy.account.legal_hold_placed.v1', 'tenancy.account.legal_hold_lifted.v1')
        ORDER BY l.revision DESC LIMIT 1
    ), false);
END
$$;
-- +goose StatementEnd

-- refuse_held raises IG001 where a legal hold is in force.
-- +goose StatementBegin
CREATE FUNCTION refuse_held(account uuid) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
BEGIN
    IF legal_hold_in_force(account) THEN
        RAISE EXCEPTION 'a legal hold is in force in account %', account USING ERRCODE = 'IG001';
    END IF;
END
$$;
-- +goose StatementEnd

-- await_purges returns once the transactions that destroy something of the
-- account at this moment are done.
-- +goose StatementBegin
CREATE FUNCTION await_purges(account uuid) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp
AS $$
    SELECT pg_advisory_xact_lock(hashtextextended('purge ' || account::text, 0));
$$;
-- +goose StatementEnd

-- Under a legal hold no event of the account is blanked, by whatever function.
-- +goose StatementBegin
CREATE FUNCTION keep_held_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_held(c.account_id) FROM (SELECT DISTINCT account_id FROM changed) c;
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER events_held AFTER UPDATE ON event_log
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION keep_held_events();

-- A person's key outlasts a legal hold of their account.
-- +goose StatementBegin
CREATE FUNCTION keep_held_subject() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM refuse_held(NEW.account_id);
    RETURN NEW;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER subject_held BEFORE UPDATE ON subject_keys
    FOR EACH ROW WHEN (OLD.state = 'active' AND NEW.state = 'erased') EXECUTE FUNCTION keep_held_subject();

-- What was purged and is not blank yet: every Purged event up to purge_scan's
-- position, until what it stands for is destroyed.
CREATE TABLE purges (
    account_id uuid        NOT NULL,
    kind       text        NOT NULL,
    stream_id  uuid        NOT NULL,
    revision   bigint      NOT NULL, -- of the Purged event
    position   bigint      NOT NULL,
    event_id   uuid        NOT NULL,
    purged_at  timestamptz NOT NULL,
    waits_for  text, -- why it was not blanked when it was last looked at
    PRIMARY KEY (account_id, kind, stream_id)
);
CREATE INDEX purges_by_position ON purges (position);
ALTER TABLE purges ENABLE ROW LEVEL SECURITY;
ALTER TABLE purges FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON purges TO igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY across ON purges TO igny8_projector USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON purges TO igny8_projector;

-- How far the log was read for Purged events. Put back to 0, everything that
-- was ever purged is blanked once more, which changes nothing.
CREATE TABLE purge_scan (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    position bigint  NOT NULL
);
INSERT INTO purge_scan (position) VALUES (0);
GRANT SELECT, UPDATE ON purge_scan TO igny8_projector;

-- Who runs the schedules: the holder of the advisory lock, whose epoch this is.
CREATE TABLE scheduler_lease (
    only_row boolean     PRIMARY KEY DEFAULT true CHECK (only_row),
    epoch    bigint      NOT NULL DEFAULT 0,
    beat_at  timestamptz NOT NULL DEFAULT now()
);
INSERT INTO scheduler_lease DEFAULT VALUES;
GRANT SELECT, UPDATE ON scheduler_lease TO igny8_projector;

-- What is done periodically: when, and what became of it.
CREATE TABLE schedules (
    name        text        PRIMARY KEY,
    spec        text        NOT NULL,
    next_at     timestamptz NOT NULL,
    started_at  timestamptz, -- of the last run, or of the one that is running
    ended_at    timestamptz, -- null while it runs, and of one that was cut off
    detail      text        NOT NULL DEFAULT '', -- how far it is, or what it did
    error       text        NOT NULL DEFAULT '', -- why the last run failed
    failures    integer     NOT NULL DEFAULT 0,  -- in a row
    runs        bigint      NOT NULL DEFAULT 0
);
GRANT SELECT, INSERT, UPDATE ON schedules TO igny8_projector;

REVOKE ALL ON FUNCTION legal_hold_in_force(uuid), refuse_held(uuid), await_purges(uuid), keep_held_subject(), keep_held_events() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION legal_hold_in_force(uuid), refuse_held(uuid), await_purges(uuid) TO igny8_appender;

-- +goose Down

DROP TABLE schedules, scheduler_lease, purge_scan, purges;
DROP TRIGGER subject_held ON subject_keys;
DROP TRIGGER events_held ON event_log;
DROP FUNCTION keep_held_subject(), keep_held_events();
DROP FUNCTION refuse_held(uuid), legal_hold_in_force(uuid), await_purges(uuid);
