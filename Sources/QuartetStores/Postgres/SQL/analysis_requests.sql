-- Requests and their results. A batch comes as one array per column, sorted by request id, so that two batches that
-- meet in the same rows lock them in the same order: a lateral lookup that locks is done row by row in the array's
-- order.
--
-- Each change of a request raises its version and is an event of that version.

-- name: submit_requests
-- Stores the requests whose product exists and whose id and key are new, writes their events and rings the relays'
-- bell. Gives what was stored.
WITH stored AS (
    INSERT INTO {analysis_requests} (
        request_id, product_id, status, generation, version, idempotency_key, idempotency_fingerprint, created_at)
    SELECT i.request_id, i.product_id, 'queued', 1, (SELECT {first_version}()), i.idempotency_key,
        i.idempotency_fingerprint, now()
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[])
        WITH ORDINALITY AS i (request_id, product_id, idempotency_key, idempotency_fingerprint, place)
    WHERE EXISTS (SELECT FROM {products} p WHERE p.product_id = i.product_id)
    ORDER BY i.place
    ON CONFLICT DO NOTHING
    RETURNING request_id, product_id, generation, version
), event AS MATERIALIZED (
    SELECT {emit}(
        'analysis.requested', array_agg(request_id::text), array_agg(version),
        array_agg(json_build_object('product_id', product_id, 'generation', generation)))
    FROM stored
)
SELECT stored.request_id, now() AS created_at FROM stored LEFT JOIN event ON true;

-- name: known_products
SELECT product_id FROM {products} WHERE product_id = ANY ($1::text[]);

-- name: submitted_before
-- The requests that have one of these keys or ids.
SELECT request_id, product_id, status, generation, created_at, closed_at, failure, idempotency_key,
    idempotency_fingerprint
FROM {analysis_requests}
WHERE idempotency_key = ANY ($1::text[]) AND idempotency_key IS NOT NULL
UNION ALL
SELECT request_id, product_id, status, generation, created_at, closed_at, failure, idempotency_key,
    idempotency_fingerprint
FROM {analysis_requests}
WHERE request_id = ANY ($2::uuid[]);

-- name: requests_by_id
SELECT request_id, product_id, status, generation, created_at, closed_at, failure
FROM {analysis_requests} WHERE request_id = ANY ($1::uuid[]);

-- name: finalise_requests
-- Completes the requests that are still open, and stores results for just those. Gives what was completed, and the
-- results' versions, which are their times in microseconds.
--
-- A result's time is after that of its product's last one, also where the clock went back: by chance, since two may come at
-- once then.
WITH open AS MATERIALIZED (
    SELECT i.*
    FROM unnest($1::uuid[], $2::int[], $3::bytea[], $4::text[], $5::bytea[])
            AS i (request_id, card_count, digest, analyzer, result)
        CROSS JOIN LATERAL (
            SELECT FROM {analysis_requests} r WHERE r.request_id = i.request_id AND r.status = 'queued'
            FOR NO KEY UPDATE
        ) r
), closed AS (
    UPDATE {analysis_requests} r SET
        status = 'completed', closed_at = now(), version = greatest(r.version + 1, (SELECT {first_version}()))
    FROM open o WHERE r.request_id = o.request_id
    RETURNING r.request_id, r.product_id, r.generation, r.version, o.card_count, o.digest, o.analyzer, o.result
), dated AS MATERIALIZED (
    SELECT c.*, greatest(now(), last.completed_at + (1 + floor(random() * 1000)) * interval '1 microsecond')
        + (row_number() OVER (PARTITION BY c.product_id ORDER BY c.request_id) - 1) * interval '1 microsecond'
            AS completed_at
    FROM closed c
        LEFT JOIN LATERAL (
            SELECT completed_at FROM {analysis_results} r WHERE r.product_id = c.product_id
            ORDER BY completed_at DESC, request_id DESC LIMIT 1
        ) last ON true
), stored AS (
    INSERT INTO {analysis_results}
        (request_id, product_id, completed_at, card_count, digest, analyzer, result, fold_version)
    SELECT request_id, product_id, completed_at, card_count, digest, analyzer, convert_from(result, 'UTF8')::json,
        $6::int
    FROM dated
    ON CONFLICT DO NOTHING
), event AS MATERIALIZED (
    SELECT {emit}(
        'analysis.completed', array_agg(request_id::text), array_agg(version),
        array_agg(json_build_object(
            'product_id', product_id, 'generation', generation,
            'result_version', (extract(epoch FROM completed_at) * 1000000)::bigint)))
    FROM dated
)
SELECT dated.request_id, (extract(epoch FROM dated.completed_at) * 1000000)::bigint AS version
FROM dated LEFT JOIN event ON true;

