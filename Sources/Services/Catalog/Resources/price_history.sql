-- What products cost since when.

-- name: prices_before
-- Below a version, the newest first.
SELECT version, json_strip_nulls(json_build_object(
    'version', version, 'currency', currency, 'price', price, 'list_price', list_price, 'changed_at', changed_at))::text
FROM {price_history} WHERE product_id = $1::text AND version < $2::bigint ORDER BY version DESC LIMIT $3::bigint;
