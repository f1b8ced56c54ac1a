-- Rows of the pass whose ids could not be read: while there are some, nobody can tell what is gone.
ALTER TABLE {market_sync_state} ADD COLUMN unnamed bigint NOT NULL DEFAULT 0;
