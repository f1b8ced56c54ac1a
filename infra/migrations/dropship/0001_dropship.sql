-- Products are renamed, never deleted. Ids sort byte by byte, as they do in Swift and in MongoDB.
CREATE TABLE {products} (
    product_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(product_id) BETWEEN 1 AND 128),
    name text NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK (updated_at >= created_at)
);

-- No foreign key to products: its KEY SHARE lock would make all submits for one popular product meet in that product's
-- row, and a product is never deleted. The insert itself looks whether the product exists.
--
-- The free space in each page lets the one update that most rows see (their closing) stay within the page.
CREATE TABLE {analysis_requests} (
    request_id uuid PRIMARY KEY,
    product_id text COLLATE "C" NOT NULL CHECK (octet_length(product_id) BETWEEN 1 AND 128),
    status text NOT NULL CHECK (status IN ('queued', 'completed', 'failed', 'cancelled')),
    generation integer NOT NULL CHECK (generation > 0),
    idempotency_key text COLLATE "C" CHECK (octet_length(idempotency_key) BETWEEN 1 AND 128),
    idempotency_fingerprint bytea,
    created_at timestamptz NOT NULL,
    closed_at timestamptz,
    failure text,
    CONSTRAINT idempotency_is_whole CHECK ((idempotency_key IS NULL) = (idempotency_fingerprint IS NULL)),
    CONSTRAINT closed_has_its_time CHECK ((status = 'queued') = (closed_at IS NULL)),
    CONSTRAINT failed_has_its_reason CHECK ((status = 'failed') = (failure IS NOT NULL))
) WITH (fillfactor = 85);

CREATE UNIQUE INDEX analysis_requests_by_idempotency_key ON {analysis_requests} (idempotency_key)
    WHERE idempotency_key IS NOT NULL;

-- json, not jsonb: the document is handed out as it was stored, never looked into, and its text is kept to the byte.
CREATE TABLE {analysis_results} (
    request_id uuid PRIMARY KEY REFERENCES {analysis_requests},
    product_id text COLLATE "C" NOT NULL,
    completed_at timestamptz NOT NULL,
    card_count integer NOT NULL CHECK (card_count >= 0),
    digest bytea NOT NULL CHECK (octet_length(digest) = 16),
    analyzer text NOT NULL,
    result json NOT NULL
);

-- lz4 takes a third of the time of the default, where the server has it.
DO $$
BEGIN
    ALTER TABLE {analysis_results} ALTER COLUMN result SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END
$$;

CREATE INDEX analysis_results_by_product ON {analysis_results} (product_id, completed_at DESC, request_id DESC);

-- Events, written in the transaction of what they tell. Commit order is (transaction, id) below the oldest transaction
-- still in flight; the sequence alone would skip rows of a transaction that commits late.
CREATE TABLE {outbox} (
    shard smallint NOT NULL CHECK (shard >= 0),
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id bigint GENERATED ALWAYS AS IDENTITY,
    type text NOT NULL,
    aggregate_id text NOT NULL,
    version bigint NOT NULL,
    product_id text NOT NULL,
    generation integer NOT NULL CHECK (generation >= 0),
    occurred_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (shard, transaction, id)
);

-- How far each sink is in each shard, and which relay has the shard until when. The rows are few and change all the
-- time: most of each page is left free for their next versions.
CREATE TABLE {outbox_cursors} (
    sink text NOT NULL,
    shard smallint NOT NULL CHECK (shard >= 0),
    transaction xid8 NOT NULL DEFAULT '0',
    id bigint NOT NULL DEFAULT 0,
    owner uuid,
    owned_until timestamptz,
    PRIMARY KEY (sink, shard),
    CONSTRAINT ownership_is_whole CHECK ((owner IS NULL) = (owned_until IS NULL))
) WITH (fillfactor = 20);

-- Which relays live, so that each can tell its fair share of the shards.
CREATE TABLE {outbox_relays} (
    sink text NOT NULL,
    owner uuid NOT NULL,
    seen_until timestamptz NOT NULL,
    PRIMARY KEY (sink, owner)
) WITH (fillfactor = 20);
