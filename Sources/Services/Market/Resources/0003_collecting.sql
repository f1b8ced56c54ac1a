-- Where a job's benchmark products come from, and how far it is.
ALTER TABLE {benchmark_collect_jobs}
    ADD COLUMN url text,
    -- Shown to the source alone.
    ADD COLUMN token text,
    ADD COLUMN pages bigint NOT NULL DEFAULT 0 CHECK (pages >= 0),
    ADD COLUMN changed bigint NOT NULL DEFAULT 0 CHECK (changed >= 0),
    ADD COLUMN refused bigint NOT NULL DEFAULT 0 CHECK (refused >= 0),
    -- Of the next page; NULL for the first.
    ADD COLUMN cursor text,
    -- Who collects, until when.
    ADD COLUMN holder text,
    ADD COLUMN held_until timestamptz,
    ADD CONSTRAINT benchmark_collect_jobs_hold_is_whole CHECK ((holder IS NULL) = (held_until IS NULL));
