-- Whose turn in the aging cache is next: first those that had none.
ALTER TABLE {users} ADD COLUMN last_cached_at timestamptz;

CREATE INDEX users_by_turn ON {users} (last_cached_at NULLS FIRST, user_id) WHERE deleted_at IS NULL;
