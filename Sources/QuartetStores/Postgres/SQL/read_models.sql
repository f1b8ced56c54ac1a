-- Every read model's statements. In angle brackets stands what its projection says: its table, key,
-- columns and source, and where its progress is kept.

-- name: apply
-- Each key once. What is newer stays.
INSERT INTO <table> AS v (<columns>)
SELECT <columns> FROM jsonb_populate_recordset(NULL::<table>, $1::jsonb) ORDER BY <key>
ON CONFLICT (<key>) DO UPDATE SET <updates>, applied_at = now() WHERE v.version < excluded.version;

-- name: state
SELECT (SELECT count(*) FROM <table> WHERE NOT is_deleted), last.version, last.changed_at, last.applied_at,
    coalesce(p.copied_rows, 0), p.completed_at, p.error, p.failed_at
FROM (VALUES (1)) one LEFT JOIN <progress> p ON p.name = $1::text
LEFT JOIN (SELECT version, changed_at, applied_at FROM <table> ORDER BY changed_at DESC LIMIT 1) last ON true;

-- name: position
SELECT max(changed_at) FROM <table>;

-- name: note_error
INSERT INTO <progress> AS p (name, error, failed_at) VALUES ($1::text, $2::text, now())
ON CONFLICT (name) DO UPDATE SET error = excluded.error, failed_at = excluded.failed_at;

-- name: source_state
SELECT (SELECT count(*) FROM (<source>) s WHERE NOT is_deleted),
    (SELECT changed_at FROM (<source>) s ORDER BY changed_at DESC LIMIT 1), clock_timestamp();

-- name: source_position
SELECT (SELECT changed_at FROM (<source>) s ORDER BY changed_at DESC LIMIT 1);

-- name: source_changed_since
SELECT count(*) FROM (<source>) s WHERE changed_at >= $1::timestamptz;

-- name: page_end
-- The last key of a page, if it is full. In the order of the key itself, not of its text.
SELECT <key>::text FROM (<source>) s WHERE <key> > $1::text::<key_type> ORDER BY s.<key> OFFSET $2::bigint - 1 LIMIT 1;

-- name: first_page_end
SELECT <key>::text FROM (<source>) s ORDER BY s.<key> OFFSET $1::bigint - 1 LIMIT 1;

-- name: page
COPY (SELECT <columns> FROM (<source>) s WHERE <range> ORDER BY <key>) TO STDOUT (FORMAT binary);

-- name: begin_copy
-- Goes on where one that was cut off left it, unless it has ended.
INSERT INTO <progress> AS p (name, holder) VALUES ($1::text, $2::text)
ON CONFLICT (name) DO UPDATE
    SET copied_to = CASE WHEN p.completed_at IS NULL THEN p.copied_to END,
        copied_rows = CASE WHEN p.completed_at IS NULL THEN p.copied_rows ELSE 0 END, completed_at = NULL,
        holder = excluded.holder, started_at = now()
RETURNING copied_to, copied_rows;

-- name: take_page
-- The page, and how far that is, in one transaction.
BEGIN;
CREATE TEMPORARY TABLE copied_page ON COMMIT DROP AS SELECT <columns> FROM <table> WITH NO DATA;

-- name: keep_page
INSERT INTO <table> AS v (<columns>) SELECT <columns> FROM copied_page ORDER BY <key>
ON CONFLICT (<key>) DO UPDATE SET <updates>, applied_at = now() WHERE v.version < excluded.version;

-- name: note_page
UPDATE <progress> SET copied_to = $2::text, copied_rows = copied_rows + $3::bigint WHERE name = $1::text;

-- name: end_copy
UPDATE <progress> SET completed_at = now() WHERE name = $1::text;

-- name: begin_rebuild
INSERT INTO <progress> AS p (name, holder) VALUES ($1::text, $2::text)
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, started_at = clock_timestamp();

-- name: make_next
DROP TABLE IF EXISTS <table>_next;
CREATE TABLE <table>_next (LIKE <table> INCLUDING ALL);

