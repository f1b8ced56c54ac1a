-- Whose orders, and of what, a trial makes up.

-- name: random_users
SELECT user_id::text FROM {market_users_view} WHERE NOT is_deleted ORDER BY random() LIMIT $1::bigint;

-- name: random_products
SELECT product_id FROM {products_view} WHERE NOT is_deleted AND price BETWEEN 0 AND 1000000000000
ORDER BY random() LIMIT $1::bigint;
