-- What a product is besides its name. Money is in the smallest unit of its currency. A product that was deleted leaves its
-- row, so that its version goes on.

CREATE TABLE {categories} (
    category_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(category_id) BETWEEN 1 AND 128),
    name text NOT NULL,
    parent_id text COLLATE "C",
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz,
    CONSTRAINT categories_parent_is_there FOREIGN KEY (parent_id) REFERENCES {categories},
    CONSTRAINT categories_are_no_ring CHECK (parent_id <> category_id)
);

CREATE INDEX categories_by_parent ON {categories} (parent_id, category_id);
CREATE INDEX categories_by_name ON {categories} (name, category_id);
CREATE INDEX categories_by_change ON {categories} (updated_at, category_id);

ALTER TABLE {products}
    ADD COLUMN supplier_item_id text COLLATE "C" CHECK (octet_length(supplier_item_id) BETWEEN 1 AND 128),
    ADD COLUMN category_id text COLLATE "C",
    ADD COLUMN brand text,
    ADD COLUMN currency text NOT NULL DEFAULT 'KRW' CHECK (currency ~ '^[A-Z]{3}$'),
    ADD COLUMN price bigint NOT NULL DEFAULT 0 CHECK (price >= 0),
    ADD COLUMN list_price bigint CHECK (list_price >= 0),
    ADD COLUMN discount_rate integer CHECK (discount_rate BETWEEN 0 AND 100),
    ADD COLUMN stock bigint NOT NULL DEFAULT 0 CHECK (stock >= 0),
    ADD COLUMN last_cached_at timestamptz,
    ADD COLUMN deleted_at timestamptz,
    ADD CONSTRAINT products_category_is_there FOREIGN KEY (category_id) REFERENCES {categories};

-- One product for each of a supplier's items.
CREATE UNIQUE INDEX products_of_supplier_item ON {products} (supplier_item_id)
    WHERE supplier_item_id IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX products_by_category ON {products} (category_id, product_id);
CREATE INDEX products_by_brand ON {products} (brand, product_id);
CREATE INDEX products_by_name ON {products} (name, product_id);
CREATE INDEX products_by_price ON {products} (price, product_id);
CREATE INDEX products_by_change ON {products} (updated_at, product_id);

-- What each product cost since when. The product's own version says which change it was.
CREATE TABLE {price_history} (
    product_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    currency text NOT NULL,
    price bigint NOT NULL,
    list_price bigint,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (product_id, version)
);

-- Whoever changes a price and however, it is in the history.
CREATE FUNCTION {note_prices}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO {price_history} (product_id, version, currency, price, list_price, changed_at)
        SELECT product_id, version, currency, price, list_price, updated_at FROM new_rows
        WHERE price > 0 OR list_price IS NOT NULL;
    ELSE
        INSERT INTO {price_history} (product_id, version, currency, price, list_price, changed_at)
        SELECT n.product_id, n.version, n.currency, n.price, n.list_price, n.updated_at
        FROM new_rows n JOIN old_rows o USING (product_id)
        WHERE (n.currency, n.price, n.list_price) IS DISTINCT FROM (o.currency, o.price, o.list_price);
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER note_first_prices AFTER INSERT ON {products} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {note_prices}();
CREATE TRIGGER note_new_prices AFTER UPDATE ON {products} REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {note_prices}();
