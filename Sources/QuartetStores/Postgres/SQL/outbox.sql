-- The outbox of one database and its readers. Time is the database's. Cursor rows are always locked in the order of their
-- shards.

-- name: add_cursors
-- Makes the cursors that a sink does not have yet, at the beginning.
INSERT INTO {outbox_cursors} (sink, shard, epoch)
SELECT $1::text, shard, {epoch}() FROM {outbox_settings} s CROSS JOIN generate_series(0, s.shards - 1) AS shard WHERE s.is_only
ON CONFLICT DO NOTHING;

-- name: hold_shards
-- Says that the relay lives, keeps its shards up to its fair share, takes free ones up to that, and gives the others
-- back, ringing for those who wait for some. A cursor of another epoch begins again behind its last sure point. Gives the
-- sink's shards, whether each is the relay's now, and how many there should be.
--
-- A lease that ends later than any can was given before the clock was set back, or by another one: it holds no more.
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
        AND r.seen_until <= clock_timestamp() + 10 * $3 * interval '1 second'
), candidate AS MATERIALIZED (
    SELECT shard, row_number() OVER (ORDER BY (owner IS NOT DISTINCT FROM $2) DESC, shard) <= share.size AS is_taken
    FROM cursor CROSS JOIN share
    WHERE owner IS NULL OR owner = $2 OR owned_until <= clock_timestamp()
        OR owned_until > clock_timestamp() + 10 * $3 * interval '1 second'
), changed AS (
    UPDATE {outbox_cursors} c SET
        position = CASE WHEN c.epoch = e.epoch THEN c.position ELSE c.settled END,
        pending = CASE WHEN c.epoch = e.epoch THEN c.pending ELSE '{}' END,
        pending_after = CASE WHEN c.epoch = e.epoch THEN c.pending_after ELSE '{}' END,
        candidate = CASE WHEN c.epoch = e.epoch THEN c.candidate ELSE c.settled END,
        candidate_end = CASE WHEN c.epoch = e.epoch THEN c.candidate_end ELSE '0' END,
        epoch = e.epoch,
        owner = CASE WHEN k.is_taken THEN $2 END,
        owned_until = CASE WHEN k.is_taken THEN clock_timestamp() + $3 * interval '1 second' END
    FROM candidate k CROSS JOIN (SELECT {epoch}() AS epoch) e
    WHERE c.sink = $1 AND c.shard = k.shard AND (k.is_taken OR c.owner = $2)
    RETURNING c.owner
), bell AS MATERIALIZED (
    SELECT pg_notify('quartet_shards', '') WHERE EXISTS (SELECT FROM changed WHERE owner IS NULL)
)
SELECT cursor.shard, coalesce(candidate.is_taken, false) AS is_taken, (SELECT shards FROM {outbox_settings} WHERE is_only) AS shards
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
-- The first rows that the relay's shards wait for. Where many wait, no shard is read much further than the rows that the
-- batch has room for, nor less far than $4 rows. With the first row come the cursors and the snapshot that were read by, the
-- reader's own transaction number, which it takes behind the snapshot, and how many rows each shard had; where there are no
-- rows, one of nulls has those. Rows of the types $5, which are not the sink's, are left out; but each shard's last one is there, so
-- that its cursor moves past them.
WITH own AS MATERIALIZED (
    SELECT c.*, greatest($4::bigint, 2 * $3::bigint / count(*) OVER ()) AS share
    FROM {outbox_cursors} c
    WHERE c.sink = $1::text AND c.owner = $2::uuid AND c.owned_until > clock_timestamp() AND c.epoch = {epoch}()
), waiting AS MATERIALIZED (
    SELECT o.*, o.id > own.position AS is_behind
    FROM own CROSS JOIN LATERAL {outbox_waiting}(own.shard, own.position, own.pending, own.pending_after, own.share) o
    ORDER BY o.id > own.position, o.id LIMIT $3
), context AS MATERIALIZED (
    -- A line each, as StoredOutboxContext reads it: many reads find few rows, and JSON would be most of their cost.
    SELECT concat_ws(E'\n', concat_ws(' ', pg_current_snapshot(), pg_current_xact_id()), string_agg(concat_ws(
        ' ', shard, position, epoch, settled, candidate, candidate_end, pending, pending_after, coalesce(n.rows, 0)), E'\n'
    )) AS text
    FROM own LEFT JOIN (SELECT shard, count(*) AS rows FROM waiting GROUP BY shard) n USING (shard)
)
SELECT shard, id, transaction, epoch, type, aggregate_id, version, payload, trace, occurred_at,
    CASE WHEN row_number() OVER (ORDER BY is_behind, id) = 1 THEN text END AS context
