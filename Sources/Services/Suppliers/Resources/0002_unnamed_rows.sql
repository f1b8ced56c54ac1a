-- Rows of the pass whose ids could not be read: while there are some, nobody can tell what is gone.
ALTER TABLE {supplier_sync_state} ADD COLUMN unnamed bigint NOT NULL DEFAULT 0;
