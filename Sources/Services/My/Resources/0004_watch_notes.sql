-- What watchers are told of their products. My learns of changes by events, which say how things are now: so it keeps how they
-- were when watchers were told last.

-- Of products that anybody ever watched.
CREATE TABLE {watched_products} (
    product_id text COLLATE "C" PRIMARY KEY,
    version bigint NOT NULL,
    currency text,
    price bigint,
    stock bigint
);

-- Changes that not all watchers were told of yet. The old price is NULL where it is not the price that changed.
CREATE TABLE {product_changes} (
    product_id text COLLATE "C" NOT NULL,
    version bigint NOT NULL,
    old_currency text,
    old_price bigint,
    currency text,
    price bigint,
    is_back_in_stock boolean NOT NULL,
    happened_at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- The last watch whose user was told.
    told_to text COLLATE "C" NOT NULL DEFAULT '',
    PRIMARY KEY (product_id, version)
);

CREATE INDEX product_changes_by_age ON {product_changes} (recorded_at, product_id);

CREATE TABLE {watch_notes} (
    note_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    user_id uuid NOT NULL,
    product_id text COLLATE "C" NOT NULL,
    product_version bigint NOT NULL,
    old_currency text,
    old_price bigint,
    currency text,
    price bigint,
    is_back_in_stock boolean NOT NULL,
    happened_at timestamptz NOT NULL,
    noted_at timestamptz NOT NULL DEFAULT now(),
    is_unread boolean NOT NULL DEFAULT true,
    CONSTRAINT watch_notes_once UNIQUE (user_id, product_id, product_version)
);

CREATE INDEX watch_notes_by_user ON {watch_notes} (user_id, is_unread, note_id);
CREATE INDEX watch_notes_by_age ON {watch_notes} (noted_at);

-- A product that somebody watches is known as it is then. Behind the trigger that locks the copy's row, whose name sorts before.
CREATE FUNCTION {remember_watched}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO {watched_products} (product_id, version, currency, price, stock)
    SELECT product_id, version, currency, price, stock FROM {my_products_view}
    WHERE product_id IN (SELECT product_id FROM new_rows WHERE deleted_at IS NULL) AND NOT is_deleted
    ORDER BY product_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;

CREATE TRIGGER watched_first AFTER INSERT ON {watch_list} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {remember_watched}();
CREATE TRIGGER watched_now AFTER UPDATE ON {watch_list} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {remember_watched}();

INSERT INTO {watched_products} (product_id, version, currency, price, stock)
SELECT product_id, version, currency, price, stock FROM {my_products_view} v
WHERE NOT is_deleted AND EXISTS (SELECT 1 FROM {watch_list} w WHERE w.product_id = v.product_id AND w.deleted_at IS NULL);
