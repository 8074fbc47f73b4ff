CREATE UNLOGGED TABLE {staging} (
    attempt bigint NOT NULL,                    -- the task that put the rows there
    {columns}
)
