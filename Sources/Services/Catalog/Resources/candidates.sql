-- Products that could stand for what markets sell.

-- name: benchmark
SELECT name, brand, category FROM {benchmarks_view} WHERE benchmark_product_id = $1::text AND NOT is_deleted;

-- name: keep_candidates
-- $2 and $3: products and how much they are like it. What somebody decided about one stays; one that was deleted is there again.
WITH incoming AS (
    SELECT md5(octet_length($1::text) || ':' || $1::text || i.product_id) AS candidate_id, i.product_id, i.likeness
    FROM unnest($2::text[], $3::bigint[]) AS i (product_id, likeness)
)
INSERT INTO {sourcing_candidates} AS c (
    candidate_id, benchmark_product_id, product_id, model, likeness, version)
SELECT candidate_id, $1::text, product_id, $4::text, likeness, (SELECT {first_version}()) FROM incoming
ORDER BY candidate_id
ON CONFLICT (candidate_id) DO UPDATE
    SET model = excluded.model, likeness = excluded.likeness, deleted_at = NULL,
        status = CASE WHEN c.deleted_at IS NULL THEN c.status ELSE 'found' END,
        version = greatest(c.version + 1, excluded.version), updated_at = greatest(now(), c.created_at)
    WHERE c.deleted_at IS NOT NULL OR (c.model, c.likeness) IS DISTINCT FROM (excluded.model, excluded.likeness);
