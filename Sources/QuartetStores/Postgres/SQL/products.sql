-- A batch comes as one array per column, each product once, sorted by id.

-- name: put_products
-- Creates products, and renames those that have another name than the given one. Gives what was changed.
WITH changed AS (
    INSERT INTO {products} AS p (product_id, name, version, created_at, updated_at)
    SELECT i.product_id, coalesce(i.name, i.product_id), (SELECT {first_version}()), now(), now()
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS i (product_id, name, place)
    ORDER BY i.place
    ON CONFLICT (product_id) DO UPDATE
        SET name = excluded.name, version = greatest(p.version + 1, excluded.version),
            updated_at = greatest(now(), p.created_at)
        WHERE p.name <> excluded.name AND p.product_id <> ALL ($3::text[])
    RETURNING product_id, name, version
), event AS MATERIALIZED (
    SELECT {emit}(
        'product.updated', array_agg(product_id), array_agg(version), array_agg(json_build_object('name', name)))
    FROM changed
)
SELECT changed.product_id, changed.name, changed.version FROM changed LEFT JOIN event ON true;

-- name: products_by_id
SELECT product_id, name, version FROM {products} WHERE product_id = ANY ($1::text[]);

-- name: products_after
SELECT product_id, name, version FROM {products} WHERE product_id > $1::text ORDER BY product_id LIMIT $2::bigint;
