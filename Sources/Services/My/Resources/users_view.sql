-- The service my's own tables: read models in a database of their own.

-- name: apply_users
-- Each user once. What is newer stays.
INSERT INTO {users_view} AS v (user_id, nickname, name, email, profile_image, version, is_deleted, changed_at)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::boolean[], $8::timestamptz[])
    AS i (user_id, nickname, name, email, profile_image, version, is_deleted, changed_at)
ORDER BY user_id
ON CONFLICT (user_id) DO UPDATE
    SET nickname = excluded.nickname, name = excluded.name, email = excluded.email,
        profile_image = excluded.profile_image, version = excluded.version, is_deleted = excluded.is_deleted,
        changed_at = excluded.changed_at, applied_at = now()
    WHERE v.version < excluded.version;

-- name: fill_next
INSERT INTO {users_view}_next (user_id, nickname, name, email, profile_image, version, is_deleted, changed_at)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::boolean[], $8::timestamptz[])
ON CONFLICT DO NOTHING;

-- name: view_user
SELECT user_id, nickname, name, email, profile_image, version, is_deleted, changed_at
FROM {users_view} WHERE user_id = $1::uuid;

-- name: view_state
SELECT (SELECT count(*) FROM {users_view} WHERE NOT is_deleted), (SELECT max(changed_at) FROM {users_view}),
    p.copied_to, coalesce(p.copied_rows, 0), p.completed_at
FROM (VALUES (1)) one LEFT JOIN {projections} p ON p.name = $1::text;

-- name: begin_copy
-- Goes on where one that was cut off left it, unless it has ended.
INSERT INTO {projections} AS p (name) VALUES ($1::text)
ON CONFLICT (name) DO UPDATE
    SET copied_to = CASE WHEN p.completed_at IS NULL THEN p.copied_to END,
        copied_rows = CASE WHEN p.completed_at IS NULL THEN p.copied_rows ELSE 0 END, completed_at = NULL
RETURNING copied_to, copied_rows;

-- name: copied
UPDATE {projections} SET copied_to = $2::uuid, copied_rows = copied_rows + $3::bigint WHERE name = $1::text;

-- name: end_copy
UPDATE {projections} SET completed_at = now() WHERE name = $1::text;

-- name: make_next
DROP TABLE IF EXISTS {users_view}_next;
CREATE TABLE {users_view}_next (LIKE {users_view} INCLUDING ALL);

-- name: swap_next
-- What events brought since the copy began is newer than the copy, or not; a minute more, for those that were on the way.
LOCK TABLE {users_view} IN ACCESS EXCLUSIVE MODE;
INSERT INTO {users_view}_next AS n
SELECT v.* FROM {users_view} v
WHERE v.applied_at >= (SELECT min(applied_at) FROM {users_view}_next) - interval '1 minute'
ON CONFLICT (user_id) DO UPDATE
    SET nickname = excluded.nickname, name = excluded.name, email = excluded.email,
        profile_image = excluded.profile_image, version = excluded.version, is_deleted = excluded.is_deleted,
        changed_at = excluded.changed_at, applied_at = excluded.applied_at
    WHERE n.version < excluded.version;
DROP TABLE {users_view};
ALTER TABLE {users_view}_next RENAME TO users_view;

-- name: view_after
SELECT user_id, nickname, name, email, profile_image, version, is_deleted, changed_at
FROM {users_view} WHERE user_id > $1::uuid ORDER BY user_id LIMIT $2::bigint;

-- name: view_by_id
SELECT user_id, nickname, name, email, profile_image, version, is_deleted, changed_at
FROM {users_view} WHERE user_id = ANY ($1::uuid[]);

-- name: replace_users
-- The checker's, which also mends what is too new: a row that changed since it was looked at is left.
INSERT INTO {users_view} AS v (user_id, nickname, name, email, profile_image, version, is_deleted, changed_at)
SELECT i.user_id, i.nickname, i.name, i.email, i.profile_image, i.version, i.is_deleted, i.changed_at
FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::boolean[], $8::timestamptz[])
    AS i (user_id, nickname, name, email, profile_image, version, is_deleted, changed_at)
ORDER BY i.user_id
ON CONFLICT (user_id) DO UPDATE
    SET nickname = excluded.nickname, name = excluded.name, email = excluded.email,
        profile_image = excluded.profile_image, version = excluded.version, is_deleted = excluded.is_deleted,
        changed_at = excluded.changed_at, applied_at = now()
    WHERE v.version = (SELECT s.version FROM unnest($1, $9::bigint[]) AS s (user_id, version) WHERE s.user_id = v.user_id);

-- name: remove_users
DELETE FROM {users_view} v USING unnest($1::uuid[], $2::bigint[]) AS s (user_id, version)
WHERE v.user_id = s.user_id AND v.version = s.version;
