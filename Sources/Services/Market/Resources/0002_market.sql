-- Where products are offered, by which accounts; what markets say as they say it; and what products are compared with.
-- Products and users are of other databases: no foreign keys.

CREATE TABLE {market_accounts} (
    account_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(account_id) BETWEEN 1 AND 128),
    marketplace text NOT NULL,
    name text NOT NULL,
    login text,
    secret text,
    is_active boolean NOT NULL DEFAULT true,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE INDEX market_accounts_by_marketplace ON {market_accounts} (marketplace, account_id);
CREATE INDEX market_accounts_by_change ON {market_accounts} (updated_at, account_id);

CREATE TABLE {market_listings} (
    listing_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(listing_id) BETWEEN 1 AND 128),
    product_id text COLLATE "C" NOT NULL CHECK (octet_length(product_id) BETWEEN 1 AND 128),
    account_id text COLLATE "C" CONSTRAINT market_listings_account_is_there REFERENCES {market_accounts},
    marketplace text NOT NULL,
    market_item_id text,
    title text,
    currency text NOT NULL DEFAULT 'KRW' CHECK (currency ~ '^[A-Z]{3}$'),
    price bigint CHECK (price >= 0),
    status text NOT NULL DEFAULT 'draft' CONSTRAINT market_listings_status_is_known
        CHECK (status IN ('draft', 'active', 'paused', 'ended')),
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE UNIQUE INDEX market_listings_of_item ON {market_listings} (marketplace, market_item_id)
    WHERE market_item_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX market_listings_by_product ON {market_listings} (product_id, listing_id);
CREATE INDEX market_listings_by_account ON {market_listings} (account_id, listing_id);
CREATE INDEX market_listings_by_status ON {market_listings} (status, listing_id);
CREATE INDEX market_listings_by_change ON {market_listings} (updated_at, listing_id);

CREATE TABLE {market_product_raw} (
    raw_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(raw_id) BETWEEN 1 AND 128),
    account_id text COLLATE "C" NOT NULL CONSTRAINT market_product_raw_account_is_there REFERENCES {market_accounts},
    payload json NOT NULL,
    fetched_at timestamptz NOT NULL DEFAULT now(),
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE INDEX market_product_raw_by_account ON {market_product_raw} (account_id, raw_id);
CREATE INDEX market_product_raw_by_fetch ON {market_product_raw} (fetched_at, raw_id);
CREATE INDEX market_product_raw_by_change ON {market_product_raw} (updated_at, raw_id);

CREATE TABLE {market_order_raw} (
    raw_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(raw_id) BETWEEN 1 AND 128),
    account_id text COLLATE "C" NOT NULL CONSTRAINT market_order_raw_account_is_there REFERENCES {market_accounts},
    payload json NOT NULL,
    fetched_at timestamptz NOT NULL DEFAULT now(),
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE INDEX market_order_raw_by_account ON {market_order_raw} (account_id, raw_id);
CREATE INDEX market_order_raw_by_fetch ON {market_order_raw} (fetched_at, raw_id);
CREATE INDEX market_order_raw_by_change ON {market_order_raw} (updated_at, raw_id);

CREATE TABLE {benchmark_collect_jobs} (
    job_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(job_id) BETWEEN 1 AND 128),
    marketplace text NOT NULL,
    query text NOT NULL,
    status text NOT NULL DEFAULT 'waiting' CONSTRAINT benchmark_collect_jobs_status_is_known
        CHECK (status IN ('waiting', 'running', 'done', 'failed')),
    found bigint NOT NULL DEFAULT 0 CHECK (found >= 0),
    error text,
    started_at timestamptz,
    ended_at timestamptz,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE INDEX benchmark_collect_jobs_by_status ON {benchmark_collect_jobs} (status, job_id);
CREATE INDEX benchmark_collect_jobs_by_change ON {benchmark_collect_jobs} (updated_at, job_id);

CREATE TABLE {benchmark_products} (
    benchmark_product_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(benchmark_product_id) BETWEEN 1 AND 128),
    marketplace text NOT NULL,
    job_id text COLLATE "C" CONSTRAINT benchmark_products_job_is_there REFERENCES {benchmark_collect_jobs},
    product_id text COLLATE "C" CHECK (octet_length(product_id) BETWEEN 1 AND 128),
    name text NOT NULL,
    brand text,
    category text,
    url text,
    currency text NOT NULL DEFAULT 'KRW' CHECK (currency ~ '^[A-Z]{3}$'),
    price bigint CHECK (price >= 0),
    rating bigint CHECK (rating BETWEEN 0 AND 100),
    reviews bigint CHECK (reviews >= 0),
    collected_at timestamptz NOT NULL DEFAULT now(),
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE INDEX benchmark_products_by_product ON {benchmark_products} (product_id, benchmark_product_id);
CREATE INDEX benchmark_products_by_marketplace ON {benchmark_products} (marketplace, benchmark_product_id);
CREATE INDEX benchmark_products_by_job ON {benchmark_products} (job_id, benchmark_product_id);
CREATE INDEX benchmark_products_by_collection ON {benchmark_products} (collected_at, benchmark_product_id);
CREATE INDEX benchmark_products_by_change ON {benchmark_products} (updated_at, benchmark_product_id);
