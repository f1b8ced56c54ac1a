-- What a cursor comes back for is looked up by transaction, whatever the outbox keeps: the planner had a way to read all that
-- was ever delivered instead.

CREATE INDEX IF NOT EXISTS outbox_of_transaction ON {outbox} (transaction, shard, id);
DROP INDEX {outbox}_by_transaction;

-- The first rows of a shard that a cursor has not taken: those that it comes back for, then those behind it.
CREATE OR REPLACE FUNCTION {outbox_waiting}(
    of_shard smallint, "position" bigint, pending xid8[], pending_after bigint[], row_limit bigint
) RETURNS SETOF {outbox} LANGUAGE sql STABLE AS $$
    SELECT * FROM (
        (
            SELECT late.*
            FROM unnest(pending, pending_after) AS p (transaction, after)
                CROSS JOIN LATERAL (
                    SELECT o.* FROM {outbox} o
                    WHERE o.transaction = p.transaction AND o.shard = of_shard AND o.id > p.after
                        AND o.id <= "position"
                    ORDER BY o.id LIMIT row_limit
                ) late
            ORDER BY late.id LIMIT row_limit
        )
        UNION ALL
        (SELECT o.* FROM {outbox} o WHERE o.shard = of_shard AND o.id > "position" ORDER BY o.id LIMIT row_limit)
    ) o
    ORDER BY o.id LIMIT row_limit
$$;
