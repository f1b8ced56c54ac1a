-- Sweeps of the checker and what they found. All of it is written by the holder of the advisory lock.

-- name: running
-- Who is recorded as running a sweep.
SELECT holder FROM {consistency_sweeps} WHERE state = 'running' ORDER BY started_at DESC LIMIT 1;

-- name: unfinished
SELECT sweep_id, settings, is_full, settled_before, since, first_key, progress, resumes FROM {consistency_sweeps}
WHERE state = 'running' AND options = $1::text ORDER BY started_at DESC LIMIT 1;

-- name: last_finished
SELECT sweep_id, settings, is_full, settled_before, since, first_key, progress, resumes FROM {consistency_sweeps}
WHERE state = 'finished' AND is_whole AND (is_full OR NOT $1::boolean) ORDER BY started_at DESC LIMIT 1;

-- name: begin_sweep
WITH abandoned AS (
    UPDATE {consistency_sweeps} SET state = 'abandoned' WHERE state = 'running'
), old AS (
    DELETE FROM {consistency_sweeps}
    WHERE state IN ('finished', 'abandoned') AND started_at < now() - $10::float8 * interval '1 second'
)
INSERT INTO {consistency_sweeps} (
    sweep_id, state, holder, options, settings, is_whole, is_full, settled_before, since, first_key, progress,
    started_at)
VALUES (
    $1::uuid, 'running', $2::text, $3::text, convert_from($4::bytea, 'UTF8')::json, $5::boolean, $6::boolean,
    $7::timestamptz, $8::timestamptz, $9::uuid, convert_from($11::bytea, 'UTF8')::json, now());

-- name: resume_sweep
UPDATE {consistency_sweeps} SET holder = $2::text, resumes = $3::int WHERE sweep_id = $1::uuid AND state = 'running';

-- name: save_sweep
UPDATE {consistency_sweeps} SET progress = convert_from($2::bytea, 'UTF8')::json
WHERE sweep_id = $1::uuid AND state = 'running';

-- name: record_findings
-- Records findings, each once, with an event for each of the first ones.
--
-- An event belongs to no product; "-" stands in its place. Its subject is the invariant, the kind and the key.
WITH before AS MATERIALIZED (
    SELECT count(*) AS count FROM (
        SELECT FROM {consistency_findings} WHERE sweep_id = $1::uuid LIMIT $11::bigint
    ) f
), found AS (
    INSERT INTO {consistency_findings} (
        sweep_id, kind, key, invariant, detail, since, found_at, is_repaired, action, before, after)
    SELECT $1, i.kind, i.key, i.invariant, i.detail, i.since, now(), i.is_repaired, i.action, i.before, i.after
    FROM unnest(
            $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::boolean[], $8::text[], $9::text[],
            $10::text[])
        AS i (kind, key, invariant, detail, since, is_repaired, action, before, after)
    ON CONFLICT (sweep_id, kind, key) DO UPDATE SET
        is_repaired = excluded.is_repaired, action = excluded.action, before = excluded.before, after = excluded.after
    RETURNING kind, key, invariant, detail
), event AS MATERIALIZED (
    SELECT {emit}(
        'consistency.finding', array_agg(invariant || '/' || kind || '/' || key),
        array_agg((extract(epoch FROM now()) * 1000000)::bigint),
        array_agg(json_build_object(
            'sweep_id', $1::uuid, 'invariant', invariant, 'kind', kind, 'key', key, 'detail', detail)))
    FROM (SELECT found.*, row_number() OVER () + before.count AS number FROM found CROSS JOIN before) f
    WHERE number <= $11
)
SELECT count(*) FROM found LEFT JOIN event ON true;

-- name: remaining
SELECT DISTINCT key FROM {consistency_findings}
WHERE sweep_id = $1::uuid AND kind = ANY ($2::text[]) AND NOT is_repaired LIMIT $3::bigint;

-- name: summary
SELECT invariant, kind, count(*), count(*) FILTER (WHERE is_repaired), min(since)
FROM {consistency_findings} WHERE sweep_id = $1::uuid GROUP BY invariant, kind;

-- name: examples
SELECT f.invariant, f.kind, f.key, f.detail, f.since, f.is_repaired, f.action, f.before, f.after
FROM unnest($2::text[]) AS k (kind)
    CROSS JOIN LATERAL (
        SELECT * FROM {consistency_findings} f WHERE f.sweep_id = $1::uuid AND f.kind = k.kind
        ORDER BY f.key LIMIT $3::bigint
    ) f;

-- name: finish_sweep
UPDATE {consistency_sweeps} SET state = 'finished', finished_at = clock_timestamp(), findings = $2::bigint,
    repaired = $3::bigint, progress = convert_from($4::bytea, 'UTF8')::json
WHERE sweep_id = $1::uuid AND state = 'running'
RETURNING started_at, finished_at;
