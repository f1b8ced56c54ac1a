-- What watchers are told of their products.

-- name: record_changes
-- With an event of the products $1 in the copy: what watchers are to be told.
WITH known AS MATERIALIZED (
    SELECT w.product_id, w.currency AS old_currency, w.price AS old_price, w.stock AS old_stock, v.version, v.currency,
        v.price, v.stock, v.changed_at
    FROM {watched_products} w JOIN {my_products_view} v USING (product_id)
    WHERE w.product_id = ANY ($1::text[]) AND w.version < v.version AND NOT v.is_deleted
    ORDER BY w.product_id FOR UPDATE OF w
), remembered AS (
    UPDATE {watched_products} w SET version = k.version, currency = k.currency, price = k.price, stock = k.stock
    FROM known k WHERE w.product_id = k.product_id
)
INSERT INTO {product_changes} (
    product_id, version, old_currency, old_price, currency, price, is_back_in_stock, happened_at)
SELECT k.product_id, k.version, CASE WHEN c.is_of_price THEN k.old_currency END,
    CASE WHEN c.is_of_price THEN k.old_price END, k.currency, k.price, c.is_of_stock, k.changed_at
FROM known k CROSS JOIN LATERAL (
    SELECT (k.old_currency, k.old_price) IS DISTINCT FROM (k.currency, k.price) AS is_of_price,
        coalesce(k.old_stock = 0 AND k.stock > 0, false) AS is_of_stock
) c
WHERE (c.is_of_price OR c.is_of_stock)
    AND EXISTS (SELECT 1 FROM {watch_list} w WHERE w.product_id = k.product_id AND w.deleted_at IS NULL)
ORDER BY k.product_id
ON CONFLICT DO NOTHING;

-- name: forget_products
DELETE FROM {watched_products} w USING {my_products_view} v
WHERE v.product_id = ANY ($1::text[]) AND v.is_deleted AND w.product_id = v.product_id;

-- name: forget_notes
DELETE FROM {watch_notes} n USING {users_view} v
WHERE v.user_id = ANY ($1::text[]::uuid[]) AND v.is_deleted AND n.user_id = v.user_id;

-- name: tell
-- Of $2 changes, each the oldest of its product, $1 watchers each: those who want to know get a note. A change that all were
-- told of is done with. Gives how many changes and watchers were looked at, and how many notes were made.
WITH chosen AS MATERIALIZED (
    SELECT c.* FROM {product_changes} c
    WHERE NOT EXISTS (
        SELECT 1 FROM {product_changes} e WHERE e.product_id = c.product_id AND e.version < c.version)
    ORDER BY c.recorded_at, c.product_id LIMIT $2::bigint FOR UPDATE OF c SKIP LOCKED
), page AS MATERIALIZED (
    SELECT c.product_id, w.watch_id, w.user_id, w.target_price, w.currency AS target_currency,
        w.deleted_at IS NULL AND w.created_at <= c.recorded_at AS watches
    FROM chosen c CROSS JOIN LATERAL (
        SELECT * FROM {watch_list} w WHERE w.product_id = c.product_id AND w.watch_id > c.told_to
        ORDER BY w.watch_id LIMIT $1::bigint
    ) w
), wanted AS (
    SELECT p.user_id, c.*,
        c.old_price IS NOT NULL AND coalesce(f.notify_price, true)
            AND coalesce(c.price <= p.target_price AND c.currency = coalesce(p.target_currency, c.currency), true)
            AS tells_price,
        c.is_back_in_stock AND coalesce(f.notify_stock, true) AS tells_stock
    FROM page p JOIN chosen c USING (product_id)
        LEFT JOIN {profiles} f ON f.user_id = p.user_id::text AND f.deleted_at IS NULL
    WHERE p.watches
), noted AS (
    INSERT INTO {watch_notes} (
        user_id, product_id, product_version, old_currency, old_price, currency, price, is_back_in_stock, happened_at)
    SELECT user_id, product_id, version, CASE WHEN tells_price THEN old_currency END,
        CASE WHEN tells_price THEN old_price END, currency, price, tells_stock, happened_at
    FROM wanted WHERE tells_price OR tells_stock ORDER BY product_id, user_id
    ON CONFLICT ON CONSTRAINT watch_notes_once DO NOTHING
    RETURNING 1
), seen AS MATERIALIZED (
    SELECT c.product_id, c.version, count(p.watch_id) AS watchers, max(p.watch_id) AS last
    FROM chosen c LEFT JOIN page p USING (product_id) GROUP BY c.product_id, c.version
), moved AS (
    UPDATE {product_changes} c SET told_to = s.last FROM seen s
    WHERE (c.product_id, c.version) = (s.product_id, s.version) AND s.watchers = $1::bigint
), done AS (
    DELETE FROM {product_changes} c USING seen s
    WHERE (c.product_id, c.version) = (s.product_id, s.version) AND s.watchers < $1::bigint
)
SELECT (SELECT count(*) FROM chosen), (SELECT count(*) FROM page), (SELECT count(*) FROM noted);

-- name: purge_notes
DELETE FROM {watch_notes} WHERE note_id IN (
    SELECT note_id FROM {watch_notes} WHERE noted_at < now() - $1::bigint * interval '1 millisecond'
    ORDER BY noted_at LIMIT $2::bigint);

-- name: notes
-- Unread ones first, of those the newest; behind the note ($2, $3) of the page before.
SELECT note_id, is_unread, json_strip_nulls(json_build_object(
    'id', note_id, 'product_id', product_id, 'old_price', old_price, 'old_currency', old_currency, 'price', price,
    'currency', currency, 'is_back_in_stock', is_back_in_stock, 'is_unread', is_unread, 'happened_at', happened_at,
    'noted_at', noted_at))::text
FROM {watch_notes} WHERE user_id = $1::uuid AND (is_unread, note_id) < ($2::boolean, $3::bigint)
ORDER BY is_unread DESC, note_id DESC LIMIT $4::bigint;

-- name: read_notes
UPDATE {watch_notes} SET is_unread = false
WHERE user_id = $1::uuid AND is_unread AND (note_id = ANY ($2::bigint[]) OR note_id <= $3::bigint);
