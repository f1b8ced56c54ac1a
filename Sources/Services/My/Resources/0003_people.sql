-- How users want to be seen and told of things, and which products they watch. Users and products are of other databases: no
-- foreign keys, but who is named has to be in the copies.

CREATE TABLE {my_products_view} (
    product_id text COLLATE "C" PRIMARY KEY,
    name text NOT NULL,
    currency text,
    price bigint,
    stock bigint,
    version bigint NOT NULL CHECK (version > 0),
    is_deleted boolean NOT NULL,
    changed_at timestamptz NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX my_products_view_by_change ON {my_products_view} (changed_at);

CREATE TABLE {profiles} (
    user_id text COLLATE "C" PRIMARY KEY CONSTRAINT profiles_id_is_a_user
        CHECK (user_id ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'),
    display_name text NOT NULL,
    bio text,
    image_url text,
    locale text CONSTRAINT profiles_locale_is_a_tag CHECK (locale ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$'),
    time_zone text CONSTRAINT profiles_time_zone_is_known CHECK (time_zone ~ '^(UTC|[A-Za-z_]+(/[A-Za-z0-9_+-]+)+)$'),
    notify_price boolean NOT NULL DEFAULT true,
    notify_stock boolean NOT NULL DEFAULT true,
    notify_email boolean NOT NULL DEFAULT false,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE INDEX profiles_by_change ON {profiles} (updated_at, user_id);

CREATE TABLE {watch_list} (
    watch_id text COLLATE "C" PRIMARY KEY CHECK (octet_length(watch_id) BETWEEN 1 AND 128),
    user_id uuid NOT NULL,
    product_id text COLLATE "C" NOT NULL CHECK (octet_length(product_id) BETWEEN 1 AND 128),
    note text,
    target_price bigint CHECK (target_price >= 0),
    currency text CHECK (currency ~ '^[A-Z]{3}$'),
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
);

CREATE UNIQUE INDEX watch_list_once ON {watch_list} (user_id, product_id) WHERE deleted_at IS NULL;
CREATE INDEX watch_list_by_user ON {watch_list} (user_id, watch_id);
CREATE INDEX watch_list_by_product ON {watch_list} (product_id, watch_id);
CREATE INDEX watch_list_by_change ON {watch_list} (updated_at, watch_id);

-- The copies' rows that are named stay locked to the end: who deletes one waits, and finds what names it.
CREATE FUNCTION {require_watched}() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    users uuid[];
    products text[];
    missing text;
BEGIN
    IF TG_OP = 'INSERT' THEN
        SELECT array_agg(DISTINCT user_id), array_agg(DISTINCT product_id) INTO users, products FROM new_rows;
    ELSE
        SELECT array_agg(DISTINCT n.user_id), array_agg(DISTINCT n.product_id) INTO users, products
        FROM new_rows n JOIN old_rows o USING (watch_id)
        WHERE n.deleted_at IS NULL
            AND (o.deleted_at IS NOT NULL OR (n.user_id, n.product_id) <> (o.user_id, o.product_id));
    END IF;
    PERFORM 1 FROM {users_view} WHERE user_id = ANY (users) ORDER BY user_id FOR SHARE;
    SELECT u.id::text INTO missing FROM unnest(users) AS u (id)
    WHERE NOT EXISTS (SELECT 1 FROM {users_view} v WHERE v.user_id = u.id AND NOT v.is_deleted) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no user %', missing
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'watch_list_user_is_there';
    END IF;
    PERFORM 1 FROM {my_products_view} WHERE product_id = ANY (products) ORDER BY product_id FOR SHARE;
    SELECT p.id INTO missing FROM unnest(products) AS p (id)
    WHERE NOT EXISTS (SELECT 1 FROM {my_products_view} v WHERE v.product_id = p.id AND NOT v.is_deleted) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'there is no product %', missing
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'watch_list_product_is_there';
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER require_first_watched AFTER INSERT ON {watch_list} REFERENCING NEW TABLE AS new_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {require_watched}();
CREATE TRIGGER require_new_watched AFTER UPDATE ON {watch_list} REFERENCING NEW TABLE AS new_rows OLD TABLE AS old_rows
    FOR EACH STATEMENT EXECUTE FUNCTION {require_watched}();

CREATE FUNCTION {require_profiled}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM {users_view} WHERE user_id = NEW.user_id::uuid AND NOT is_deleted FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'there is no user %', NEW.user_id
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'profiles_user_is_there';
    END IF;
    BEGIN
        PERFORM now() AT TIME ZONE NEW.time_zone;
    EXCEPTION WHEN invalid_parameter_value THEN
        RAISE EXCEPTION 'there is no time zone %', NEW.time_zone
            USING ERRCODE = 'check_violation', CONSTRAINT = 'profiles_time_zone_is_known';
    END;
    RETURN NULL;
END
$$;

CREATE TRIGGER require_first_profiled AFTER INSERT ON {profiles} FOR EACH ROW EXECUTE FUNCTION {require_profiled}();
CREATE TRIGGER require_new_profiled AFTER UPDATE ON {profiles} FOR EACH ROW
    WHEN (NEW.deleted_at IS NULL
        AND (OLD.deleted_at IS NOT NULL OR OLD.time_zone IS DISTINCT FROM NEW.time_zone))
    EXECUTE FUNCTION {require_profiled}();