-- name: fill_next
COPY <table>_next (<columns>) FROM STDIN (FORMAT binary);

-- name: swap_next
-- What events brought since the copy began is newer than the copy, or not; a minute more, for those that were on the way.
-- The new one is of the old one's owner, and whoever may read that may read this.
LOCK TABLE <table> IN ACCESS EXCLUSIVE MODE;
INSERT INTO <table>_next AS v (<columns>, applied_at)
SELECT <columns>, applied_at FROM <table>
WHERE applied_at >= (SELECT started_at FROM <progress> WHERE name = '<name>') - interval '1 minute'
ON CONFLICT (<key>) DO UPDATE SET <updates>, applied_at = excluded.applied_at WHERE v.version < excluded.version;
DO $$
DECLARE own record;
BEGIN
    SELECT relowner::regrole AS owner INTO own FROM pg_class WHERE oid = '<table>'::regclass;
    EXECUTE format('ALTER TABLE <table>_next OWNER TO %s', own.owner);
    FOR own IN
        SELECT a.privilege_type, a.grantee, a.is_grantable FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = '<table>'::regclass AND a.grantee <> c.relowner
    LOOP
        EXECUTE format('GRANT %s ON <table>_next TO %s %s', own.privilege_type,
            CASE WHEN own.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(own.grantee)) END,
            CASE WHEN own.is_grantable THEN 'WITH GRANT OPTION' ELSE '' END);
    END LOOP;
END $$;
DROP TABLE <table>;
ALTER TABLE <table>_next RENAME TO <name>;
UPDATE <progress> SET completed_at = now(), copied_rows = (SELECT count(*) FROM <table>) WHERE name = '<name>';

-- name: holder
SELECT holder || ' since ' || to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC'
FROM <progress> WHERE name = $1::text;

-- name: is_kept
SELECT EXISTS (SELECT 1 FROM <table>)
    OR EXISTS (SELECT 1 FROM <progress> WHERE name = $1::text AND completed_at IS NOT NULL);

-- name: check_source
-- For the checker. Of what was deleted only the version counts.
SELECT <key>::text, version, is_deleted, changed_at, CASE WHEN is_deleted THEN '' ELSE md5(ROW(<values>)::text) END
FROM (<source>) s WHERE <key> > $1::text::<key_type> ORDER BY s.<key> LIMIT $2::bigint;

-- name: check_copy
SELECT <key>::text, version, is_deleted, changed_at, CASE WHEN is_deleted THEN '' ELSE md5(ROW(<values>)::text) END
FROM <table> WHERE <key> > $1::text::<key_type> ORDER BY <key> LIMIT $2::bigint;

-- name: check_source_keys
SELECT <key>::text, version, is_deleted, changed_at, CASE WHEN is_deleted THEN '' ELSE md5(ROW(<values>)::text) END
FROM (<source>) s WHERE <key> = ANY ($1::text[]::<key_type>[]);

-- name: check_copy_keys
SELECT <key>::text, version, is_deleted, changed_at, CASE WHEN is_deleted THEN '' ELSE md5(ROW(<values>)::text) END
FROM <table> WHERE <key> = ANY ($1::text[]::<key_type>[]);

-- name: source_documents
SELECT <key>::text, row_to_json(s)::text FROM (SELECT <columns> FROM (<source>) s WHERE <key> = ANY ($1::text[]::<key_type>[])) s;

-- name: copy_again
-- The checker's, which also mends what is too new: a row that changed since it was looked at is left.
INSERT INTO <table> AS v (<columns>) SELECT <columns> FROM jsonb_populate_recordset(NULL::<table>, $1::jsonb) ORDER BY <key>
ON CONFLICT (<key>) DO UPDATE SET <updates>, applied_at = now()
WHERE v.version = (
    SELECT s.version FROM unnest($2::text[], $3::bigint[]) AS s (key, version) WHERE s.key = v.<key>::text);

-- name: remove
DELETE FROM <table> v USING unnest($1::text[], $2::bigint[]) AS s (key, version)
WHERE v.<key> = s.key::<key_type> AND v.version = s.version;
