-- How far each warehouse table has been extracted; a row a target table.
CREATE TABLE castro.extract_watermark (
    target       text PRIMARY KEY,
    watermark    timestamptz,                   -- the largest last_modified read; null: nothing was read yet
    revision     bigint NOT NULL,               -- of the commit; what Redis holds is named by it
    mode         text NOT NULL,                 -- of the last commit: incremental or full
    rows_read    bigint NOT NULL,
    committed_at timestamptz NOT NULL DEFAULT now()
);
