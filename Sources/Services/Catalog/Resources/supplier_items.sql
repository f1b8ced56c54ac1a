-- Products as their suppliers want them. A batch comes as one array per column, each item once.

-- name: apply_items
-- Makes products, and changes those that stand on older items. An item's product is the one that names it, else the one of the
-- item's own key. What the supplier does not name of brand, category, currency and stock stays; one that the shop deleted
-- stays deleted.
WITH incoming AS MATERIALIZED (
    SELECT DISTINCT ON (product_id)
        coalesce(l.product_id, i.item_key) AS product_id, i.item_key, i.supplier_version, i.name,
        coalesce(i.brand, p.brand) AS brand, coalesce(c.category_id, p.category_id) AS category_id,
        coalesce(i.currency, p.currency, 'KRW') AS currency, i.price, i.list_price,
        coalesce(i.stock, p.stock, 0) AS stock
    FROM unnest(
            $1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[],
            $9::bigint[])
            AS i (item_key, supplier_version, name, brand, category_key, currency, price, list_price, stock)
        LEFT JOIN {products} l ON l.supplier_item_id = i.item_key AND l.deleted_at IS NULL
        LEFT JOIN {products} p ON p.product_id = coalesce(l.product_id, i.item_key)
        LEFT JOIN {categories} c ON c.category_id = i.category_key AND c.deleted_at IS NULL
    ORDER BY product_id, l.product_id NULLS LAST
), before AS MATERIALIZED (
    SELECT product_id, version FROM {products} WHERE product_id IN (SELECT product_id FROM incoming)
), applied AS (
    INSERT INTO {products} AS p (
        product_id, supplier_item_id, supplier_version, name, brand, category_id, currency, price, list_price, stock,
        version, created_at, updated_at)
    SELECT product_id, item_key, supplier_version, name, brand, category_id, currency, price, list_price, stock,
        (SELECT {first_version}()), now(), now()
    FROM incoming ORDER BY product_id
    ON CONFLICT (product_id) DO UPDATE
        SET supplier_item_id = excluded.supplier_item_id, supplier_version = excluded.supplier_version,
            name = excluded.name, brand = excluded.brand, category_id = excluded.category_id,
            currency = excluded.currency, price = excluded.price, list_price = excluded.list_price,
            stock = excluded.stock,
            (version, updated_at) = (
                SELECT CASE WHEN d.differs THEN greatest(p.version + 1, excluded.version) ELSE p.version END,
                    CASE WHEN d.differs THEN greatest(now(), p.created_at) ELSE p.updated_at END
                FROM (SELECT (
                    p.supplier_item_id, p.name, p.brand, p.category_id, p.currency, p.price, p.list_price, p.stock)
                    IS DISTINCT FROM (
                    excluded.supplier_item_id, excluded.name, excluded.brand, excluded.category_id, excluded.currency,
                    excluded.price, excluded.list_price, excluded.stock) AS differs) d)
        WHERE p.deleted_at IS NULL AND coalesce(p.supplier_version, 0) < excluded.supplier_version
            AND (p.supplier_item_id IS NULL OR p.supplier_item_id = excluded.supplier_item_id)
    RETURNING p.*
), changed AS (
    SELECT a.*,
        CASE WHEN b.product_id IS NULL THEN 'catalog.product.created' ELSE 'catalog.product.updated' END AS event_type
    FROM applied a LEFT JOIN before b USING (product_id) WHERE a.version IS DISTINCT FROM b.version
), event AS MATERIALIZED (
    SELECT {emit}(
        event_type, array_agg(product_id), array_agg(version), array_agg(json_build_object(
            'name', name, 'supplier_item_id', supplier_item_id, 'category_id', category_id, 'brand', brand,
            'currency', currency, 'price', price, 'list_price', list_price, 'discount_rate', discount_rate,
            'stock', stock)))
    FROM (SELECT * FROM changed ORDER BY product_id) c GROUP BY event_type
)
SELECT count(*) FROM changed CROSS JOIN (SELECT count(*) FROM event) e;

-- name: sell_out
-- Of items that their suppliers have no longer.
WITH incoming AS MATERIALIZED (
    SELECT p.product_id, p.version, i.supplier_version
    FROM unnest($1::text[], $2::bigint[]) AS i (item_key, supplier_version)
        JOIN {products} p ON p.supplier_item_id = i.item_key AND p.deleted_at IS NULL
), applied AS (
    UPDATE {products} p
    SET supplier_version = i.supplier_version, stock = 0,
        version = CASE WHEN p.stock > 0 THEN greatest(p.version + 1, (SELECT {first_version}())) ELSE p.version END,
        updated_at = CASE WHEN p.stock > 0 THEN greatest(now(), p.created_at) ELSE p.updated_at END
    FROM incoming i
    WHERE p.product_id = i.product_id AND coalesce(p.supplier_version, 0) < i.supplier_version
        AND p.deleted_at IS NULL
    RETURNING p.*, i.version AS version_before
), event AS MATERIALIZED (
    SELECT {emit}(
        'catalog.product.updated', array_agg(product_id), array_agg(version), array_agg(json_build_object(
            'name', name, 'supplier_item_id', supplier_item_id, 'category_id', category_id, 'brand', brand,
            'currency', currency, 'price', price, 'list_price', list_price, 'discount_rate', discount_rate,
            'stock', stock)))
    FROM (SELECT * FROM applied WHERE version <> version_before ORDER BY product_id) c
)
SELECT count(*) FROM applied CROSS JOIN (SELECT count(*) FROM event) e;
