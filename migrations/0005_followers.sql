-- +goose Up

-- How far each follower of the log came. Who holds the advisory lock of its
-- name follows.
CREATE TABLE followers (
    name     text   PRIMARY KEY,
    position bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 40, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);

GRANT SELECT, INSERT, UPDATE ON followers TO igny8_projector;

-- +goose Down

DROP TABLE followers;
