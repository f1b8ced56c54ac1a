-- The service auth's own tables.

-- name: put_user
-- Creates a user, or makes it as it is said to be. The event goes with it.
WITH changed AS (
    INSERT INTO {users} AS u (
        user_id, nickname, gender, age, age_group, region, join_date, version, created_at, updated_at)
    VALUES (
        $1::uuid, $2::text, $6::text, $7::bigint, coalesce($8::text, ($7::bigint / 10 * 10)::text || 's'), $9::text,
        $10::text::date, (SELECT {first_version}()), now(), now())
    ON CONFLICT (user_id) DO UPDATE
        SET nickname = excluded.nickname, gender = excluded.gender, age = excluded.age,
            age_group = excluded.age_group, region = excluded.region, join_date = excluded.join_date, version = greatest(u.version + 1, excluded.version),
            updated_at = greatest(now(), u.created_at), deleted_at = NULL
    RETURNING user_id, nickname, gender, age, age_group, region, join_date, version, updated_at, xmax = 0 AS is_new
), profile AS (
    INSERT INTO {user_profiles} AS p (user_id, name, email, profile_image)
    SELECT user_id, $3::text, $4::text, $5::text FROM changed
    ON CONFLICT (user_id) DO UPDATE
        SET name = excluded.name, email = excluded.email, profile_image = excluded.profile_image
    RETURNING user_id, name, email, profile_image
), event AS MATERIALIZED (
    SELECT {emit}(
        CASE WHEN is_new THEN 'auth.user.created' ELSE 'auth.user.updated' END, user_id::text, version,
        json_build_object(
            'nickname', nickname, 'name', name, 'email', email, 'profile_image', profile_image, 'gender', gender,
            'age', age, 'age_group', age_group, 'region', region, 'join_date', join_date))
    FROM changed JOIN profile USING (user_id)
)
SELECT user_id, nickname, name, email, profile_image, version, false, updated_at, json_strip_nulls(json_build_object(
    'gender', gender, 'age', age, 'age_group', age_group, 'region', region, 'join_date', join_date))::text
FROM changed JOIN profile USING (user_id) LEFT JOIN event ON true;

-- name: delete_user
WITH changed AS (
    UPDATE {users} SET version = greatest(version + 1, (SELECT {first_version}())),
        updated_at = greatest(now(), created_at), deleted_at = now()
    WHERE user_id = $1::uuid AND deleted_at IS NULL
    RETURNING user_id, version
), profile AS (
    DELETE FROM {user_profiles} p USING changed WHERE p.user_id = changed.user_id
), event AS MATERIALIZED (
    SELECT {emit}('auth.user.deleted', user_id::text, version, '{}'::json) FROM changed
)
SELECT changed.version FROM changed LEFT JOIN event ON true;

-- name: user
SELECT u.user_id, u.nickname, p.name, p.email, p.profile_image, u.version, false, u.updated_at, json_strip_nulls(json_build_object(
    'gender', u.gender, 'age', u.age, 'age_group', u.age_group, 'region', u.region, 'join_date', u.join_date))::text
FROM {users} u JOIN {user_profiles} p USING (user_id) WHERE u.user_id = $1::uuid AND u.deleted_at IS NULL;
