-- +goose Up

-- How far each projection's version has read, and who feeds it: whoever raised
-- the epoch last. Read models themselves are made by the projections kernel.
CREATE TABLE projection_checkpoints (
    name        text        NOT NULL,
    version     integer     NOT NULL,
    position    bigint      NOT NULL,
    epoch       bigint      NOT NULL DEFAULT 0,
    recorded_at timestamptz,
    shape       text        NOT NULL,
    built_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (name, version)
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

-- Accounts whose events wait in a projection, from a position on, because the
-- event there could not be applied.
CREATE TABLE projection_parked (
    account_id uuid        NOT NULL,
    name       text        NOT NULL,
    version    integer     NOT NULL,
    position   bigint      NOT NULL,
    error      text        NOT NULL,
    attempts   integer     NOT NULL DEFAULT 1,
    parked_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, name, version)
);

ALTER TABLE projection_parked ENABLE ROW LEVEL SECURITY;
ALTER TABLE projection_parked FORCE ROW LEVEL SECURITY;
CREATE POLICY account ON projection_parked FOR SELECT TO igny8_app
    USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
CREATE POLICY every_account ON projection_parked TO igny8_projector, igny8_owner USING (true) WITH CHECK (true);

GRANT SELECT (name, version, position) ON projection_checkpoints TO igny8_app;
GRANT SELECT (account_id, name, version) ON projection_parked TO igny8_app;
GRANT SELECT, UPDATE ON projection_checkpoints TO igny8_projector;
GRANT SELECT, INSERT, UPDATE, DELETE ON projection_parked TO igny8_projector;

-- +goose Down

DROP TABLE projection_parked, projection_checkpoints;
