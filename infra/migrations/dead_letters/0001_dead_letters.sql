-- What was done with events that had been put aside; they stay in their topics.
CREATE TABLE {dead_letters} (
    topic text NOT NULL,
    partition_ integer NOT NULL,
    offset_ bigint NOT NULL,
    written_at timestamptz NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('redriven', 'dropped')),
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition_, offset_, written_at)
);