FROM context LEFT JOIN waiting
    ON type <> ALL ($5::text[]) OR id IN (SELECT max(id) FROM waiting GROUP BY shard, is_behind)
ORDER BY is_behind, id;

-- name: advance_cursors
-- Moves the cursors of shards that are still the relay's and where they were, in the epoch in which they were read. Gives
-- how many moved.
--
-- The commit does not wait for the disk: a cursor that a crash sets back hands some rows off once more, and that
-- changes nothing.
WITH setting AS MATERIALIZED (
    SELECT set_config('synchronous_commit', 'off', true)
), cursor AS MATERIALIZED (
    SELECT n.*
    FROM unnest(
            $3::smallint[], $4::bigint[], $5::text[], $6::bigint[], $7::text[], $8::text[], $9::bigint[], $10::bigint[],
            $11::xid8[])
            AS n (shard, from_position, from_pending, position, pending, pending_after, settled, candidate, candidate_end)
        JOIN {outbox_cursors} c USING (shard)
        CROSS JOIN setting
    WHERE c.sink = $1::text AND c.owner = $2::uuid AND c.owned_until > clock_timestamp()
        AND c.epoch = $12::integer AND {epoch}() = $12
        AND c.position = n.from_position AND c.pending = n.from_pending::xid8[]
    ORDER BY c.shard
    FOR UPDATE OF c
)
UPDATE {outbox_cursors} c SET
    position = n.position, pending = n.pending::xid8[], pending_after = n.pending_after::bigint[], settled = n.settled,
    candidate = n.candidate, candidate_end = n.candidate_end
FROM cursor n
WHERE c.sink = $1 AND c.shard = n.shard
RETURNING c.shard;

-- name: oldest_transaction
-- The oldest transaction in flight that has a number, if it is older than $1 seconds. A prepared one has no process: it is
-- named by its identifier.
SELECT pid, name, extract(epoch FROM clock_timestamp() - since)::float8 AS age
FROM (
    SELECT a.pid, coalesce(a.application_name, '') AS name, a.xact_start AS since
    FROM pg_stat_activity a WHERE a.backend_xid IS NOT NULL
    UNION ALL
    SELECT 0, 'prepared transaction ' || p.gid, p.prepared FROM pg_prepared_xacts p
) t
WHERE since < clock_timestamp() - $1::float8 * interval '1 second' AND EXISTS (SELECT FROM {outbox_settings} WHERE is_only)
ORDER BY since LIMIT 1;

-- name: backlog
-- How many rows wait for a sink, up to $2, and for how many seconds the oldest does. A shard whose cursor was never
-- made waits from the beginning.
WITH cursor AS MATERIALIZED (
    SELECT s.shard::smallint AS shard, coalesce(c.position, 0) AS position, coalesce(c.pending, '{}') AS pending,
        coalesce(c.pending_after, '{}') AS pending_after
    FROM {outbox_settings} o
        CROSS JOIN generate_series(
            0, greatest(o.shards - 1, (SELECT max(shard) FROM {outbox_cursors} WHERE sink = $1::text))) AS s (shard)
        LEFT JOIN {outbox_cursors} c ON c.sink = $1 AND c.shard = s.shard
    WHERE o.is_only
), waiting AS MATERIALIZED (
    SELECT o.occurred_at
    FROM cursor c
        CROSS JOIN LATERAL {outbox_waiting}(c.shard, c.position, c.pending, c.pending_after, $2::bigint) o
)
SELECT least($2, count(*)) AS rows,
    coalesce(extract(epoch FROM clock_timestamp() - min(occurred_at)), 0)::float8 AS oldest FROM waiting;

