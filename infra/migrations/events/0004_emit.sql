-- The epoch is looked up once for a batch of events. In the list of columns it was planned and run again for each row, an
-- eighth of what the server spent on analyses.

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
    PERFORM pg_notify('quartet_outbox', emit.type);
END
$$;
