-- What is offered where. `product_id` is a product of another database: no foreign key; the checker sees to it.
CREATE TABLE {listings} (
    listing_id uuid PRIMARY KEY,
    product_id text COLLATE "C" NOT NULL CHECK (octet_length(product_id) BETWEEN 1 AND 128),
    marketplace text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX listings_by_product ON {listings} (product_id);
