-- The service auth's own tables.

-- name: put_user
-- Creates a user, or makes it as it is said to be, if it has the version $11 (unless that is NULL), is there ($12) and is not ($13).
-- The event goes with it.
WITH changed AS (
    INSERT INTO {users} AS u (
        user_id, nickname, gender, age, age_group, region, join_date, version, created_at, updated_at)
    SELECT $1::uuid, $2::text, $6::text, $7::bigint, coalesce($8::text, ($7::bigint / 10 * 10)::text || 's'), $9::text,
        $10::text::date, (SELECT {first_version}()), now(), now()
    WHERE NOT $12::boolean OR EXISTS (SELECT FROM {users} WHERE user_id = $1 AND deleted_at IS NULL)
    ON CONFLICT (user_id) DO UPDATE
        SET nickname = excluded.nickname, gender = excluded.gender, age = excluded.age,
            age_group = excluded.age_group, region = excluded.region, join_date = excluded.join_date, version = greatest(u.version + 1, excluded.version),
            updated_at = greatest(now(), u.created_at), deleted_at = NULL
        WHERE ($11::bigint IS NULL OR u.version = $11) AND (NOT $12 OR u.deleted_at IS NULL)
            AND (NOT $13::boolean OR u.deleted_at IS NOT NULL)
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

-- name: put_users
-- One array for each column, each user once. Those that are so already are left alone; gives the ids and versions of the others.
-- OFFSET 0 has each looked up by its key: where nobody has analysed the table, it is thought so small that all of it is read instead.
WITH given AS MATERIALIZED (
    SELECT i.user_id, i.nickname, i.name, i.email, i.profile_image, i.gender, i.age,
        coalesce(i.age_group, (i.age / 10 * 10)::text || 's') AS age_group, i.region, i.join_date::date AS join_date
    FROM unnest(
            $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[],
            $10::text[])
        AS i (user_id, nickname, name, email, profile_image, gender, age, age_group, region, join_date)
), changed AS (
    INSERT INTO {users} AS u (
        user_id, nickname, gender, age, age_group, region, join_date, version, created_at, updated_at)
    SELECT user_id, nickname, gender, age, age_group, region, join_date, (SELECT {first_version}()), now(), now()
    FROM given g
    WHERE NOT EXISTS (
        SELECT FROM {users} o JOIN {user_profiles} p ON p.user_id = o.user_id
        WHERE o.user_id = g.user_id AND o.deleted_at IS NULL
            AND (o.nickname, o.gender, o.age, o.age_group, o.region, o.join_date, p.name, p.email, p.profile_image)
                IS NOT DISTINCT FROM
                (g.nickname, g.gender, g.age, g.age_group, g.region, g.join_date, g.name, g.email, g.profile_image)
        OFFSET 0)
    ORDER BY user_id
    ON CONFLICT (user_id) DO UPDATE
        SET nickname = excluded.nickname, gender = excluded.gender, age = excluded.age,
            age_group = excluded.age_group, region = excluded.region, join_date = excluded.join_date,
            version = greatest(u.version + 1, excluded.version), updated_at = greatest(now(), u.created_at),
            deleted_at = NULL
    RETURNING user_id, version, CASE WHEN xmax = 0 THEN 'auth.user.created' ELSE 'auth.user.updated' END AS event_type
), profile AS (
    INSERT INTO {user_profiles} AS p (user_id, name, email, profile_image)
    SELECT user_id, g.name, g.email, g.profile_image FROM changed JOIN given g USING (user_id) ORDER BY user_id
    ON CONFLICT (user_id) DO UPDATE
        SET name = excluded.name, email = excluded.email, profile_image = excluded.profile_image
), event AS MATERIALIZED (
    SELECT {emit}(event_type, array_agg(user_id::text), array_agg(version), array_agg(json_build_object(
        'nickname', nickname, 'name', name, 'email', email, 'profile_image', profile_image, 'gender', gender,
        'age', age, 'age_group', age_group, 'region', region, 'join_date', join_date)))
    FROM (SELECT * FROM changed JOIN given USING (user_id) ORDER BY user_id) c GROUP BY event_type
)
SELECT user_id::text, version FROM changed CROSS JOIN (SELECT count(*) FROM event) e;

-- name: delete_user
WITH changed AS (
    UPDATE {users} SET version = greatest(version + 1, (SELECT {first_version}())),
        updated_at = greatest(now(), created_at), deleted_at = now()
    WHERE user_id = $1::uuid AND deleted_at IS NULL AND ($2::bigint IS NULL OR version = $2)
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
