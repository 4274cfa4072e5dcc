-- +goose Up

DROP TABLE followers;

-- A consumer group's partitions are fixed when it first subscribes: the hash of
-- an aggregate's id picks one.
CREATE TABLE bus_groups (
    name       text        PRIMARY KEY,
    partitions integer     NOT NULL CHECK (partitions > 0),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- How far a group came in a partition. Whoever raised the epoch last works in
-- it; only at that epoch is a position written.
CREATE TABLE bus_partitions (
    group_name text    NOT NULL REFERENCES bus_groups (name) ON DELETE CASCADE,
    partition  integer NOT NULL,
    position   bigint  NOT NULL DEFAULT 0,
    epoch      bigint  NOT NULL DEFAULT 0,
    owner      uuid, -- of bus_members; one that is not there owns nothing
    PRIMARY KEY (group_name, partition)
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Processes that consume. Each holds an advisory lock of its id while its session
-- lives, and says again and again that it is not frozen.
CREATE TABLE bus_members (
    id          uuid        PRIMARY KEY,
    groups      text[]      NOT NULL,
    alive_until timestamptz NOT NULL,
    joined_at   timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Events that a group gave up, until somebody has them replayed.
CREATE TABLE bus_dead_letters (
    account_id      uuid        NOT NULL,
    group_name      text        NOT NULL,
    event_id        uuid        NOT NULL,
    position        bigint      NOT NULL,
    type            text        NOT NULL,
    stream          text        NOT NULL,
    request_id      text        NOT NULL,
    error           text        NOT NULL,
    attempts        integer     NOT NULL,
    first_failed_at timestamptz NOT NULL DEFAULT now(),
    last_failed_at  timestamptz NOT NULL DEFAULT now(),
    state           text        NOT NULL DEFAULT 'dead' CHECK (state IN ('dead', 'replaying', 'replayed')),
    PRIMARY KEY (account_id, group_name, event_id)
);
CREATE INDEX bus_dead_letters_open ON bus_dead_letters (group_name, position) WHERE state <> 'replayed';

-- Which events had their effect for a consumer. The row and the effect are
-- written in one transaction.
CREATE TABLE bus_inbox (
    account_id uuid        NOT NULL,
    consumer   text        NOT NULL,
    event_id   uuid        NOT NULL,
    position   bigint      NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, consumer, event_id)
) WITH (autovacuum_vacuum_scale_factor = 0.02);
CREATE INDEX bus_inbox_by_age ON bus_inbox (handled_at);

ALTER TABLE bus_dead_letters ENABLE ROW LEVEL SECURITY;
ALTER TABLE bus_dead_letters FORCE ROW LEVEL SECURITY;
ALTER TABLE bus_inbox        ENABLE ROW LEVEL SECURITY;
ALTER TABLE bus_inbox        FORCE ROW LEVEL SECURITY;

CREATE POLICY owner  ON bus_dead_letters TO igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY across ON bus_dead_letters TO igny8_projector USING (true) WITH CHECK (true);
CREATE POLICY owner  ON bus_inbox TO igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY across ON bus_inbox TO igny8_projector, igny8_appender USING (true) WITH CHECK (true);

GRANT SELECT, INSERT, UPDATE, DELETE ON bus_groups, bus_partitions, bus_members, bus_dead_letters TO igny8_projector;
GRANT SELECT, INSERT, UPDATE, DELETE ON bus_inbox TO igny8_projector, igny8_appender;

-- +goose Down

DROP TABLE bus_inbox, bus_dead_letters, bus_members, bus_partitions, bus_groups;
CREATE TABLE followers (
    name     text   PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
GRANT SELECT, INSERT, UPDATE ON followers TO igny8_projector;
