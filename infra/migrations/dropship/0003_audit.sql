-- Which version of the fold made a result and its keyword details: the same cards may come to another document in a later
-- one, and that is no disagreement.
ALTER TABLE {analysis_results} ADD COLUMN fold_version integer NOT NULL DEFAULT 1 CHECK (fold_version > 0);

-- The few requests that were opened again, for the checker: among all events it would have to look at each.
CREATE INDEX outbox_reopened ON {outbox} (aggregate_id COLLATE "C")
    WHERE type = 'analysis.requested' AND generation > 1;
