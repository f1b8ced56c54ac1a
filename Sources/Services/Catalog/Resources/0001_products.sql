-- Products are renamed, never deleted. Ids sort byte by byte, as they do in Swift and in MongoDB.
CREATE TABLE {products} (
    product_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(product_id) BETWEEN 1 AND 128),
    name text NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CHECK (updated_at >= created_at)
);
