-- What markets list of ours and what was ordered there, as they said it last, and how far the passes over their pages are.
ALTER TABLE {market_accounts}
    ADD COLUMN url text,
    ADD COLUMN sync_interval_seconds bigint CHECK (sync_interval_seconds > 0),
    ADD COLUMN requests_per_second bigint CHECK (requests_per_second > 0);

CREATE TABLE {market_sync_state} (
    account_id text COLLATE "C" NOT NULL REFERENCES {market_accounts},
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
    -- Who fetches, until when.
    holder text,
    held_until timestamptz,
    PRIMARY KEY (account_id, kind),
    CONSTRAINT market_sync_hold_is_whole CHECK ((holder IS NULL) = (held_until IS NULL))
) WITH (fillfactor = 50);

CREATE TABLE {market_sync_jobs} (
    job_id text COLLATE "C" PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL,
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

CREATE INDEX market_sync_jobs_of_account ON {market_sync_jobs} (account_id, job_id);
CREATE INDEX market_sync_jobs_by_state ON {market_sync_jobs} (state, job_id);
CREATE INDEX market_sync_jobs_by_change ON {market_sync_jobs} (updated_at, job_id);

-- Each page that was asked for, and each row that could not be taken.
CREATE TABLE {market_raw_fetch_log} (
    entry bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text COLLATE "C" NOT NULL,
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

CREATE INDEX market_raw_fetch_log_of_job ON {market_raw_fetch_log} (job_id, entry);
CREATE INDEX market_raw_fetch_log_by_time ON {market_raw_fetch_log} (fetched_at);

-- Nobody but whoever made rows by hand has some.
ALTER TABLE {market_product_raw}
    -- As the market calls it.
    ADD COLUMN item_id text,
    ADD COLUMN payload_hash bytea,
    -- The last full pass that met it.
    ADD COLUMN seen_pass bigint,
    DROP COLUMN fetched_at,
    -- When what it says now was fetched.
    ADD COLUMN fetched_at timestamptz GENERATED ALWAYS AS (updated_at) STORED;

ALTER TABLE {market_order_raw}
    ADD COLUMN item_id text,
    ADD COLUMN payload_hash bytea,
    ADD COLUMN seen_pass bigint,
    DROP COLUMN fetched_at,
    ADD COLUMN fetched_at timestamptz GENERATED ALWAYS AS (updated_at) STORED,
    -- The version of it that is done with: it is an order, or can't be one.
    ADD COLUMN taken_version bigint,
    -- Why it is no order, or not yet, and when that was tried.
    ADD COLUMN problem text,
    ADD COLUMN tried_at timestamptz;

CREATE INDEX market_product_raw_by_fetch ON {market_product_raw} (fetched_at, raw_id);
CREATE INDEX market_order_raw_by_fetch ON {market_order_raw} (fetched_at, raw_id);
CREATE INDEX market_order_raw_to_take ON {market_order_raw} (raw_id) WHERE taken_version IS DISTINCT FROM version;
