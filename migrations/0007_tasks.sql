-- +goose Up

-- Tasks that wait, run, or are dead and may be replayed. What ended otherwise is
-- deleted: its events are what is known of it.
CREATE TABLE tasks (
    account_id     uuid        NOT NULL,
    id             uuid        NOT NULL,
    kind           text        NOT NULL,
    site_id        uuid,
    sector_id      uuid,
    request_id     text        NOT NULL,
    correlation_id uuid        NOT NULL,
    causation_id   uuid        NOT NULL, -- the event that asked for it
    position       bigint      NOT NULL, -- of that event
    input          json        NOT NULL,
    limit_ms       bigint      NOT NULL CHECK (limit_ms > 0),
    state          text        NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'dead')),
    run_at         timestamptz NOT NULL DEFAULT clock_timestamp(), -- not before
    cancel         boolean     NOT NULL DEFAULT false,
    attempt        integer     NOT NULL DEFAULT 0, -- with worker the fence: only who holds both may write
    last_attempt   integer     NOT NULL,           -- the number of the one after which it is dead
    worker         uuid,
    lease_until    timestamptz,
    saved          json,        -- what an attempt kept for the next one
    out            json,        -- what Do worked out, from which alone commands are made
    ending         json,        -- how it ends, once that is certain
    refused        boolean     NOT NULL DEFAULT false, -- dead for what it was asked with
    stage          text        NOT NULL DEFAULT '',
    done           bigint      NOT NULL DEFAULT 0,
    total          bigint      NOT NULL DEFAULT 0,
    changed_at     timestamptz NOT NULL DEFAULT clock_timestamp(), -- its state
    PRIMARY KEY (account_id, id),
    CHECK ((state = 'running') = (worker IS NOT NULL) AND (worker IS NULL) = (lease_until IS NULL))
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.02, autovacuum_vacuum_threshold = 1000);
CREATE INDEX tasks_waiting ON tasks (account_id, run_at, id) WHERE state = 'waiting';
CREATE INDEX tasks_running ON tasks (account_id) WHERE state = 'running';
CREATE INDEX tasks_by_worker ON tasks (worker) WHERE state = 'running';
CREATE INDEX tasks_cancelled ON tasks (account_id, id) WHERE state = 'waiting' AND cancel;
CREATE INDEX tasks_dead ON tasks (changed_at) WHERE state = 'dead';

