-- The outbox and its readers. Rows are in commit order by (transaction, id), as far as no transaction below them is
-- still in flight. Time is the database's. Cursor rows are always locked in the order of their shards.

-- name: add_cursors
-- Makes the cursors that a sink does not have yet, at the beginning.
INSERT INTO {outbox_cursors} (sink, shard) SELECT $1::text, shard FROM generate_series(0, $2::int - 1) AS shard
ON CONFLICT DO NOTHING;

-- name: hold_shards
-- Says that the relay lives, keeps its shards up to its fair share, takes free ones up to that, and gives the others
-- back, ringing for those who wait for some. Gives the sink's shards and whether each is the relay's now.
--
-- Two relays that come at once may not see each other; they share at the next call. The commit does not wait for the disk:
-- what a crash takes back is a lease that runs out sooner than its relay thinks, and every read and move looks at the lease.
WITH setting AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), seen AS (
    INSERT INTO {outbox_relays} AS r (sink, owner, seen_until)
    VALUES ($1::text, $2::uuid, clock_timestamp() + $3::float8 * interval '1 second')
    ON CONFLICT (sink, owner) DO UPDATE SET seen_until = excluded.seen_until
), gone AS (
    DELETE FROM {outbox_relays} r
    WHERE r.sink = $1 AND r.owner <> $2 AND r.seen_until < clock_timestamp() - interval '1 day'
), cursor AS MATERIALIZED (
    SELECT c.shard, c.owner, c.owned_until FROM {outbox_cursors} c CROSS JOIN setting
    WHERE c.sink = $1 ORDER BY c.shard FOR UPDATE OF c
), share AS MATERIALIZED (
    SELECT ceil((SELECT count(*) FROM cursor) / (1.0 + count(*)))::bigint AS size
    FROM {outbox_relays} r WHERE r.sink = $1 AND r.owner <> $2 AND r.seen_until > clock_timestamp()
), candidate AS MATERIALIZED (
    SELECT shard, row_number() OVER (ORDER BY (owner IS NOT DISTINCT FROM $2) DESC, shard) <= share.size AS is_taken
    FROM cursor CROSS JOIN share
    WHERE owner IS NULL OR owner = $2 OR owned_until <= clock_timestamp()
), changed AS (
    UPDATE {outbox_cursors} c SET
        owner = CASE WHEN k.is_taken THEN $2 END,
        owned_until = CASE WHEN k.is_taken THEN clock_timestamp() + $3 * interval '1 second' END
    FROM candidate k
    WHERE c.sink = $1 AND c.shard = k.shard AND (k.is_taken OR c.owner = $2)
    RETURNING c.owner
), bell AS MATERIALIZED (
    SELECT pg_notify('quartet_shards', '') WHERE EXISTS (SELECT FROM changed WHERE owner IS NULL)
)
SELECT cursor.shard, coalesce(candidate.is_taken, false) AS is_taken
FROM cursor LEFT JOIN candidate USING (shard) LEFT JOIN bell ON true ORDER BY cursor.shard;

-- name: release_shards
-- Gives the relay's shards back and rings for those who take them.
WITH gone AS (
    DELETE FROM {outbox_relays} WHERE sink = $1::text AND owner = $2::uuid
), cursor AS MATERIALIZED (
    SELECT shard FROM {outbox_cursors} WHERE sink = $1 AND owner = $2 ORDER BY shard FOR UPDATE
), changed AS (
    UPDATE {outbox_cursors} c SET owner = NULL, owned_until = NULL FROM cursor
    WHERE c.sink = $1 AND c.shard = cursor.shard
    RETURNING c.shard
)
SELECT pg_notify('quartet_shards', '') WHERE EXISTS (SELECT FROM changed);

-- name: read_outbox
-- The oldest rows behind the cursors of the relay's shards. Where many wait, no shard is read much further than the
-- rows that the batch has room for, nor less far than $4 rows.
WITH own AS MATERIALIZED (
    SELECT shard, transaction, id, greatest($4::bigint, 2 * $3::bigint / count(*) OVER ()) AS share
    FROM {outbox_cursors}
    WHERE sink = $1::text AND owner = $2::uuid AND owned_until > clock_timestamp()
)
SELECT o.shard, o.transaction, o.id, o.type, o.aggregate_id, o.version, o.product_id, o.generation, o.occurred_at
FROM own
    CROSS JOIN LATERAL (
        SELECT * FROM {outbox} o
        WHERE o.shard = own.shard AND (o.transaction, o.id) > (own.transaction, own.id)
            AND o.transaction < pg_snapshot_xmin(pg_current_snapshot())
        ORDER BY o.transaction, o.id LIMIT own.share
    ) o
ORDER BY o.transaction, o.id LIMIT $3;

