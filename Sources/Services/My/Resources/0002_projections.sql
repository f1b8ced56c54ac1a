-- Keys of any type; who copies, and what went wrong last.
ALTER TABLE {projections} ALTER COLUMN copied_to TYPE text;
ALTER TABLE {projections} ADD COLUMN holder text;
ALTER TABLE {projections} ADD COLUMN error text;
ALTER TABLE {projections} ADD COLUMN failed_at timestamptz;
