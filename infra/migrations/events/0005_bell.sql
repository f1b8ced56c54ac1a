-- Transactions that notify commit one after the other, each with a flush of its own: single changes did 340 a second where
-- PostgreSQL does 6,400. So of those that write events of one type side by side one rings for all. Whoever leaves it to
-- another is in flight at the latest when that one commits: the reader sees it there, and looks again.

CREATE OR REPLACE FUNCTION {emit}(type text, aggregate_ids text[], versions bigint[], payloads json[]) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    IF aggregate_ids IS NULL THEN RETURN; END IF;
    -- Before any of its rows has an id: a reader who passes that id must see the transaction among those in flight.
    PERFORM pg_current_xact_id();
    INSERT INTO {outbox} (shard, epoch, type, aggregate_id, version, payload, trace)
    SELECT abs(hashtext(e.id)::bigint) % s.shards, (SELECT {epoch}()), emit.type, e.id, e.version, e.payload,
        nullif(current_setting('quartet.traceparent', true), '')
    FROM {outbox_settings} s
        CROSS JOIN unnest(aggregate_ids, versions, payloads) WITH ORDINALITY AS e (id, version, payload, place)
    WHERE s.is_only
    ORDER BY e.place;
    -- The right to ring for others goes with the transaction, behind the notification. Who is under way for long would keep it
    -- for long, and rings for itself.
    IF clock_timestamp() > now() + interval '50 milliseconds'
        OR pg_try_advisory_xact_lock(hashtextextended('quartet_outbox ' || emit.type, 0))
    THEN
        PERFORM pg_notify('quartet_outbox', emit.type);
    END IF;
END
$$;
