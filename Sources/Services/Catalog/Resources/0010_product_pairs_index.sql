-- outside a transaction
-- Where products are whose text has these letters and pairs of neighbours.
CREATE INDEX CONCURRENTLY IF NOT EXISTS products_by_pairs ON {products}
    USING gin ({search_pairs}({search_fold}(name || E'\n' || coalesce(brand, ''))));

DROP INDEX IF EXISTS {products}_by_letters;