-- name: purge_outbox
-- Removes rows that all of the sinks have and that are older than $2 seconds, looking at the oldest $3 of each shard
-- only, and at no more than one where that is not old enough. One purges at a time; whoever comes meanwhile finds nothing to
-- do. What a sink comes back for stays.
WITH delivered AS MATERIALIZED (
    SELECT shard, min(position) AS position, count(*) AS sinks
    FROM {outbox_cursors} WHERE sink = ANY ($1::text[]) GROUP BY shard
), doomed AS MATERIALIZED (
    SELECT o.shard, o.id
    FROM delivered d
        CROSS JOIN LATERAL (
            SELECT o.shard, o.occurred_at FROM {outbox} o WHERE o.shard = d.shard ORDER BY o.id LIMIT 1
        ) oldest
        CROSS JOIN LATERAL (
            SELECT o.shard, o.id, o.transaction, o.occurred_at FROM {outbox} o
            WHERE o.shard = oldest.shard AND oldest.occurred_at < clock_timestamp() - $2::float8 * interval '1 second'
                AND o.id <= d.position
            ORDER BY o.id LIMIT $3::bigint
        ) o
    WHERE d.sinks = cardinality($1) AND o.occurred_at < clock_timestamp() - $2 * interval '1 second'
        AND NOT EXISTS (
            SELECT FROM {outbox_cursors} c
            WHERE c.sink = ANY ($1) AND c.shard = d.shard AND o.transaction = ANY (c.pending))
        AND pg_try_advisory_xact_lock(hashtext('quartet.purge_outbox'))
    LIMIT $3
)
DELETE FROM {outbox} o USING doomed d WHERE o.shard = d.shard AND o.id = d.id;

-- name: set_shards
-- Over how many shards aggregates are spread from now on.
UPDATE {outbox_settings} SET shards = $1::integer WHERE is_only AND shards <> $1;

-- name: waiting_rows
-- The shards of each sink with rows from before $1 that its cursor has not taken, how many rows wait there (up to $3), when
-- the oldest of those was written, and of which type the first one is. Shards without a cursor wait from the beginning.
--
-- A row's time is its transaction's beginning: one that took long stands behind rows that are younger than its own.
WITH cursor AS MATERIALIZED (
    SELECT k.sink, s.shard::smallint AS shard, coalesce(c.position, 0) AS position,
        coalesce(c.pending, '{}') AS pending, coalesce(c.pending_after, '{}') AS pending_after
    FROM {outbox_settings} o
        CROSS JOIN unnest($2::text[]) AS k (sink)
        CROSS JOIN generate_series(
            0, greatest(o.shards - 1, (SELECT max(shard) FROM {outbox_cursors} WHERE sink = ANY ($2)))) AS s (shard)
        LEFT JOIN {outbox_cursors} c ON c.sink = k.sink AND c.shard = s.shard
    WHERE o.is_only
)
SELECT c.sink, c.shard, rest.count, rest.oldest, rest.first
FROM cursor c
    CROSS JOIN LATERAL (
        SELECT count(*) AS count, min(o.occurred_at) AS oldest,
            (array_agg(o.type ORDER BY o.id > c.position, o.id))[1] AS first
        FROM {outbox_waiting}(c.shard, c.position, c.pending, c.pending_after, $3::bigint) o
    ) rest
WHERE rest.oldest < $1::timestamptz
ORDER BY c.sink, c.shard;

-- name: cursors
SELECT sink, shard, position, epoch FROM {outbox_cursors} WHERE sink = ANY ($1::text[]) ORDER BY sink, shard;

-- name: ring
-- Where there is no cursor yet, no relay lives that could be woken.
SELECT pg_notify('quartet_outbox', '') FROM (SELECT FROM {outbox_cursors} LIMIT 1) c;

-- name: shard_count
SELECT greatest(s.shards, (SELECT max(shard) + 1 FROM {outbox_cursors})) FROM {outbox_settings} s WHERE s.is_only;

-- name: shard_rows
-- A shard's first $3 rows behind an id, whoever has them.
SELECT shard, id, transaction, epoch, type, aggregate_id, version, payload, trace, occurred_at
FROM {outbox} WHERE shard = $1::smallint AND id > $2::bigint ORDER BY id LIMIT $3::bigint;
