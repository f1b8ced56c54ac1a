-- What was ordered at markets, on its way to the orders.

-- name: to_take
-- The next $2 behind the key $1 that are not done with, those that were tried less than $3 milliseconds ago left out; each with the
-- product that its market's item is a listing of.
SELECT r.raw_id, r.version, r.payload::text, l.product_id
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
