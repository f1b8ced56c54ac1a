-- The service my's own tables: read models in a database of their own.

-- name: view_user
SELECT user_id, nickname, name, email, profile_image, version, is_deleted, changed_at, NULL::text
FROM {users_view} WHERE user_id = $1::uuid;

-- name: view_after
SELECT user_id, nickname, name, email, profile_image, version, is_deleted, changed_at, NULL::text
FROM {users_view} WHERE user_id > $1::uuid ORDER BY user_id LIMIT $2::bigint;

-- name: view_by_id
SELECT user_id, nickname, name, email, profile_image, version, is_deleted, changed_at, NULL::text
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
