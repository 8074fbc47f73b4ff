CREATE TABLE {target} (
    {columns},
    {loaded_at} timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT {primary_key} PRIMARY KEY ({key})
)
