-- Whose turn in the aging cache is next: first those that had none.
CREATE INDEX products_by_turn ON {products} (last_cached_at NULLS FIRST, product_id) WHERE deleted_at IS NULL;
