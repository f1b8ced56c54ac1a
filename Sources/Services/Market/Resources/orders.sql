-- Orders as they come: a batch as one array per column, each order once. What an order leaves out is NULL.

-- name: store_orders
-- Stores those that were not there and whose user and product the copies know, with what the copies say of them, and has an
-- order to the supplier beside each whose product is one's. Gives for each the version that it was stored with, if it was,
-- and what it lacks.
WITH given AS MATERIALIZED (
    SELECT i.order_id, i.user_id, i.product_id, i.quantity, i.ordered_at, p.supplier_item_id, p.category_id, u.region,
        u.gender, u.age_group, coalesce(i.currency, p.currency, 'KRW') AS currency,
        coalesce(i.unit_price, p.price) AS unit_price, u.user_id IS NOT NULL AS has_user,
        p.product_id IS NOT NULL AS has_product,
        coalesce(coalesce(i.unit_price, p.price) BETWEEN 0 AND 1000000000000, false) AS has_price
    FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::timestamptz[])
        AS i (order_id, user_id, product_id, quantity, unit_price, currency, ordered_at)
    LEFT JOIN {products_view} p ON p.product_id = i.product_id AND NOT p.is_deleted
    LEFT JOIN {market_users_view} u ON u.user_id = i.user_id AND NOT u.is_deleted
), stored AS (
    INSERT INTO {orders} (
        order_id, user_id, product_id, quantity, currency, unit_price, ordered_at, supplier_item_id, category_id, region,
        gender, age_group, version)
    SELECT order_id, user_id, product_id, quantity, currency, unit_price, coalesce(ordered_at, now()), supplier_item_id,
        category_id, region, gender, age_group, (SELECT {first_version}())
    FROM given WHERE has_user AND has_product AND has_price ORDER BY order_id
    ON CONFLICT (order_id) DO NOTHING
    RETURNING *
), passed_on AS (
    INSERT INTO {supplier_orders} (order_id, supplier_item_id, quantity, version)
    SELECT order_id, supplier_item_id, quantity, version FROM stored WHERE supplier_item_id IS NOT NULL ORDER BY order_id
), event AS MATERIALIZED (
    SELECT {emit}('market.order.created', array_agg(order_id), array_agg(version), array_agg(json_build_object(
        'user_id', user_id, 'product_id', product_id, 'quantity', quantity, 'currency', currency, 'unit_price', unit_price,
        'amount', amount, 'status', status, 'ordered_at', ordered_at, 'supplier_item_id', supplier_item_id,
        'category_id', category_id, 'region', region, 'gender', gender, 'age_group', age_group)))
    FROM (SELECT * FROM stored ORDER BY order_id) s
)
SELECT g.order_id, s.version, g.has_user, g.has_product, g.has_price
FROM given g LEFT JOIN stored s USING (order_id) CROSS JOIN (SELECT count(*) FROM event) e;

-- name: compare_orders
-- Those that are there already, and in which fields they are others. What an order leaves out is not compared.
SELECT o.order_id, o.version, concat_ws(', ',
    CASE WHEN o.user_id <> i.user_id THEN 'user_id' END, CASE WHEN o.product_id <> i.product_id THEN 'product_id' END,
    CASE WHEN o.quantity <> i.quantity THEN 'quantity' END, CASE WHEN o.unit_price <> i.unit_price THEN 'unit_price' END,
    CASE WHEN o.currency <> i.currency THEN 'currency' END, CASE WHEN o.ordered_at <> i.ordered_at THEN 'ordered_at' END)
FROM unnest($1::text[], $2::uuid[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::timestamptz[])
    AS i (order_id, user_id, product_id, quantity, unit_price, currency, ordered_at)
JOIN {orders} o USING (order_id);
