-- The outbox of one database: events, written in the transaction of what they tell, and how far each sink is.
--
-- Ids come from a sequence, so they are not in commit order. But whoever changes an aggregate waits for the one who changed
-- it before and takes an id after that one's commit: among the visible rows of one aggregate, ids are in order.

-- What all processes must agree on, one row.
CREATE TABLE {outbox_settings} (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    -- Over how many shards aggregates are spread.
    shards integer NOT NULL DEFAULT 8 CHECK (shards BETWEEN 1 AND 32767),
    -- What a restore sets higher than any epoch before it; see epoch().
    epoch integer NOT NULL DEFAULT 0 CHECK (epoch BETWEEN 0 AND 4194303)
);
INSERT INTO {outbox_settings} DEFAULT VALUES;

CREATE TABLE {outbox} (
    shard smallint NOT NULL CHECK (shard >= 0),
    id bigint GENERATED ALWAYS AS IDENTITY,
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    epoch integer NOT NULL,
    type text NOT NULL,
    aggregate_id text NOT NULL,
    version bigint NOT NULL,
    payload json NOT NULL,
    -- A W3C traceparent.
    trace text,
    occurred_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (shard, id)
);

-- A reader comes back for what transactions left that were in flight when it passed.
CREATE INDEX outbox_by_transaction ON {outbox} (transaction);

-- How far each sink is in each shard: it has every row up to `position` that was visible then, and comes back for those of
-- the transactions `pending`, each from behind the id that stands beside it. Who owns a shard until when is here too. The
-- rows are few and change all the time: most of each page is left free for their next versions.
CREATE TABLE {outbox_cursors} (
    sink text NOT NULL,
    shard smallint NOT NULL CHECK (shard >= 0),
    position bigint NOT NULL DEFAULT 0,
    pending xid8[] NOT NULL DEFAULT '{}',
    pending_after bigint[] NOT NULL DEFAULT '{}',
    -- In whose numbers the above is written.
    epoch integer NOT NULL,
    -- Every row up to `settled` was taken, whatever was in flight; `candidate` follows when all transactions below
    -- `candidate_end` have ended. A cursor of another epoch begins again behind `settled`.
    settled bigint NOT NULL DEFAULT 0,
    candidate bigint NOT NULL DEFAULT 0,
    candidate_end xid8 NOT NULL DEFAULT '0',
    owner uuid,
    owned_until timestamptz,
    PRIMARY KEY (sink, shard),
    CONSTRAINT pending_is_whole CHECK (cardinality(pending) = cardinality(pending_after)),
    CONSTRAINT ownership_is_whole CHECK ((owner IS NULL) = (owned_until IS NULL))
) WITH (fillfactor = 20);

-- Which relays live, so that each can tell its fair share of the shards.
CREATE TABLE {outbox_relays} (
    sink text NOT NULL,
    owner uuid NOT NULL,
    seen_until timestamptz NOT NULL,
    PRIMARY KEY (sink, owner)
) WITH (fillfactor = 20);

-- Which history of the server this is: its timeline, which every promotion raises, or what a restore has set, whichever is
-- greater. After either, versions and transaction numbers that the world has seen may be given out a second time.
CREATE FUNCTION {epoch}() RETURNS integer LANGUAGE sql STABLE AS $$
    SELECT greatest(s.epoch, ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer)
    FROM {outbox_settings} s WHERE s.is_only
$$;

-- The least version that this epoch gives: greater than all that earlier ones gave. A row's next version is
-- greatest(version + 1, first_version()).
CREATE FUNCTION {first_version}() RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT greatest(1, ({epoch}() - 1)::bigint << 40)
$$;

-- Writes events of one type, in the order of the arrays, and rings the relays' bell. Nothing for nothing.
CREATE FUNCTION {emit}(type text, aggregate_ids text[], versions bigint[], payloads json[]) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
    IF aggregate_ids IS NULL THEN RETURN; END IF;
    -- Before any of its rows has an id: a reader who passes that id must see the transaction among those in flight.
    PERFORM pg_current_xact_id();
    INSERT INTO {outbox} (shard, epoch, type, aggregate_id, version, payload, trace)
    SELECT abs(hashtext(e.id)::bigint) % s.shards, {epoch}(), emit.type, e.id, e.version, e.payload,
        nullif(current_setting('quartet.traceparent', true), '')
    FROM {outbox_settings} s
        CROSS JOIN unnest(aggregate_ids, versions, payloads) WITH ORDINALITY AS e (id, version, payload, place)
    WHERE s.is_only
    ORDER BY e.place;
    PERFORM pg_notify('quartet_outbox', emit.type);
END
$$;

CREATE FUNCTION {emit}(type text, aggregate_id text, version bigint, payload json) RETURNS void LANGUAGE sql AS $$
    SELECT {emit}(type, ARRAY[aggregate_id], ARRAY[version], ARRAY[payload])
$$;

-- The first rows of a shard that a cursor has not taken: those that it comes back for, then those behind it.
CREATE FUNCTION {outbox_waiting}(
    of_shard smallint, "position" bigint, pending xid8[], pending_after bigint[], row_limit bigint
) RETURNS SETOF {outbox} LANGUAGE sql STABLE AS $$
    SELECT * FROM (
        (
            SELECT o.*
            FROM unnest(pending, pending_after) AS p (transaction, after)
                JOIN {outbox} o ON o.transaction = p.transaction
            WHERE o.shard = of_shard AND o.id > p.after AND o.id <= "position"
            ORDER BY o.id LIMIT row_limit
        )
        UNION ALL
        (SELECT o.* FROM {outbox} o WHERE o.shard = of_shard AND o.id > "position" ORDER BY o.id LIMIT row_limit)
    ) o
    ORDER BY o.id > "position", o.id LIMIT row_limit
$$;
