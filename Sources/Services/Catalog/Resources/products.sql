-- Products by id and name, as the analyses know them. A batch comes as one array per column, each product once, sorted by id.

-- name: put_products
-- Creates products, and renames those that have another name than the given one; those of $3 were given none. One that was
-- deleted is there again. Gives what was changed.
WITH changed AS (
    INSERT INTO {products} AS p (product_id, name, version, created_at, updated_at)
    SELECT i.product_id, coalesce(i.name, i.product_id), (SELECT {first_version}()), now(), now()
    FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS i (product_id, name, place)
    ORDER BY i.place
    ON CONFLICT (product_id) DO UPDATE
        SET name = CASE WHEN p.product_id = ANY ($3::text[]) THEN p.name ELSE excluded.name END,
            version = greatest(p.version + 1, excluded.version), updated_at = greatest(now(), p.created_at),
            deleted_at = NULL
        WHERE (p.name <> excluded.name AND p.product_id <> ALL ($3)) OR p.deleted_at IS NOT NULL
    RETURNING *, CASE WHEN xmax = 0 THEN 'catalog.product.created' ELSE 'catalog.product.updated' END AS event_type
), event AS MATERIALIZED (
    SELECT {emit}(
        event_type, array_agg(product_id), array_agg(version), array_agg(json_build_object(
            'name', name, 'supplier_item_id', supplier_item_id, 'category_id', category_id, 'brand', brand,
            'currency', currency, 'price', price, 'list_price', list_price, 'discount_rate', discount_rate,
            'stock', stock)))
    FROM changed GROUP BY event_type
)
SELECT changed.product_id, changed.name, changed.version, NULL::json FROM changed
    CROSS JOIN (SELECT count(*) FROM event) e;

-- name: products_by_id
SELECT product_id, name, version, json_strip_nulls(json_build_object(
    'supplier_item_id', supplier_item_id, 'category_id', category_id, 'brand', brand, 'currency', currency,
    'price', price, 'list_price', list_price, 'discount_rate', discount_rate, 'stock', stock,
    'created_at', created_at, 'updated_at', updated_at))
FROM {products} WHERE product_id = ANY ($1::text[]) AND deleted_at IS NULL;

-- name: products_after
SELECT product_id, name, version, NULL::json FROM {products}
WHERE product_id > $1::text AND deleted_at IS NULL ORDER BY product_id LIMIT $2::bigint;
