-- outside a transaction
-- Where products are whose text has these letters and pairs of neighbours.
CREATE INDEX CONCURRENTLY IF NOT EXISTS products_by_words ON {products}
    USING gin ({search_grams}({search_fold}(name || E'\n' || coalesce(brand, ''))));
