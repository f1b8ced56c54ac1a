-- outside a transaction
-- As products_by_words, with letters in the order of their bytes: a row has some forty of them to be sorted, which a locale takes
-- longer for.
CREATE INDEX CONCURRENTLY IF NOT EXISTS products_by_letters ON {products}
    USING gin (({search_grams}({search_fold}(name || E'\n' || coalesce(brand, '')))) COLLATE "C");

DROP INDEX IF EXISTS {products}_by_words;
