CREATE UNLOGGED TABLE {staging} (
    attempt bigint NOT NULL,                    -- of the task that copied the row
    {columns}
)
