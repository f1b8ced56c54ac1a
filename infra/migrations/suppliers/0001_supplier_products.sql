-- What suppliers say of their products, as last fetched. A snapshot is kept whole: nothing here is Quartet's own truth.
CREATE TABLE {supplier_products} (
    supplier text COLLATE "C" NOT NULL,
    supplier_product_id text COLLATE "C" NOT NULL,
    name text NOT NULL,
    fetched_at timestamptz NOT NULL,
    PRIMARY KEY (supplier, supplier_product_id)
);
