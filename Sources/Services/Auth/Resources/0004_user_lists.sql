-- outside a transaction
-- Lists go in the order of ids as callers know them.
CREATE INDEX CONCURRENTLY IF NOT EXISTS users_by_id ON {users} ((user_id::text COLLATE "C"));

CREATE INDEX CONCURRENTLY IF NOT EXISTS users_by_region ON {users} (region, (user_id::text COLLATE "C"));

CREATE INDEX CONCURRENTLY IF NOT EXISTS users_by_change_and_id ON {users} (updated_at, (user_id::text COLLATE "C"));
