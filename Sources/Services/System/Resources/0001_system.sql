-- What is set while processes run, over what they were started with. A value that was taken back leaves its row, so that its
-- version goes on.
CREATE TABLE {system_config} (
    key text PRIMARY KEY,
    -- As a configuration file has it; null where the processes' own configuration counts.
    value text,
    -- The one before this.
    former_value text,
    version bigint NOT NULL CHECK (version > 0),
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    why text
);

CREATE TABLE {system_config_history} (
    key text NOT NULL,
    version bigint NOT NULL,
    old_value text,
    new_value text,
    changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    why text,
    PRIMARY KEY (key, version)
);
