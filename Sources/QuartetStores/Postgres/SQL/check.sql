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
WHERE o.type = 'analysis.requested' AND o.generation > 1 AND o.transaction >= $1::xid8
    AND o.aggregate_id COLLATE "C" > $2::uuid::text AND o.aggregate_id COLLATE "C" < $3::uuid::text
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
        convert_from(result, 'UTF8')::json, $7::int
    FROM completed
    ON CONFLICT (request_id) DO UPDATE SET
        completed_at = s.completed_at + interval '1 microsecond', card_count = excluded.card_count,
        digest = excluded.digest, analyzer = excluded.analyzer, result = excluded.result,
        fold_version = excluded.fold_version
        WHERE (s.card_count, s.digest, s.analyzer, s.result::text, s.fold_version)
            <> (excluded.card_count, excluded.digest, excluded.analyzer, excluded.result::text, excluded.fold_version)
    RETURNING s.request_id, s.completed_at
), event AS (
    INSERT INTO {outbox} (shard, type, aggregate_id, version, product_id, generation)
    SELECT (get_byte(uuid_send(c.request_id), 14) * 256 + get_byte(uuid_send(c.request_id), 15)) % $6::int,
        'analysis.completed', c.request_id::text, (extract(epoch FROM stored.completed_at) * 1000000)::bigint,
        c.product_id, c.generation
    FROM stored JOIN completed c USING (request_id)
), bell AS MATERIALIZED (
    SELECT pg_notify('quartet_outbox_events', '') WHERE EXISTS (SELECT FROM stored)
)
SELECT stored.request_id FROM stored LEFT JOIN bell ON true;

-- name: run_again
-- Opens completed requests that are still in the given generation again in the next one, without their results.
WITH reopened AS (
    UPDATE {analysis_requests} r SET status = 'queued', closed_at = NULL, generation = r.generation + 1
    FROM unnest($1::uuid[], $2::int[]) AS i (request_id, generation)
    WHERE r.request_id = i.request_id AND r.generation = i.generation AND r.status = 'completed'
    RETURNING r.request_id, r.product_id, r.generation
), gone AS (
    DELETE FROM {analysis_results} s USING reopened WHERE s.request_id = reopened.request_id
), event AS (
    INSERT INTO {outbox} (shard, type, aggregate_id, version, product_id, generation)
    SELECT (get_byte(uuid_send(request_id), 14) * 256 + get_byte(uuid_send(request_id), 15)) % $3::int,
        'analysis.requested', request_id::text, (extract(epoch FROM now()) * 1000000)::bigint, product_id, generation
    FROM reopened
), bell AS MATERIALIZED (
    SELECT pg_notify('quartet_outbox_queue', ''), pg_notify('quartet_outbox_events', '')
    WHERE EXISTS (SELECT FROM reopened)
)
SELECT reopened.request_id FROM reopened LEFT JOIN bell ON true;

-- name: waiting_rows
-- The shards of each sink with rows behind the cursor from before $1, how many rows wait there (up to $4), when the
-- oldest of those was written, and of which type the first one is. Shards without a cursor wait from the beginning.
--
-- A row's time is its transaction's beginning: one that took long stands behind rows that are younger than its own.
WITH cursor AS MATERIALIZED (
    SELECT k.sink, s.shard, coalesce(c.transaction, '0') AS transaction, coalesce(c.id, 0) AS id
    FROM unnest($2::text[]) AS k (sink)
        CROSS JOIN generate_series(
            0, greatest($3::int - 1, (SELECT max(shard) FROM {outbox_cursors} WHERE sink = ANY ($2)))) AS s (shard)
        LEFT JOIN {outbox_cursors} c ON c.sink = k.sink AND c.shard = s.shard
)
SELECT c.sink, c.shard, rest.count, rest.oldest, first.type
FROM cursor c
    CROSS JOIN LATERAL (
        SELECT o.type FROM {outbox} o
        WHERE o.shard = c.shard AND (o.transaction, o.id) > (c.transaction, c.id)
        ORDER BY o.transaction, o.id LIMIT 1
    ) first
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, min(o.occurred_at) AS oldest FROM (
            SELECT o.occurred_at FROM {outbox} o
            WHERE o.shard = c.shard AND (o.transaction, o.id) > (c.transaction, c.id)
            ORDER BY o.transaction, o.id LIMIT $4::bigint
        ) o
    ) rest
WHERE rest.oldest < $1::timestamptz
ORDER BY c.sink, c.shard;

-- name: cursors
SELECT sink, shard, transaction, id FROM {outbox_cursors} WHERE sink = ANY ($1::text[]) ORDER BY sink, shard;

-- name: ring
-- Where there is no cursor yet, no relay lives that could be woken.
SELECT pg_notify('quartet_outbox_queue', ''), pg_notify('quartet_outbox_events', '')
FROM (SELECT FROM {outbox_cursors} LIMIT 1) c;

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

-- name: walk_listings
SELECT listing_id, product_id, created_at FROM {listings}
WHERE listing_id > $1::uuid ORDER BY listing_id LIMIT $2::bigint;

-- name: listings_by_id
SELECT listing_id, product_id, created_at FROM {listings} WHERE listing_id = ANY ($1::uuid[]);
