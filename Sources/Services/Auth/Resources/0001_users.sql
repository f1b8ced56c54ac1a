-- Users and what they say of themselves. A user that was deleted leaves a row, so that its version goes on.
CREATE TABLE {users} (
    user_id uuid PRIMARY KEY,
    nickname text NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL CHECK (updated_at >= created_at),
    deleted_at timestamptz
);

CREATE INDEX users_by_change ON {users} (updated_at);

CREATE TABLE {user_profiles} (
    user_id uuid PRIMARY KEY REFERENCES {users},
    name text NOT NULL,
    email text NOT NULL,
    profile_image text
);
