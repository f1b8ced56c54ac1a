-- What was done with dead letters, which stay in their topics. A letter is known by its place and by when it was written: a
-- topic that was made anew begins again at offset 0.

-- name: handled_letters
SELECT d.offset_ FROM unnest($3::bigint[], $4::timestamptz[]) AS i (offset_, written_at)
    JOIN {dead_letters} d ON d.topic = $1::text AND d.partition_ = $2::integer AND d.offset_ = i.offset_
        AND d.written_at = i.written_at;

-- name: record_letters
INSERT INTO {dead_letters} (topic, partition_, offset_, written_at, outcome)
SELECT topic, partition_, offset_, written_at, $5::text
FROM unnest($1::text[], $2::integer[], $3::bigint[], $4::timestamptz[]) AS i (topic, partition_, offset_, written_at)
ON CONFLICT DO NOTHING;
