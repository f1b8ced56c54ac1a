-- What the checker did and found. A sweep's options and progress are documents of the checker's own: another process
-- reads them to go on where one was cut off.
CREATE TABLE {consistency_sweeps} (
    sweep_id uuid PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('running', 'finished', 'abandoned')),
    holder text NOT NULL,
    options text NOT NULL,
    settings json NOT NULL,
    -- Over all keys and all invariants, so that the next incremental sweep may begin where this one was.
    is_whole boolean NOT NULL,
    is_full boolean NOT NULL,
    settled_before timestamptz NOT NULL,
    since timestamptz,
    first_key uuid NOT NULL,
    progress json NOT NULL,
    resumes integer NOT NULL DEFAULT 0 CHECK (resumes >= 0),
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    findings bigint,
    repaired bigint,
    CONSTRAINT finished_has_its_time CHECK ((state = 'finished') = (finished_at IS NOT NULL))
) WITH (fillfactor = 50);

CREATE INDEX consistency_sweeps_by_time ON {consistency_sweeps} (state, started_at DESC);

CREATE TABLE {consistency_findings} (
    sweep_id uuid NOT NULL REFERENCES {consistency_sweeps} ON DELETE CASCADE,
    kind text NOT NULL,
    key text NOT NULL,
    invariant text NOT NULL,
    detail text NOT NULL,
    -- Since when it may have been so, as far as the rows tell.
    since timestamptz,
    found_at timestamptz NOT NULL,
    is_repaired boolean NOT NULL,
    action text,
    before text,
    after text,
    PRIMARY KEY (sweep_id, kind, key),
    CONSTRAINT repair_is_whole CHECK (
        (action IS NULL) = (before IS NULL) AND (action IS NULL) = (after IS NULL)
        AND (NOT is_repaired OR action IS NOT NULL))
);