-- The accounts that tasks were queued for, and when each was last served.
CREATE TABLE task_accounts (
    account_id uuid        PRIMARY KEY,
    served_at  timestamptz NOT NULL DEFAULT '-infinity',
    next_at    timestamptz -- no waiting task may start before; null where none waits
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
CREATE INDEX task_accounts_by_turn ON task_accounts (served_at, account_id) WHERE next_at IS NOT NULL;

ALTER TABLE tasks         ENABLE ROW LEVEL SECURITY;
ALTER TABLE tasks         FORCE ROW LEVEL SECURITY;
ALTER TABLE task_accounts ENABLE ROW LEVEL SECURITY;
ALTER TABLE task_accounts FORCE ROW LEVEL SECURITY;
CREATE POLICY every_account ON tasks         TO igny8_projector, igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY every_account ON task_accounts TO igny8_projector, igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY account ON tasks FOR SELECT TO igny8_app
    USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
GRANT SELECT, INSERT, UPDATE, DELETE ON tasks, task_accounts TO igny8_projector;
GRANT SELECT (account_id, id, state, stage, done, total) ON tasks TO igny8_app;

-- task_waits tells the workers and the account's turn of a task that waits.
-- +goose StatementBegin
CREATE FUNCTION task_waits() RETURNS trigger
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
BEGIN
    INSERT INTO task_accounts AS a (account_id, next_at) VALUES (NEW.account_id, NEW.run_at)
    ON CONFLICT (account_id) DO UPDATE SET next_at = excluded.next_at
    WHERE a.next_at IS NULL OR a.next_at > excluded.next_at;
    PERFORM pg_notify('tasks', CASE WHEN NEW.cancel THEN 'cancel' ELSE '' END);
    RETURN NULL;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER waits AFTER INSERT OR UPDATE OF state, run_at ON tasks
    FOR EACH ROW WHEN (NEW.state = 'waiting') EXECUTE FUNCTION task_waits();

-- claim_tasks leases up to free waiting tasks of the kinds to a worker, each of
-- the account that was served the longest ago. An account with cap tasks running
-- has no turn, and the last kept of free are for accounts with none running: then
-- idle is true. The account's row is locked in an earlier statement than its
-- running tasks are counted, so that two workers cannot both find room for the
-- last one; no worker waits for another's lock.
-- +goose StatementBegin
CREATE FUNCTION claim_tasks(by_worker uuid, of_kinds text[], free integer, kept integer, cap integer, lease interval)
RETURNS TABLE (task tasks, idle boolean)
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
DECLARE
    turn  uuid;
    tried uuid[] := '{}';
    busy  bigint;
    at    timestamptz := clock_timestamp();
BEGIN
    WHILE free > 0 LOOP
        SELECT a.account_id INTO turn FROM task_accounts a
        WHERE a.next_at <= at AND a.account_id <> ALL (tried)
        ORDER BY a.served_at, a.account_id LIMIT 1
        FOR UPDATE SKIP LOCKED;
        EXIT WHEN NOT FOUND;

        SELECT count(*) INTO busy FROM tasks t WHERE t.account_id = turn AND t.state = 'running';
        IF busy >= cap OR busy > 0 AND free <= kept THEN
            tried := tried || turn;
            CONTINUE;
        END IF;

        SELECT t.* INTO task FROM tasks t
        WHERE t.account_id = turn AND t.state = 'waiting' AND t.run_at <= at AND t.kind = ANY (of_kinds)
        ORDER BY t.run_at, t.id LIMIT 1
        FOR UPDATE SKIP LOCKED;
        IF NOT FOUND THEN
            UPDATE task_accounts a SET next_at = (SELECT min(t.run_at) FROM tasks t WHERE t.account_id = turn AND t.state = 'waiting')
            WHERE a.account_id = turn;
            tried := tried || turn;
            CONTINUE;
        END IF;

        UPDATE tasks t SET state = 'running', attempt = t.attempt + 1, worker = by_worker,
            lease_until = clock_timestamp() + lease, changed_at = clock_timestamp()
        WHERE t.account_id = turn AND t.id = task.id
        RETURNING t.* INTO task;
        UPDATE task_accounts a SET served_at = clock_timestamp() WHERE a.account_id = turn;
        idle := busy = 0;
        free := free - 1;
        RETURN NEXT;
    END LOOP;
END
$$;
-- +goose StatementEnd

-- free_lost_tasks lets others have the tasks whose lease has ended, and those of
-- workers that are gone: a worker holds the advisory lock of its name while it
-- lives. It gives how many there were. One process at a time looks.
-- +goose StatementBegin
CREATE FUNCTION free_lost_tasks() RETURNS bigint
LANGUAGE plpgsql SET search_path = public, pg_temp
AS $$
DECLARE
    gone  uuid[] := '{}';
    one   uuid;
    freed bigint;
BEGIN
    IF NOT pg_try_advisory_xact_lock(hashtextextended('lost tasks', 0)) THEN
        RETURN 0;
    END IF;
    FOR one IN SELECT DISTINCT t.worker FROM tasks t WHERE t.state = 'running' LOOP
        IF pg_try_advisory_xact_lock(hashtextextended('task worker ' || one, 0)) THEN
            gone := gone || one;
        END IF;
    END LOOP;
    UPDATE tasks t SET state = 'waiting', worker = NULL, lease_until = NULL, run_at = clock_timestamp(), changed_at = clock_timestamp()
    FROM (
        SELECT l.account_id, l.id FROM tasks l
        WHERE l.state = 'running' AND (l.worker = ANY (gone) OR l.lease_until < clock_timestamp())
        FOR UPDATE SKIP LOCKED
    ) lost
    WHERE t.account_id = lost.account_id AND t.id = lost.id;
    GET DIAGNOSTICS freed = ROW_COUNT;
    RETURN freed;
END
$$;
-- +goose StatementEnd

REVOKE ALL ON FUNCTION task_waits FROM PUBLIC;
REVOKE ALL ON FUNCTION claim_tasks FROM PUBLIC;
REVOKE ALL ON FUNCTION free_lost_tasks FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_tasks TO igny8_projector;
GRANT EXECUTE ON FUNCTION free_lost_tasks TO igny8_projector;

-- +goose Down
DROP TABLE tasks, task_accounts CASCADE;
DROP FUNCTION IF EXISTS claim_tasks, free_lost_tasks, task_waits;