-- name: fail_requests
-- Fails the requests that are still open in the generation that failed. Gives what was failed.
WITH open AS MATERIALIZED (
    SELECT i.*
    FROM unnest($1::uuid[], $2::int[], $3::text[]) AS i (request_id, generation, failure)
        CROSS JOIN LATERAL (
            SELECT FROM {analysis_requests} r
            WHERE r.request_id = i.request_id AND r.generation = i.generation AND r.status = 'queued'
            FOR NO KEY UPDATE
        ) r
), closed AS (
    UPDATE {analysis_requests} r SET
        status = 'failed', closed_at = now(), failure = o.failure,
        version = greatest(r.version + 1, (SELECT {first_version}()))
    FROM open o WHERE r.request_id = o.request_id
    RETURNING r.request_id, r.product_id, r.generation, r.version
), event AS MATERIALIZED (
    SELECT {emit}(
        'analysis.failed', array_agg(request_id::text), array_agg(version),
        array_agg(json_build_object('product_id', product_id, 'generation', generation)))
    FROM closed
)
SELECT closed.request_id FROM closed LEFT JOIN event ON true;

-- name: cancel_requests
-- Cancels the requests whose status is $2: 'queued', or 'failed' for those that nobody waits for any more. Gives what
-- was cancelled.
WITH open AS MATERIALIZED (
    SELECT i.request_id
    FROM unnest($1::uuid[]) AS i (request_id)
        CROSS JOIN LATERAL (
            SELECT FROM {analysis_requests} r WHERE r.request_id = i.request_id AND r.status = $2::text
            FOR NO KEY UPDATE
        ) r
), changed AS (
    UPDATE {analysis_requests} r SET
        status = 'cancelled', closed_at = now(), failure = NULL,
        version = greatest(r.version + 1, (SELECT {first_version}()))
    FROM open o WHERE r.request_id = o.request_id
    RETURNING r.request_id, r.product_id, r.generation, r.version
), event AS MATERIALIZED (
    SELECT {emit}(
        'analysis.cancelled', array_agg(request_id::text), array_agg(version),
        array_agg(json_build_object('product_id', product_id, 'generation', generation)))
    FROM changed
)
SELECT changed.request_id FROM changed LEFT JOIN event ON true;

-- name: retry_requests
-- Opens failed and cancelled requests again, each in its next generation. Gives what was opened.
WITH open AS MATERIALIZED (
    SELECT i.request_id
    FROM unnest($1::uuid[]) AS i (request_id)
        CROSS JOIN LATERAL (
            SELECT FROM {analysis_requests} r WHERE r.request_id = i.request_id AND r.status IN ('failed', 'cancelled')
            FOR NO KEY UPDATE
        ) r
), changed AS (
    UPDATE {analysis_requests} r SET
        status = 'queued', generation = r.generation + 1, closed_at = NULL, failure = NULL,
        version = greatest(r.version + 1, (SELECT {first_version}()))
    FROM open o WHERE r.request_id = o.request_id
    RETURNING r.request_id, r.product_id, r.generation, r.version
), event AS MATERIALIZED (
    SELECT {emit}(
        'analysis.requested', array_agg(request_id::text), array_agg(version),
        array_agg(json_build_object('product_id', product_id, 'generation', generation)))
    FROM changed
)
SELECT changed.request_id FROM changed LEFT JOIN event ON true;

-- name: results_by_id
SELECT request_id, product_id, (extract(epoch FROM completed_at) * 1000000)::bigint AS version, result
FROM {analysis_results} WHERE request_id = ANY ($1::uuid[]);

-- name: latest_results
-- One look into the index per product.
SELECT r.request_id, r.product_id, (extract(epoch FROM r.completed_at) * 1000000)::bigint AS version, r.result
FROM unnest($1::text[]) AS p (product_id)
    CROSS JOIN LATERAL (
        SELECT request_id, product_id, completed_at, result FROM {analysis_results}
        WHERE product_id = p.product_id
        ORDER BY completed_at DESC, request_id DESC LIMIT 1
    ) r;
