-- Accounts as the sync sees them, the passes over their pages, and what is noted of those.

-- name: account
SELECT {key}, url, token, requests_per_second, is_paused FROM {accounts} a
WHERE {key} = $1::text AND deleted_at IS NULL;

-- name: due
-- Of the lists $1, whose last run is $2 milliseconds ago or longer; whether their last full pass is $3 ago or longer. What is
-- of the future, or is held for longer than by ten leases of $4, was written before the clock was set back: it holds nothing up.
-- Accounts come in the order of their last turns, so that each has its own where there are more than are synced at once.
SELECT a.{key}, k.kind,
    coalesce(s.full_at NOT BETWEEN now() - $3::bigint * interval '1 millisecond' AND now() + interval '1 minute', true)
FROM {accounts} a
    CROSS JOIN unnest($1::text[]) WITH ORDINALITY AS k (kind, place)
    LEFT JOIN {state} s ON s.{key} = a.{key} AND s.kind = k.kind
WHERE a.deleted_at IS NULL AND NOT a.is_paused
    AND coalesce(s.ended_at + coalesce(a.sync_interval_seconds * interval '1 second', $2::bigint * interval '1 millisecond')
        <= now() OR s.ended_at > now() + interval '1 minute', true)
    AND coalesce(
        s.held_until NOT BETWEEN clock_timestamp() AND clock_timestamp() + 10 * $4::bigint * interval '1 millisecond', true)
ORDER BY max(coalesce(s.ended_at, '-infinity')) OVER (PARTITION BY a.{key}), a.{key}, k.place;

-- name: status
-- Of every account and the kinds $1, how its passes stand.
SELECT a.{key}, k.kind, a.is_paused, s.synced_at, s.full_at, coalesce(s.is_open, false), coalesce(s.met, 0),
    CASE WHEN s.held_until >= clock_timestamp() THEN s.holder END, s.error,
    extract(epoch FROM clock_timestamp() - coalesce(s.synced_at, a.created_at))::float8
FROM {accounts} a
    CROSS JOIN unnest($1::text[]) WITH ORDINALITY AS k (kind, place)
    LEFT JOIN {state} s ON s.{key} = a.{key} AND s.kind = k.kind
WHERE a.deleted_at IS NULL
ORDER BY a.{key}, k.place;

-- name: claim
-- Goes on with the pass that is open, unless it is not full and $5 wants a full one. Nothing if somebody else holds it, for
-- ten leases at most.
INSERT INTO {state} AS s ({key}, kind, holder, held_until, pass, is_full, is_open)
VALUES (
    $1::text, $2::text, $3::text, clock_timestamp() + $4::bigint * interval '1 millisecond', 1, $5::boolean, true)
ON CONFLICT ({key}, kind) DO UPDATE
    SET holder = excluded.holder, held_until = excluded.held_until, is_open = true,
        pass = CASE WHEN s.is_open AND (s.is_full OR NOT $5) THEN s.pass ELSE s.pass + 1 END,
        is_full = $5 OR (s.is_open AND s.is_full),
        cursor = CASE WHEN s.is_open AND (s.is_full OR NOT $5) THEN s.cursor END,
        is_listed = s.is_listed AND s.is_open AND (s.is_full OR NOT $5),
        met = CASE WHEN s.is_open AND (s.is_full OR NOT $5) THEN s.met ELSE 0 END,
        unnamed = CASE WHEN s.is_open AND (s.is_full OR NOT $5) THEN s.unnamed ELSE 0 END,
        as_of = CASE WHEN s.is_open AND (s.is_full OR NOT $5) THEN s.as_of END
    WHERE s.holder IS NULL OR s.held_until < clock_timestamp()
        OR s.held_until > clock_timestamp() + 10 * $4::bigint * interval '1 millisecond'
RETURNING pass, is_full, cursor, is_listed, met, unnamed, CASE WHEN NOT is_full THEN changed_since END;