-- name: advance_cursors
-- Moves the cursors of shards that are still the relay's, forward only. Gives how many moved.
--
-- The commit does not wait for the disk: a cursor that a crash sets back hands some rows off once more, and that
-- changes nothing.
WITH setting AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), cursor AS MATERIALIZED (
    SELECT c.shard, n.transaction, n.id
    FROM unnest($3::smallint[], $4::xid8[], $5::bigint[]) AS n (shard, transaction, id)
        JOIN {outbox_cursors} c USING (shard)
        CROSS JOIN setting
    WHERE c.sink = $1::text AND c.owner = $2::uuid AND c.owned_until > clock_timestamp()
        AND (c.transaction, c.id) < (n.transaction, n.id)
    ORDER BY c.shard
    FOR UPDATE OF c
)
UPDATE {outbox_cursors} c SET transaction = cursor.transaction, id = cursor.id FROM cursor
WHERE c.sink = $1 AND c.shard = cursor.shard
RETURNING c.shard;

-- name: hold_up
-- The oldest transaction in flight, if a committed row that is older than $1 seconds waits behind it. A prepared
-- transaction has no process: it is named by its identifier.
WITH edge AS MATERIALIZED (
    SELECT pg_snapshot_xmin(pg_current_snapshot()) AS transaction
), waiting AS MATERIALIZED (
    SELECT min(o.occurred_at) AS since
    FROM edge
        CROSS JOIN (SELECT DISTINCT shard FROM {outbox_cursors}) c
        CROSS JOIN LATERAL (
            SELECT o.occurred_at FROM {outbox} o
            WHERE o.shard = c.shard AND o.transaction >= edge.transaction
            ORDER BY o.transaction, o.id LIMIT 1
        ) o
), holder AS (
    SELECT a.pid, coalesce(a.application_name, '') AS application_name, a.xact_start AS since
    FROM pg_stat_activity a CROSS JOIN edge WHERE a.backend_xid = edge.transaction::xid
    UNION ALL
    SELECT 0, 'prepared transaction ' || p.gid, p.prepared
    FROM pg_prepared_xacts p CROSS JOIN edge WHERE p.transaction = edge.transaction::xid
)
SELECT edge.transaction, holder.pid, holder.application_name,
    extract(epoch FROM clock_timestamp() - coalesce(holder.since, waiting.since))::float8 AS age
FROM edge CROSS JOIN waiting CROSS JOIN holder
WHERE waiting.since < clock_timestamp() - $1::float8 * interval '1 second';

-- name: backlog
-- How many rows wait for a sink, up to $3, and for how many seconds the oldest does. A shard whose cursor was never
-- made waits from the beginning.
WITH cursor AS MATERIALIZED (
    SELECT s.shard, coalesce(c.transaction, '0') AS transaction, coalesce(c.id, 0) AS id
    FROM generate_series(
            0, greatest($2::int - 1, (SELECT max(shard) FROM {outbox_cursors} WHERE sink = $1::text))) AS s (shard)
        LEFT JOIN {outbox_cursors} c ON c.sink = $1 AND c.shard = s.shard
), waiting AS (
    SELECT FROM cursor c
        CROSS JOIN LATERAL (
            SELECT FROM {outbox} o WHERE o.shard = c.shard AND (o.transaction, o.id) > (c.transaction, c.id)
            ORDER BY o.transaction, o.id LIMIT $3::bigint
        ) o
    LIMIT $3
), first AS (
    SELECT o.occurred_at FROM cursor c
        CROSS JOIN LATERAL (
            SELECT o.occurred_at FROM {outbox} o
            WHERE o.shard = c.shard AND (o.transaction, o.id) > (c.transaction, c.id)
            ORDER BY o.transaction, o.id LIMIT 1
        ) o
)
SELECT (SELECT count(*) FROM waiting) AS rows,
    (SELECT coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0)::float8 FROM first) AS oldest;

-- name: purge_outbox
-- Removes rows that all of the sinks have and that are older than $2 seconds, looking at the oldest $3 of each shard
-- only, and at no more than one where that is not old enough. One purges at a time; whoever comes meanwhile finds nothing to
-- do.
WITH delivered AS MATERIALIZED (
    SELECT DISTINCT ON (shard) shard, transaction, id, count(*) OVER (PARTITION BY shard) AS sinks
    FROM {outbox_cursors} WHERE sink = ANY ($1::text[])
    ORDER BY shard, transaction, id
), doomed AS MATERIALIZED (
    SELECT o.shard, o.transaction, o.id
    FROM delivered d
        CROSS JOIN LATERAL (
            SELECT o.shard, o.occurred_at FROM {outbox} o WHERE o.shard = d.shard
            ORDER BY o.transaction, o.id LIMIT 1
        ) oldest
        CROSS JOIN LATERAL (
            SELECT o.shard, o.transaction, o.id, o.occurred_at FROM {outbox} o
            WHERE o.shard = oldest.shard AND oldest.occurred_at < clock_timestamp() - $2::float8 * interval '1 second'
                AND (o.transaction, o.id) <= (d.transaction, d.id)
            ORDER BY o.transaction, o.id LIMIT $3::bigint
        ) o
    WHERE d.sinks = cardinality($1) AND o.occurred_at < clock_timestamp() - $2 * interval '1 second'
        AND pg_try_advisory_xact_lock(hashtext('quartet.purge_outbox'))
    LIMIT $3
)
DELETE FROM {outbox} o USING doomed d
WHERE o.shard = d.shard AND o.transaction = d.transaction AND o.id = d.id;
