-- What is set while processes run.

-- name: config
SELECT key, value, version, changed_at, changed_by, why FROM {system_config};

-- name: setting
SELECT key, value, version, changed_at, changed_by, why FROM {system_config} WHERE key = $1::text;

-- name: change_setting
-- Sets a value, or takes it back where that is null, if the version is the expected one: 0 where there was none, null for
-- any. What changes nothing is no change. The history goes with it, and the bell tells all processes.
WITH changed AS (
    INSERT INTO {system_config} AS c (key, value, version, changed_at, changed_by, why)
    SELECT $1::text, $2::text, (SELECT {first_version}()), now(), $4::text, $5::text
    WHERE (coalesce($3::bigint, 0) = 0 AND $2::text IS NOT NULL)
        OR EXISTS (SELECT FROM {system_config} WHERE key = $1::text)
    ON CONFLICT (key) DO UPDATE
        SET value = excluded.value, former_value = c.value, version = greatest(c.version + 1, excluded.version),
            changed_at = excluded.changed_at, changed_by = excluded.changed_by, why = excluded.why
        WHERE c.value IS DISTINCT FROM excluded.value AND ($3::bigint IS NULL OR c.version = $3::bigint)
    RETURNING key, value, former_value, version, changed_at, changed_by, why
), history AS (
    INSERT INTO {system_config_history} (key, version, old_value, new_value, changed_at, changed_by, why)
    SELECT key, version, former_value, value, changed_at, changed_by, why FROM changed
), bell AS MATERIALIZED (
    SELECT pg_notify('quartet_system', '') FROM changed
)
SELECT key, value, version, changed_at, changed_by, why FROM changed LEFT JOIN bell ON true;

-- name: setting_history
SELECT version, old_value, new_value, changed_at, changed_by, why FROM {system_config_history}
WHERE key = $1::text AND version < coalesce($2::bigint, 9223372036854775807)
ORDER BY version DESC LIMIT $3::bigint;
