-- What suppliers say, as they said it last. Nothing here is the shop's own truth.

CREATE TABLE {supplier_accounts} (
    supplier_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(supplier_id) BETWEEN 1 AND 128),
    name text NOT NULL,
    url text NOT NULL,
    -- Shown to the supplier alone.
    token text,
    sync_interval_seconds bigint CHECK (sync_interval_seconds > 0),
    requests_per_second bigint CHECK (requests_per_second > 0),
    is_paused boolean NOT NULL DEFAULT false,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE INDEX supplier_accounts_by_name ON {supplier_accounts} (name, supplier_id);
CREATE INDEX supplier_accounts_by_change ON {supplier_accounts} (updated_at, supplier_id);

-- How far the passes over a supplier's pages are, one at a time for each kind.
CREATE TABLE {supplier_sync_state} (
    supplier_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    pass bigint NOT NULL,
    -- Whether what it does not meet is gone.
    is_full boolean NOT NULL,
    -- It is not over: the next run goes on with it.
    is_open boolean NOT NULL,
    -- Of the next page; NULL for the first.
    cursor text,
    -- There is no further page.
    is_listed boolean NOT NULL DEFAULT false,
    met bigint NOT NULL DEFAULT 0,
    -- What the pass's first page said that it is as of, and what that of the last finished pass said.
    as_of text,
    changed_since text,
    full_at timestamptz,
    -- When the last pass was over, and when the last run was done or failed, and why it failed.
    synced_at timestamptz,
    ended_at timestamptz,
    error text,
    -- Who syncs, until when.
    holder text,
    held_until timestamptz,
    PRIMARY KEY (supplier_id, kind),
    CONSTRAINT hold_is_whole CHECK ((holder IS NULL) = (held_until IS NULL))
) WITH (fillfactor = 50);

CREATE TABLE {supplier_sync_jobs} (
    job_id text COLLATE "C" PRIMARY KEY,
    supplier_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    is_full boolean NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done', 'failed', 'interrupted')),
    pages bigint NOT NULL DEFAULT 0,
    met bigint NOT NULL DEFAULT 0,
    changed bigint NOT NULL DEFAULT 0,
    refused bigint NOT NULL DEFAULT 0,
    removed bigint NOT NULL DEFAULT 0,
    error text,
    finished_at timestamptz,
    version bigint NOT NULL DEFAULT 1 CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
) WITH (fillfactor = 50);

CREATE INDEX supplier_sync_jobs_of_supplier ON {supplier_sync_jobs} (supplier_id, job_id);
CREATE INDEX supplier_sync_jobs_by_state ON {supplier_sync_jobs} (state, job_id);
CREATE INDEX supplier_sync_jobs_by_change ON {supplier_sync_jobs} (updated_at, job_id);

-- Each page that was asked for, and each row that could not be taken.
CREATE TABLE {supplier_raw_fetch_log} (
    entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    supplier_id text COLLATE "C" NOT NULL,
    kind text NOT NULL,
    job_id text COLLATE "C" NOT NULL,
    cursor text,
    item_id text,
    bytes bigint,
    rows bigint,
    changed bigint,
    problem text,
    fetched_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX supplier_raw_fetch_log_of_job ON {supplier_raw_fetch_log} (job_id, entry);
CREATE INDEX supplier_raw_fetch_log_by_time ON {supplier_raw_fetch_log} (fetched_at);

-- A row each of what a supplier has. One that it lists no longer leaves its row, so that its version goes on.
CREATE TABLE {supplier_item_raw} (
    raw_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(raw_id) BETWEEN 1 AND 128),
    supplier_id text COLLATE "C" NOT NULL,
    -- As the supplier calls it.
    item_id text NOT NULL,
    payload jsonb NOT NULL,
    payload_hash bytea NOT NULL,
    -- The last full pass that met it.
    seen_pass bigint,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE INDEX supplier_item_raw_of_supplier ON {supplier_item_raw} (supplier_id, raw_id);
CREATE INDEX supplier_item_raw_by_change ON {supplier_item_raw} (updated_at, raw_id);

CREATE TABLE {supplier_order_raw} (LIKE {supplier_item_raw} INCLUDING ALL);
CREATE TABLE {supplier_qna_raw} (LIKE {supplier_item_raw} INCLUDING ALL);
CREATE TABLE {supplier_category_raw} (LIKE {supplier_item_raw} INCLUDING ALL);
