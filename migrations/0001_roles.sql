-- The login roles of igny8 and their rights on the schema.
-- Roles belong to the whole server, so this file is not recorded as done: it
-- runs, as the administrator, before every migration, and changes nothing the
-- second time. Passwords, and rights on the database, are set in Go. Rights on tables stand beside the tables.
-- +goose Up
-- +goose StatementBegin
DO $$
DECLARE
    role text;
    mine CONSTANT text[] := ARRAY['igny8_owner', 'igny8_app', 'igny8_appender', 'igny8_projector', 'igny8_login', 'igny8_platform'];
BEGIN
    FOREACH role IN ARRAY mine LOOP
        IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role) THEN
            BEGIN
                EXECUTE format('CREATE ROLE %I LOGIN', role);
            EXCEPTION WHEN duplicate_object OR unique_violation THEN
                NULL; -- another database's migration on this server was faster
            END;
        END IF;
    END LOOP;

    SELECT rolname INTO role FROM pg_roles
    WHERE rolname = ANY (mine)
      AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication OR NOT rolcanlogin);
    IF FOUND THEN
        RAISE EXCEPTION 'role % has more, or fewer, rights than igny8 gives it', role
            USING HINT = 'ALTER ROLE ' || role || ' LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOCREATEDB NOREPLICATION';
    END IF;

    SELECT m.rolname INTO role FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member
    WHERE m.rolname = ANY (mine) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'role % is a member of another role, whose rights it could take', role
            USING HINT = 'REVOKE that membership';
    END IF;
END
$$;
-- +goose StatementEnd
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE ON SCHEMA public TO igny8_app, igny8_appender, igny8_projector, igny8_login, igny8_platform;
GRANT USAGE, CREATE ON SCHEMA public TO igny8_owner;
