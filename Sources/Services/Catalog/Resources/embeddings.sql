-- What products are like. A batch comes as one array per column, each product once.

-- name: products_by_id
SELECT p.product_id, p.version, p.name, p.brand, c.name FROM {products} p
    LEFT JOIN {categories} c ON c.category_id = p.category_id AND c.deleted_at IS NULL
WHERE p.product_id = ANY ($1::text[]) AND p.deleted_at IS NULL;

-- name: products_after
SELECT p.product_id, p.version, p.name, p.brand, c.name FROM {products} p
    LEFT JOIN {categories} c ON c.category_id = p.category_id AND c.deleted_at IS NULL
WHERE p.product_id > $1::text AND p.deleted_at IS NULL ORDER BY p.product_id LIMIT $2::bigint;

-- name: products_of_category
SELECT p.product_id, p.version, p.name, p.brand, c.name FROM {products} p
    LEFT JOIN {categories} c ON c.category_id = p.category_id AND c.deleted_at IS NULL
WHERE p.category_id = $3::text AND p.product_id > $1::text AND p.deleted_at IS NULL
ORDER BY p.product_id LIMIT $2::bigint;

-- name: put_embeddings
-- $5 has the numbers of all of them, one's behind another's. What was made of an older version changes nothing, and the same
-- embedding is left as it is: most changes of a product are of its price.
WITH incoming AS MATERIALIZED (
    SELECT i.product_id, i.of_version,
        ($5::real[])[(i.place::integer - 1) * $4::integer + 1 : i.place::integer * $4::integer] AS embedding
    FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS i (product_id, of_version, place)
)
INSERT INTO {embeddings} AS e (product_id, model, dimension, embedding, of_version)
SELECT product_id, $3::text, $4::integer, embedding, of_version FROM incoming ORDER BY product_id
ON CONFLICT (product_id, model) DO UPDATE
    SET dimension = excluded.dimension, embedding = excluded.embedding, of_version = excluded.of_version, made_at = now()
    WHERE e.of_version <= excluded.of_version
        AND (e.dimension, e.embedding) IS DISTINCT FROM (excluded.dimension, excluded.embedding);

-- name: put_given_embedding
-- Gives the product, if it is there.
INSERT INTO {embeddings} AS e (product_id, model, dimension, embedding, of_version)
SELECT product_id, $2::text, cardinality($3::real[]), $3::real[], version FROM {products}
WHERE product_id = $1::text AND deleted_at IS NULL
ON CONFLICT (product_id, model) DO UPDATE
    SET dimension = excluded.dimension, embedding = excluded.embedding, of_version = excluded.of_version, made_at = now()
RETURNING product_id;

-- name: other_dimension
-- That a model has besides $2.
SELECT dimension FROM {embeddings} WHERE model = $1::text AND dimension <> $2::integer LIMIT 1;

-- name: drop_embeddings
-- Of products that were deleted.
DELETE FROM {embeddings} e USING {products} p
WHERE e.product_id = ANY ($1::text[]) AND p.product_id = e.product_id AND p.deleted_at IS NOT NULL;
