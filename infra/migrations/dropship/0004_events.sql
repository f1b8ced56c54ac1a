-- Rows of the outbox carry what happened as JSON, whatever it happened to. What an earlier build wrote is taken along and
-- handed off again, which changes nothing the second time.
INSERT INTO {outbox} (shard, epoch, type, aggregate_id, version, payload, occurred_at)
SELECT abs(hashtext(o.aggregate_id)::bigint) % s.shards, {epoch}(), o.type, o.aggregate_id, o.version,
    CASE WHEN o.type = 'product.updated' THEN json_build_object('name', p.name)
        WHEN o.type = 'analysis.completed' THEN json_build_object(
            'product_id', o.product_id, 'generation', o.generation, 'result_version', o.version)
        ELSE json_build_object('product_id', o.product_id, 'generation', o.generation) END,
    o.occurred_at
FROM {outbox_settings} s
    CROSS JOIN outbox_before o
    LEFT JOIN {products} p ON p.product_id = o.aggregate_id
WHERE o.type <> 'consistency.finding'
ORDER BY o.transaction, o.id;

DROP TABLE outbox_before;

-- A request's version grows with each change of it.
ALTER TABLE {analysis_requests} ADD COLUMN version bigint NOT NULL DEFAULT 1 CHECK (version > 0);

-- What was done with events that had been put aside; they stay in their topics.
CREATE TABLE {dead_letters} (
    topic text NOT NULL,
    partition_ integer NOT NULL,
    offset_ bigint NOT NULL,
    written_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('redriven', 'dropped')),
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition_, offset_, written_at)
);

-- The few requests that were opened again, for the checker: among all events it would have to look at each.
CREATE INDEX outbox_reopened ON {outbox} (aggregate_id COLLATE "C")
    WHERE type = 'analysis.requested' AND payload ->> 'generation' <> '1';
