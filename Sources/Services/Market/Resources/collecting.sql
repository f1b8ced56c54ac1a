-- Jobs that collect benchmark products, and what they collect.

-- name: waiting_jobs
-- Those that nobody has begun, or that a process left when it died.
SELECT job_id FROM {benchmark_collect_jobs}
WHERE deleted_at IS NULL AND url IS NOT NULL
    AND (status = 'waiting' OR (status = 'running' AND held_until < clock_timestamp()))
ORDER BY job_id LIMIT $1::bigint;

-- name: claim_job
-- A job that is done begins anew, any other one goes on where it was. Nothing if somebody else holds it.
UPDATE {benchmark_collect_jobs}
SET status = 'running', holder = $2::text, held_until = clock_timestamp() + $3::bigint * interval '1 millisecond',
    error = NULL, ended_at = NULL,
    started_at = CASE WHEN status = 'done' THEN now() ELSE coalesce(started_at, now()) END,
    cursor = CASE WHEN status <> 'done' THEN cursor END,
    pages = CASE WHEN status = 'done' THEN 0 ELSE pages END, found = CASE WHEN status = 'done' THEN 0 ELSE found END,
    changed = CASE WHEN status = 'done' THEN 0 ELSE changed END,
    refused = CASE WHEN status = 'done' THEN 0 ELSE refused END,
    version = greatest(version + 1, (SELECT {first_version}())), updated_at = greatest(now(), created_at)
WHERE job_id = $1::text AND deleted_at IS NULL AND url IS NOT NULL
    AND (holder IS NULL OR held_until < clock_timestamp())
RETURNING marketplace, query, url, token, cursor;

-- name: job_state
SELECT url IS NOT NULL, holder FROM {benchmark_collect_jobs} WHERE job_id = $1::text AND deleted_at IS NULL;

-- name: renew_job
UPDATE {benchmark_collect_jobs} SET held_until = clock_timestamp() + $3::bigint * interval '1 millisecond'
WHERE job_id = $1::text AND holder = $2::text AND deleted_at IS NULL
RETURNING pages;

-- name: advance_job
-- Behind a page: nothing if the right to it is lost.
UPDATE {benchmark_collect_jobs}
SET cursor = $4::text, pages = pages + 1, found = found + $5::bigint, changed = changed + $6::bigint,
    refused = refused + $7::bigint, held_until = clock_timestamp() + $3::bigint * interval '1 millisecond',
    version = version + 1, updated_at = greatest(now(), created_at)
WHERE job_id = $1::text AND holder = $2::text AND deleted_at IS NULL
RETURNING pages;

-- name: end_job
-- $4 says why it broke off, NULL at its end.
UPDATE {benchmark_collect_jobs}
SET status = $3::text, error = $4::text, ended_at = CASE WHEN $3 <> 'waiting' THEN now() END,
    cursor = CASE WHEN $3 <> 'done' THEN cursor END, holder = NULL, held_until = NULL,
    version = version + 1, updated_at = greatest(now(), created_at)
WHERE job_id = $1::text AND holder = $2::text
RETURNING pages, found, changed, refused;

-- name: put_benchmarks
-- $1 ids, each once; $10 the marketplace, $11 the job. Writes those that are new or say something else, whoever found them; one
-- that was deleted stays so. Gives how many.
WITH changed AS (
    INSERT INTO {benchmark_products} AS b (
        benchmark_product_id, marketplace, job_id, name, brand, category, url, currency, price, rating, reviews, version)
    SELECT i.id, $10::text, $11::text, i.name, i.brand, i.category, i.url, coalesce(i.currency, 'KRW'), i.price, i.rating,
        i.reviews, (SELECT {first_version}())
    FROM unnest(
            $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
            $9::bigint[])
            AS i (id, name, brand, category, url, currency, price, rating, reviews)
    ORDER BY i.id
    ON CONFLICT (benchmark_product_id) DO UPDATE
        SET marketplace = excluded.marketplace, job_id = excluded.job_id, name = excluded.name, brand = excluded.brand,
            category = excluded.category, url = excluded.url, currency = excluded.currency, price = excluded.price,
            rating = excluded.rating, reviews = excluded.reviews, collected_at = now(),
            version = greatest(b.version + 1, excluded.version), updated_at = greatest(now(), b.created_at)
        WHERE b.deleted_at IS NULL
            AND (b.marketplace, b.name, b.brand, b.category, b.url, b.currency, b.price, b.rating, b.reviews)
                IS DISTINCT FROM (
                excluded.marketplace, excluded.name, excluded.brand, excluded.category, excluded.url, excluded.currency,
                excluded.price, excluded.rating, excluded.reviews)
    RETURNING b.*, CASE WHEN xmax = 0 THEN 'market.benchmark.created' ELSE 'market.benchmark.updated' END AS event_type
), event AS MATERIALIZED (
    SELECT {emit}(
        event_type, array_agg(benchmark_product_id), array_agg(version), array_agg(json_build_object(
            'marketplace', marketplace, 'job_id', job_id, 'product_id', product_id, 'name', name, 'brand', brand,
            'category', category, 'url', url, 'currency', currency, 'price', price, 'rating', rating,
            'reviews', reviews, 'collected_at', collected_at)))
    FROM (SELECT * FROM changed ORDER BY benchmark_product_id) c GROUP BY event_type
)
SELECT count(*) FROM changed CROSS JOIN (SELECT count(*) FROM event) e;
