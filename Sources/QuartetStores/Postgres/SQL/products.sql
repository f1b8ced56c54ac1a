-- A batch comes as one array per column, each product once, sorted by id.

-- name: put_products
-- Creates products, and renames those that have another name than the given one. Gives what was changed.
--
-- A product's shard of the outbox is made of a hash of its id that is the same on every server.
WITH changed AS (
    INSERT INTO {products} AS p (product_id, name, version, created_at, updated_at)
    SELECT i.product_id, coalesce(i.name, i.product_id), 1, now(), now()
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS i (product_id, name, place)
    ORDER BY i.place
    ON CONFLICT (product_id) DO UPDATE
        SET name = excluded.name, version = p.version + 1, updated_at = greatest(now(), p.created_at)
        WHERE p.name <> excluded.name AND p.product_id <> ALL ($4::text[])
    RETURNING product_id, name, version
), event AS (
    INSERT INTO {outbox} (shard, type, aggregate_id, version, product_id, generation)
    SELECT (get_byte(hash, 0) * 256 + get_byte(hash, 1)) % $3::int, 'product.updated', product_id, version,
        product_id, 0
    FROM changed CROSS JOIN LATERAL (SELECT sha256(convert_to(product_id, 'UTF8')) AS hash) h
), bell AS MATERIALIZED (
    SELECT pg_notify('quartet_outbox_events', '') WHERE EXISTS (SELECT FROM changed)
)
SELECT changed.product_id, changed.name, changed.version FROM changed LEFT JOIN bell ON true;

-- name: products_by_id
SELECT product_id, name, version FROM {products} WHERE product_id = ANY ($1::text[]);

-- name: products_after
SELECT product_id, name, version FROM {products} WHERE product_id > $1::text ORDER BY product_id LIMIT $2::bigint;