-- name: holder
SELECT holder, extract(epoch FROM held_until - clock_timestamp())::float8 FROM {state}
WHERE {key} = $1::text AND kind = $2::text
    AND held_until BETWEEN clock_timestamp() AND clock_timestamp() + 10 * $3::bigint * interval '1 millisecond';

-- name: open_job
-- A job that still runs was cut off: this one goes on with its pass.
WITH cut AS (
    UPDATE {jobs} SET state = 'interrupted', finished_at = now(), version = version + 1, updated_at = now()
    WHERE {key} = $2::text AND kind = $3::text AND state = 'running'
)
INSERT INTO {jobs} (job_id, {key}, kind, is_full, state)
VALUES ($1::text, $2, $3, $4::boolean, 'running');

-- name: renew
UPDATE {state} SET held_until = clock_timestamp() + $4::bigint * interval '1 millisecond'
WHERE {key} = $1::text AND kind = $2::text AND holder = $3::text
RETURNING pass;

-- name: advance
-- Behind a page: nothing if the right to it is lost.
UPDATE {state}
SET cursor = $5::text, is_listed = $5 IS NULL, met = met + $6::bigint, as_of = coalesce(as_of, $7::text),
    unnamed = unnamed + $8::bigint,
    held_until = clock_timestamp() + $4::bigint * interval '1 millisecond'
WHERE {key} = $1::text AND kind = $2::text AND holder = $3::text
RETURNING met;

-- name: begin_again
-- Who lists it does not know the pass's cursor any longer.
UPDATE {state} SET cursor = NULL, is_listed = false, met = 0, unnamed = 0, as_of = NULL
WHERE {key} = $1::text AND kind = $2::text AND holder = $3::text
RETURNING met;

-- name: count
UPDATE {jobs}
SET pages = pages + $2::bigint, met = met + $3::bigint, changed = changed + $4::bigint,
    refused = refused + $5::bigint, removed = removed + $6::bigint, version = version + 1, updated_at = now()
WHERE job_id = $1::text;

-- name: note
INSERT INTO {log} ({key}, kind, job_id, cursor, bytes, rows, changed, problem)
VALUES ($1::text, $2::text, $3::text, $4::text, $5::bigint, $6::bigint, $7::bigint, $8::text);

-- name: note_refused
INSERT INTO {log} ({key}, kind, job_id, cursor, item_id, problem)
SELECT $1::text, $2::text, $3::text, $4::text, r.item_id, r.problem
FROM unnest($5::text[], $6::text[]) AS r (item_id, problem);

-- name: end_pass
UPDATE {state}
SET is_open = false, cursor = NULL, is_listed = false, changed_since = as_of, ended_at = now(),
    synced_at = now(), error = NULL,
    full_at = CASE WHEN is_full THEN now() ELSE full_at END, holder = NULL, held_until = NULL
WHERE {key} = $1::text AND kind = $2::text AND holder = $3::text
RETURNING pass;

-- name: let_go
-- The pass stays open, unless $4 says that it is of no use; $5 says why the run failed, NULL if it was told to stop.
UPDATE {state}
SET is_open = is_open AND NOT $4::boolean, ended_at = CASE WHEN $5::text IS NULL THEN ended_at ELSE now() END,
    error = coalesce($5, error),
    holder = NULL, held_until = NULL
WHERE {key} = $1::text AND kind = $2::text AND holder = $3::text;

-- name: close_job
UPDATE {jobs}
SET state = $2::text, error = $3::text, finished_at = now(), version = version + 1, updated_at = now()
WHERE job_id = $1::text AND state = 'running';

-- name: purge_log
DELETE FROM {log} WHERE entry IN (
    SELECT entry FROM {log} WHERE fetched_at < now() - $1::bigint * interval '1 millisecond'
    ORDER BY fetched_at LIMIT $2::bigint);
