-- +goose Up

-- Files from their upload until they were read. One that is not complete, or
-- that nobody deleted, expires.
CREATE TABLE uploads (
    account_id uuid        NOT NULL,
    id         uuid        NOT NULL,
    name       text        NOT NULL,
    size       bigint, -- null until it is complete
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX uploads_by_expiry ON uploads (expires_at);
CREATE TABLE upload_chunks (
    account_id uuid   NOT NULL,
    upload_id  uuid   NOT NULL,
    n          int    NOT NULL,
    data       bytea  NOT NULL,
    PRIMARY KEY (account_id, upload_id, n),
    FOREIGN KEY (account_id, upload_id) REFERENCES uploads (account_id, id) ON DELETE CASCADE
);
ALTER TABLE upload_chunks ALTER COLUMN data SET STORAGE EXTERNAL;

ALTER TABLE uploads       ENABLE ROW LEVEL SECURITY;
ALTER TABLE uploads       FORCE ROW LEVEL SECURITY;
ALTER TABLE upload_chunks ENABLE ROW LEVEL SECURITY;
ALTER TABLE upload_chunks FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON uploads       TO igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY owner ON upload_chunks TO igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY own ON uploads TO igny8_app
    USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid))
    WITH CHECK (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
CREATE POLICY own ON upload_chunks TO igny8_app
    USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid))
    WITH CHECK (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
CREATE POLICY see_expired    ON uploads FOR SELECT TO igny8_projector USING (expires_at <= now());
CREATE POLICY delete_expired ON uploads FOR DELETE TO igny8_projector USING (expires_at <= now());
GRANT SELECT, INSERT, UPDATE, DELETE ON uploads TO igny8_app;
GRANT SELECT, INSERT, DELETE ON upload_chunks TO igny8_app;
GRANT SELECT, DELETE ON uploads TO igny8_projector;

-- +goose Down
DROP TABLE upload_chunks, uploads;
