-- As search_grams, at half of the work: pairs of neighbours alone, and the last letter, as a text vector. A single letter is what
-- pairs begin with; and an index compares the words of a vector as bytes.

-- Each letter is doubled and cut in two, and the first half of the first one is left away.
CREATE FUNCTION {search_pairs}(words text) RETURNS tsvector LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE COST 1000 AS $$
BEGIN
    RETURN array_to_tsvector(
        array_remove((string_to_array(regexp_replace(words, '.', E'\\&\x01\\&', 'g'), E'\x01'))[2:], ''));
END
$$;

-- What finds the texts that may have a term.
CREATE FUNCTION {search_query}(term text) RETURNS tsquery LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE AS $$
    SELECT string_agg(
        '''' || replace(replace(substr(term, place, 2), '\', '\\'), '''', '''''')
            || CASE length(term) WHEN 1 THEN ''':*' ELSE '''' END, ' & ')::tsquery
    FROM generate_series(1, greatest(length(term) - 1, 1)) place
$$;
