-- What was ordered at markets, on its way to the orders.

-- name: to_take
-- The next $2 behind the key $1 that are not done with, those that were tried less than $3 milliseconds ago left out; each with the
-- product that its market's item is a listing of, and the status that the market says.
SELECT r.raw_id, r.version, r.payload::text, l.product_id, r.payload->>'status'
FROM {market_order_raw} r
    JOIN {market_accounts} a ON a.account_id = r.account_id
    LEFT JOIN {market_listings} l ON l.marketplace = a.marketplace AND l.market_item_id = r.payload->>'item_id'
        AND l.deleted_at IS NULL
WHERE r.taken_version IS DISTINCT FROM r.version AND r.raw_id > $1::text
    AND coalesce(r.tried_at < clock_timestamp() - $3::bigint * interval '1 millisecond', true)
ORDER BY r.raw_id LIMIT $2::bigint;

-- name: note_taken
-- $1 keys at the versions $2: whether they are done with, and what is wrong with them.
UPDATE {market_order_raw} r
SET taken_version = CASE WHEN i.is_done THEN r.version ELSE r.taken_version END, problem = i.problem,
    tried_at = clock_timestamp()
FROM unnest($1::text[], $2::bigint[], $3::boolean[], $4::text[]) AS i (raw_id, version, is_done, problem)
WHERE r.raw_id = i.raw_id AND r.version = i.version;

-- name: follow_status
-- $1 orders and what their markets call their status, $2. An order goes on and never back: what the shop has made of it since
-- stays, and so does one that is told in words of the market's own. Gives those that changed.
WITH steps AS (
    SELECT * FROM (VALUES
        ('placed', 'placed', 1), ('accepted', 'placed', 1), ('paid', 'paid', 2), ('shipped', 'shipped', 3), ('sent', 'shipped', 3),
        ('delivered', 'delivered', 4), ('cancelled', 'cancelled', 5), ('canceled', 'cancelled', 5), ('returned', 'returned', 6)
    ) AS steps (told, status, place)
), later AS MATERIALIZED (
    SELECT o.order_id, new.status
    FROM unnest($1::text[], $2::text[]) AS i (order_id, told)
        JOIN steps new ON new.told = lower(i.told)
        JOIN {orders} o ON o.order_id = i.order_id AND o.deleted_at IS NULL
        JOIN steps old ON old.told = o.status AND old.place < new.place
    ORDER BY o.order_id FOR UPDATE OF o
), changed AS (
    UPDATE {orders} o
    SET status = l.status, version = greatest(o.version + 1, (SELECT {first_version}())),
        updated_at = greatest(now(), o.created_at)
    FROM later l WHERE o.order_id = l.order_id
    RETURNING o.order_id, o.version, o.status
), event AS MATERIALIZED (
    SELECT {emit}('market.order.updated', array_agg(order_id), array_agg(version), array_agg(json_build_object('status', status)))
    FROM (SELECT * FROM changed ORDER BY order_id) c
)
SELECT changed.order_id FROM changed CROSS JOIN (SELECT count(*) FROM event) e;
