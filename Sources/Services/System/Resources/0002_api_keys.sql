-- Callers' keys, each as a digest: who reads the table cannot call. A name is used once, for histories go by it.
CREATE TABLE {api_keys} (
    key_id text PRIMARY KEY,
    -- SHA-256 over all of the key, in hexadecimal digits.
    hash text NOT NULL CHECK (hash ~ '^[0-9a-f]{64}$'),
    name text NOT NULL UNIQUE,
    scope text NOT NULL CHECK (scope IN ('read', 'write', 'admin')),
    created_at timestamptz NOT NULL,
    created_by text NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz,
    revoked_by text,
    last_used_at timestamptz
);
