-- Users as this database's readers see them: a copy, kept by events; versions decide. One that was deleted leaves its version,
-- so that an event that comes late does not bring it back.
CREATE TABLE {users_view} (
    user_id uuid PRIMARY KEY,
    nickname text NOT NULL,
    name text NOT NULL,
    email text NOT NULL,
    profile_image text,
    version bigint NOT NULL CHECK (version > 0),
    is_deleted boolean NOT NULL,
    -- At the source.
    changed_at timestamptz NOT NULL,
    -- Here: a rebuild takes over what came meanwhile.
    applied_at timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX users_view_by_change ON {users_view} (changed_at);

-- How far each copy's bootstrap is.
CREATE TABLE {projections} (
    name text PRIMARY KEY,
    copied_to uuid,
    copied_rows bigint NOT NULL DEFAULT 0,
    started_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz
);
