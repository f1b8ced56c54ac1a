-- Callers' keys.

-- name: keys
SELECT key_id, name, scope, created_at, created_by, expires_at, revoked_at, revoked_by, last_used_at
FROM {api_keys} WHERE key_id > $1::text ORDER BY key_id LIMIT $2::bigint;

-- name: key
SELECT key_id, name, scope, created_at, created_by, expires_at, revoked_at, revoked_by, last_used_at
FROM {api_keys} WHERE key_id = $1::text;

-- name: usable_keys
SELECT key_id, hash, name, scope, expires_at FROM {api_keys} WHERE revoked_at IS NULL;

-- name: create_key
-- Every process has all of them in memory: there is an end to how many they may be.
WITH created AS (
    INSERT INTO {api_keys} (key_id, hash, name, scope, expires_at, created_at, created_by)
    SELECT $1::text, $2::text, $3::text, $4::text, $5::timestamptz, now(), $6::text
    WHERE (SELECT count(*) FROM {api_keys} WHERE revoked_at IS NULL) < 10000
    ON CONFLICT DO NOTHING
    RETURNING key_id, name, scope, created_at, created_by, expires_at, revoked_at, revoked_by, last_used_at
), bell AS MATERIALIZED (
    SELECT pg_notify('quartet_system', '') FROM created
)
SELECT created.* FROM created LEFT JOIN bell ON true;

-- name: revoke_key
WITH revoked AS (
    UPDATE {api_keys} SET revoked_at = coalesce(revoked_at, now()), revoked_by = coalesce(revoked_by, $2::text)
    WHERE key_id = $1::text
    RETURNING key_id, name, scope, created_at, created_by, expires_at, revoked_at, revoked_by, last_used_at
), bell AS MATERIALIZED (
    SELECT pg_notify('quartet_system', '') FROM revoked
)
SELECT revoked.* FROM revoked LEFT JOIN bell ON true;

-- name: stamp_keys
UPDATE {api_keys} k SET last_used_at = greatest(k.last_used_at, used.at)
FROM unnest($1::text[], $2::timestamptz[]) AS used (id, at) WHERE k.key_id = used.id;
