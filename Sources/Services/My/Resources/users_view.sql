-- The service my's own tables: read models in a database of their own.

-- name: view_user
SELECT user_id, nickname, name, email, profile_image, version, is_deleted, changed_at, NULL::text
FROM {users_view} WHERE user_id = $1::uuid;
