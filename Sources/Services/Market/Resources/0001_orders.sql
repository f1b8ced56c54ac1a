-- What was ordered, and the copies of products and users that say more about it. Money is in the smallest unit of its
-- currency. A copy's row that was deleted leaves its version, so that an event that comes late does not bring it back.

CREATE TABLE {products_view} (
    product_id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    supplier_item_id text,
    category_id text,
    brand text,
    currency text,
    price bigint,
    list_price bigint,
    discount_rate integer,
    stock bigint,
    version bigint NOT NULL CHECK (version > 0),
    is_deleted boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX products_view_by_change ON {products_view} (changed_at);

-- What orders tell of who ordered, and nothing more of them.
CREATE TABLE {market_users_view} (
    user_id uuid PRIMARY KEY,
    gender text,
    age integer,
    age_group text,
    region text,
    version bigint NOT NULL CHECK (version > 0),
    is_deleted boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX market_users_view_by_change ON {market_users_view} (changed_at);

-- How far each copy's bootstrap is.
CREATE TABLE {market_projections} (
    name text PRIMARY KEY,
    copied_to text,
    copied_rows bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    holder text,
    error text,
    failed_at timestamptz
);

-- Users and products are of other databases: no foreign keys.
CREATE TABLE {orders} (
    order_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(order_id) BETWEEN 1 AND 128),
    user_id uuid NOT NULL,
    product_id text COLLATE "C" NOT NULL CHECK (octet_length(product_id) BETWEEN 1 AND 128),
    quantity bigint NOT NULL CHECK (quantity BETWEEN 1 AND 1000000),
    currency text NOT NULL CHECK (currency ~ '^[A-Z]{3}$'),
    unit_price bigint NOT NULL CHECK (unit_price BETWEEN 0 AND 1000000000000),
    amount bigint GENERATED ALWAYS AS (quantity * unit_price) STORED,
    status text NOT NULL DEFAULT 'placed' CONSTRAINT orders_status_is_known
        CHECK (status IN ('placed', 'paid', 'shipped', 'delivered', 'cancelled', 'returned')),
    ordered_at timestamptz NOT NULL,
    -- As the copies had it when the order came.
    supplier_item_id text,
    category_id text,
    region text,
    gender text,
    age_group text,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE INDEX orders_by_user ON {orders} (user_id, ordered_at, order_id);
CREATE INDEX orders_by_product ON {orders} (product_id, ordered_at, order_id);
CREATE INDEX orders_by_status ON {orders} (status, ordered_at, order_id);
CREATE INDEX orders_by_time ON {orders} (ordered_at, order_id);
CREATE INDEX orders_by_change ON {orders} (updated_at, order_id);

-- What of it is to be ordered from the product's supplier.
CREATE TABLE {supplier_orders} (
    order_id text COLLATE "C" PRIMARY KEY REFERENCES {orders},
    supplier_item_id text NOT NULL,
    quantity bigint NOT NULL,
    status text NOT NULL DEFAULT 'waiting' CONSTRAINT supplier_orders_status_is_known
        CHECK (status IN ('waiting', 'sent', 'confirmed', 'shipped', 'refused', 'cancelled')),
    -- What the supplier calls it.
    reference text,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE INDEX supplier_orders_by_item ON {supplier_orders} (supplier_item_id, order_id);
CREATE INDEX supplier_orders_by_status ON {supplier_orders} (status, order_id);
CREATE INDEX supplier_orders_by_change ON {supplier_orders} (updated_at, order_id);
