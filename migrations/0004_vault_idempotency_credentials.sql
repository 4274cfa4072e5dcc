-- +goose Up

-- One key per person (subject): what their personal fields are sealed with.
-- The row outlives the key: "erased" is a fence that nothing passes again.
CREATE TABLE subject_keys (
    account_id uuid        NOT NULL,
    subject    uuid        NOT NULL,
    state      text        NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'erased')),
    master     text,
    wrapped    bytea,
    created_at timestamptz NOT NULL DEFAULT now(),
    erased_at  timestamptz,
    PRIMARY KEY (account_id, subject),
    CHECK (CASE state
        WHEN 'active' THEN master IS NOT NULL AND wrapped IS NOT NULL AND erased_at IS NULL
        ELSE master IS NULL AND wrapped IS NULL AND erased_at IS NOT NULL
    END)
);
CREATE INDEX subject_keys_by_master ON subject_keys (master) WHERE state = 'active';

-- +goose StatementBegin
CREATE FUNCTION keep_subject_erased() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'erased' THEN
        RAISE EXCEPTION 'subject % was erased', OLD.subject USING ERRCODE = 'integrity_constraint_violation';
    END IF;
    RETURN CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
END
$$;
-- +goose StatementEnd
CREATE TRIGGER subject_erased_for_ever BEFORE UPDATE OR DELETE ON subject_keys
    FOR EACH ROW EXECUTE FUNCTION keep_subject_erased();

ALTER TABLE subject_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE subject_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON subject_keys TO igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY across ON subject_keys TO igny8_appender USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE ON subject_keys TO igny8_appender;

-- Personal claims hold an HMAC of what they are about, so they go with the person.
-- A scope is global, or begins with its account.
-- +goose StatementBegin
CREATE FUNCTION drop_personal_claims(account uuid, subject uuid, scopes text[]) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = public, pg_temp AS $$
    WITH dropped AS (
        DELETE FROM unique_claims c
        WHERE c.account_id = account AND c.stream_id = subject
          AND (c.scope = ANY (scopes) OR c.scope IN (SELECT account::text || '/' || s FROM unnest(scopes) AS s))
        RETURNING 1
    )
    SELECT count(*) FROM dropped
$$;
-- +goose StatementEnd
REVOKE ALL ON FUNCTION drop_personal_claims(uuid, uuid, text[]) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION drop_personal_claims(uuid, uuid, text[]) TO igny8_appender;

-- The product's own keys: claim HMACs, token signing, cursors. No tenant's.
CREATE TABLE service_keys (
    purpose    text        NOT NULL,
    id         text        NOT NULL,
    master     text        NOT NULL,
    wrapped    bytea       NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (purpose, id)
);
GRANT SELECT, INSERT, UPDATE, DELETE ON service_keys TO igny8_appender;

-- Which command an Idempotency-Key stands for, and its answer. Anonymous
-- routes have the zero account.
CREATE TABLE idempotency_keys (
    account_id  uuid        NOT NULL,
    principal   text        NOT NULL,
    key         text        NOT NULL,
    fingerprint bytea       NOT NULL,
    command_id  uuid        NOT NULL,
    attempts    integer     NOT NULL DEFAULT 1,
    lease_until timestamptz NOT NULL,
    expires_at  timestamptz NOT NULL,
    status      integer,
    header      jsonb,
    body        bytea, -- sealed
    PRIMARY KEY (account_id, principal, key)
);
CREATE INDEX idempotency_keys_by_expiry ON idempotency_keys (expires_at);
ALTER TABLE idempotency_keys ENABLE ROW LEVEL SECURITY;
ALTER TABLE idempotency_keys FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON idempotency_keys TO igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY own ON idempotency_keys TO igny8_login
    USING (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid))
    WITH CHECK (account_id = (SELECT nullif(current_setting('app.account_id', true), '')::uuid));
CREATE POLICY see_expired ON idempotency_keys FOR SELECT TO igny8_login USING (expires_at <= now());
CREATE POLICY delete_expired ON idempotency_keys FOR DELETE TO igny8_login USING (expires_at <= now());
GRANT SELECT, INSERT, UPDATE, DELETE ON idempotency_keys TO igny8_login;

-- Password hashes, by the user's id: never in events, never for igny8_app.
CREATE TABLE credentials (
    account_id uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    hash       text        NOT NULL, -- PHC form, argon2id
    changed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, user_id)
);
ALTER TABLE credentials ENABLE ROW LEVEL SECURITY;
ALTER TABLE credentials FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON credentials TO igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY across ON credentials TO igny8_login USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON credentials TO igny8_login;

-- A family is one login: the chain of refresh tokens that began with it.
CREATE TABLE refresh_families (
    account_id uuid        NOT NULL,
    id         uuid        NOT NULL,
    user_id    uuid        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    used_at    timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    reason     text, -- logout, reuse, password, erased
    PRIMARY KEY (account_id, id)
);
CREATE INDEX refresh_families_by_user ON refresh_families (account_id, user_id);
CREATE INDEX refresh_families_by_expiry ON refresh_families (expires_at);
CREATE TABLE refresh_tokens (
    hash       bytea       NOT NULL PRIMARY KEY, -- SHA-256 of the token
    account_id uuid        NOT NULL,
    family_id  uuid        NOT NULL,
    issued_by  uuid        NOT NULL, -- the command that issued it
    expires_at timestamptz NOT NULL,
    used_at    timestamptz,
    used_by    uuid,                 -- the command that used it up
    FOREIGN KEY (account_id, family_id) REFERENCES refresh_families (account_id, id) ON DELETE CASCADE
);
CREATE INDEX refresh_tokens_by_family ON refresh_tokens (account_id, family_id);
ALTER TABLE refresh_families ENABLE ROW LEVEL SECURITY;
ALTER TABLE refresh_families FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON refresh_families TO igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY across ON refresh_families TO igny8_login USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON refresh_families TO igny8_login;
ALTER TABLE refresh_tokens ENABLE ROW LEVEL SECURITY;
ALTER TABLE refresh_tokens FORCE ROW LEVEL SECURITY;
CREATE POLICY owner ON refresh_tokens TO igny8_owner USING (true) WITH CHECK (true);
CREATE POLICY across ON refresh_tokens TO igny8_login USING (true) WITH CHECK (true);
GRANT SELECT, INSERT, UPDATE, DELETE ON refresh_tokens TO igny8_login;

-- +goose Down
DROP TABLE refresh_tokens, refresh_families, credentials, idempotency_keys, service_keys, subject_keys;
DROP FUNCTION keep_subject_erased(), drop_personal_claims(uuid, uuid, text[]);
