-- What the checker reads in chunks by key, and mends. A walk's statement reads one stretch of keys: at most $3 rows
-- behind $1, up to and including $2.

-- name: walk_requests
SELECT request_id, status, generation, created_at, closed_at FROM {analysis_requests}
WHERE request_id > $1::uuid AND request_id <= $2::uuid ORDER BY request_id LIMIT $3::bigint;

-- name: walk_results
SELECT request_id, card_count, digest FROM {analysis_results}
WHERE request_id > $1::uuid AND request_id <= $2::uuid ORDER BY request_id LIMIT $3::bigint;

-- name: walk_documents
SELECT request_id, card_count, digest, product_id, analyzer, result, fold_version FROM {analysis_results}
WHERE request_id > $1::uuid AND request_id <= $2::uuid ORDER BY request_id LIMIT $3::bigint;

-- name: documents_by_id
SELECT request_id, card_count, digest, product_id, analyzer, result, fold_version FROM {analysis_results}
WHERE request_id = ANY ($1::uuid[]);

-- name: reopened
-- Requests with keys behind $2 and below $3 that were opened again by transactions not older than $1, by an index of such
-- rows alone. Ids sort as text as they do as uuids, and not every aggregate's id is one.
SELECT o.aggregate_id::uuid AS request_id
FROM {outbox} o
WHERE o.type = 'analysis.requested' AND o.payload ->> 'generation' <> '1' AND o.transaction >= $1::xid8
    AND o.aggregate_id COLLATE "C" > $2::uuid::text AND o.aggregate_id COLLATE "C" < $3::uuid::text
    AND EXISTS (SELECT FROM {analysis_requests} r WHERE r.request_id = o.aggregate_id::uuid)
GROUP BY o.aggregate_id COLLATE "C", o.aggregate_id
ORDER BY o.aggregate_id COLLATE "C" LIMIT $4::bigint;

-- name: remove_uncompleted_results
-- Removes the results of requests that are not completed, or not there.
DELETE FROM {analysis_results} s
WHERE s.request_id = ANY ($1::uuid[])
    AND NOT EXISTS (
        SELECT FROM {analysis_requests} r WHERE r.request_id = s.request_id AND r.status = 'completed')
RETURNING s.request_id;

-- name: replace_results
-- Stores results of requests that are completed in place of those that differ, with the event that tells so. A result's time
-- moves by a microsecond, which makes it newer than what caches have of it, and leaves the product's latest result the latest.
WITH completed AS MATERIALIZED (
    SELECT i.*, r.product_id, r.generation, r.closed_at
    FROM unnest($1::uuid[], $2::int[], $3::bytea[], $4::text[], $5::bytea[])
            AS i (request_id, card_count, digest, analyzer, result)
        CROSS JOIN LATERAL (
            SELECT r.product_id, r.generation, r.closed_at FROM {analysis_requests} r
            WHERE r.request_id = i.request_id AND r.status = 'completed'
            FOR NO KEY UPDATE
        ) r
), stored AS (
    INSERT INTO {analysis_results} AS s
        (request_id, product_id, completed_at, card_count, digest, analyzer, result, fold_version)
    SELECT request_id, product_id, closed_at + interval '1 microsecond', card_count, digest, analyzer,
        convert_from(result, 'UTF8')::json, $6::int
    FROM completed
    ON CONFLICT (request_id) DO UPDATE SET
        completed_at = s.completed_at + interval '1 microsecond', card_count = excluded.card_count,
        digest = excluded.digest, analyzer = excluded.analyzer, result = excluded.result,
        fold_version = excluded.fold_version
        WHERE (s.card_count, s.digest, s.analyzer, s.result::text, s.fold_version)
            <> (excluded.card_count, excluded.digest, excluded.analyzer, excluded.result::text, excluded.fold_version)
    RETURNING s.request_id, s.completed_at
), raised AS (
    UPDATE {analysis_requests} r SET version = greatest(r.version + 1, (SELECT {first_version}()))
    FROM stored WHERE r.request_id = stored.request_id
    RETURNING r.request_id, r.version
), event AS MATERIALIZED (
    SELECT {emit}(
        'analysis.completed', array_agg(c.request_id::text), array_agg(raised.version),
        array_agg(json_build_object(
            'product_id', c.product_id, 'generation', c.generation,
            'result_version', (extract(epoch FROM stored.completed_at) * 1000000)::bigint)))
    FROM stored JOIN completed c USING (request_id) JOIN raised USING (request_id)
)
SELECT stored.request_id FROM stored LEFT JOIN event ON true;

-- name: run_again
-- Opens completed requests that are still in the given generation again in the next one, without their results.
WITH reopened AS (
    UPDATE {analysis_requests} r SET
        status = 'queued', closed_at = NULL, generation = r.generation + 1,
        version = greatest(r.version + 1, (SELECT {first_version}()))
    FROM unnest($1::uuid[], $2::int[]) AS i (request_id, generation)
    WHERE r.request_id = i.request_id AND r.generation = i.generation AND r.status = 'completed'
    RETURNING r.request_id, r.product_id, r.generation, r.version
), gone AS (
    DELETE FROM {analysis_results} s USING reopened WHERE s.request_id = reopened.request_id
), event AS MATERIALIZED (
    SELECT {emit}(
        'analysis.requested', array_agg(request_id::text), array_agg(version),
        array_agg(json_build_object('product_id', product_id, 'generation', generation)))
    FROM reopened
)
SELECT reopened.request_id FROM reopened LEFT JOIN event ON true;

-- name: latest_versions
-- The version of each product's latest result and when it came about.
SELECT p.product_id, (extract(epoch FROM r.completed_at) * 1000000)::bigint AS version, r.completed_at
FROM unnest($1::text[]) AS p (product_id)
    CROSS JOIN LATERAL (
        SELECT completed_at FROM {analysis_results} WHERE product_id = p.product_id
        ORDER BY completed_at DESC, request_id DESC LIMIT 1
    ) r;

-- name: product_versions
SELECT product_id, version, updated_at FROM {products} WHERE product_id = ANY ($1::text[]);
