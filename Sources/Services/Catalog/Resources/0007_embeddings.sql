-- What products are like, and which of them could stand for what markets sell. No column needs an extension: where there is
-- pgvector, `quartet migrate` makes the indexes that look for what is near.

CREATE TABLE {embeddings} (
    product_id text COLLATE "C" NOT NULL REFERENCES {products},
    -- Points of different models can't be compared.
    model text COLLATE "C" NOT NULL CHECK (octet_length(model) BETWEEN 1 AND 64),
    dimension integer NOT NULL CHECK (dimension BETWEEN 1 AND 16000),
    embedding real[] NOT NULL CHECK (cardinality(embedding) = dimension),
    -- The product's version that it was made of.
    of_version bigint NOT NULL,
    made_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (product_id, model)
);

-- Numbers like these do not get smaller by packing.
ALTER TABLE {embeddings} ALTER COLUMN embedding SET STORAGE EXTERNAL;
CREATE INDEX embeddings_by_model ON {embeddings} (model, dimension, product_id);

-- A copy of what the market collects: its own database may be another one.
CREATE TABLE {benchmarks_view} (
    benchmark_product_id text COLLATE "C" PRIMARY KEY,
    marketplace text,
    name text NOT NULL,
    brand text,
    category text,
    version bigint NOT NULL,
    is_deleted boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX benchmarks_view_by_change ON {benchmarks_view} (changed_at);

-- How far the service's copies are.
CREATE TABLE {catalog_projections} (
    name text PRIMARY KEY,
    copied_to text,
    copied_rows bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    holder text,
    error text,
    failed_at timestamptz
);

-- Products that somebody found for a benchmark product and kept.
CREATE TABLE {sourcing_candidates} (
    candidate_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(candidate_id) BETWEEN 1 AND 128),
    benchmark_product_id text COLLATE "C" NOT NULL CHECK (octet_length(benchmark_product_id) BETWEEN 1 AND 128),
    product_id text COLLATE "C" NOT NULL CHECK (octet_length(product_id) BETWEEN 1 AND 128),
    model text NOT NULL,
    -- Of a million; 1,000,000 is the same.
    likeness bigint NOT NULL CHECK (likeness BETWEEN -1000000 AND 1000000),
    status text NOT NULL DEFAULT 'found' CONSTRAINT sourcing_candidates_status_is_known
        CHECK (status IN ('found', 'accepted', 'refused')),
    note text,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT sourcing_candidates_once UNIQUE (benchmark_product_id, product_id)
);

CREATE INDEX sourcing_candidates_by_product ON {sourcing_candidates} (product_id, candidate_id);
CREATE INDEX sourcing_candidates_by_benchmark ON {sourcing_candidates} (benchmark_product_id, candidate_id);
CREATE INDEX sourcing_candidates_by_status ON {sourcing_candidates} (status, candidate_id);
CREATE INDEX sourcing_candidates_by_change ON {sourcing_candidates} (updated_at, candidate_id);
