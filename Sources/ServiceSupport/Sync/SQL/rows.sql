-- The rows of one list: {raw} is its table.

-- name: put
-- $1 keys, each once, $2 the account's own ids, $3 what it says of them, $4 the account, $5 the full pass or NULL.
-- Writes those that are new or say something else; gives how many.
WITH incoming AS MATERIALIZED (
    SELECT i.raw_id, i.item_id, p.payload, sha256(convert_to(p.payload::text, 'UTF8')) AS payload_hash
    FROM unnest($1::text[], $2::text[], $3::text[]) AS i (raw_id, item_id, text)
        CROSS JOIN LATERAL (SELECT i.text::jsonb AS payload) p
), changed AS (
    INSERT INTO {raw} AS r (raw_id, {key}, item_id, payload, payload_hash, seen_pass, version)
    SELECT i.raw_id, $4::text, i.item_id, i.payload, i.payload_hash, $5::bigint, (SELECT {first_version}())
    FROM incoming i
    WHERE NOT EXISTS (
        SELECT FROM {raw} o
        WHERE o.raw_id = i.raw_id AND o.payload_hash = i.payload_hash AND o.deleted_at IS NULL)
    ORDER BY i.raw_id
    ON CONFLICT (raw_id) DO UPDATE
        SET item_id = excluded.item_id, payload = excluded.payload, payload_hash = excluded.payload_hash,
            seen_pass = coalesce(excluded.seen_pass, r.seen_pass), deleted_at = NULL,
            version = greatest(r.version + 1, excluded.version), updated_at = greatest(now(), r.created_at)
    RETURNING r.raw_id, r.item_id, r.payload, r.version
), stamped AS (
    UPDATE {raw} r SET seen_pass = $5 FROM incoming i
    WHERE $5 IS NOT NULL AND r.raw_id = i.raw_id AND r.payload_hash = i.payload_hash AND r.deleted_at IS NULL
        AND r.seen_pass IS DISTINCT FROM $5
), event AS MATERIALIZED (
    SELECT {emit}('{changed}', array_agg(c.raw_id), array_agg(c.version), array_agg(
        json_build_object('{key}', $4, 'item_id', c.item_id, 'item', c.payload)))
    FROM (SELECT * FROM changed ORDER BY raw_id) c WHERE {is_told}
)
SELECT count(*) FROM changed CROSS JOIN (SELECT count(*) FROM event) e;

-- name: meet
-- The rows $1 are there, whatever is said of them, as the full pass $2 has seen.
UPDATE {raw} SET seen_pass = $2::bigint
WHERE raw_id = ANY($1::text[]) AND deleted_at IS NULL AND seen_pass IS DISTINCT FROM $2;

-- name: check
-- Whether PostgreSQL can keep what is said of one row.
SELECT octet_length($1::text::jsonb::text);

-- name: has_rows
SELECT 1 FROM {raw} WHERE {key} = $1::text AND deleted_at IS NULL LIMIT 1;

-- name: remove_unmet
-- Of the next $4 rows of the account $1 behind the key $2, those that the full pass $3 did not meet are gone.
WITH page AS MATERIALIZED (
    SELECT raw_id, seen_pass FROM {raw}
    WHERE {key} = $1::text AND raw_id > $2::text AND deleted_at IS NULL
    ORDER BY raw_id LIMIT $4::bigint
), gone AS (
    UPDATE {raw} r
    SET deleted_at = now(), version = greatest(r.version + 1, (SELECT {first_version}())),
        updated_at = greatest(now(), r.created_at)
    FROM page p WHERE r.raw_id = p.raw_id AND p.seen_pass IS DISTINCT FROM $3::bigint
    RETURNING r.raw_id, r.version
), event AS MATERIALIZED (
    SELECT {emit}('{removed}', array_agg(g.raw_id), array_agg(g.version), array_agg('{}'::json))
    FROM (SELECT * FROM gone ORDER BY raw_id) g WHERE {is_told}
)
SELECT (SELECT max(raw_id) FROM page), (SELECT count(*) FROM gone), (SELECT count(*) FROM event);
