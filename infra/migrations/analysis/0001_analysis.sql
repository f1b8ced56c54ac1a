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
    -- Grows with each change of the request.
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
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
    result json NOT NULL,
    -- Which version of the fold made a result and its keyword details: the same cards may come to another document in a
    -- later one, and that is no disagreement.
    fold_version integer NOT NULL DEFAULT 1 CHECK (fold_version > 0)
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

-- The few requests that were opened again, for the checker: among all events it would have to look at each.
CREATE INDEX outbox_reopened ON {outbox} (aggregate_id COLLATE "C")
    WHERE type = 'analysis.requested' AND payload ->> 'generation' <> '1';
