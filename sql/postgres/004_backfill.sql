-- Backfill: months that are done, so that a backfill that was interrupted resumes. Removed when all of its range is done.
CREATE TABLE castro.backfilled_month (
    stream    text NOT NULL,
    first_day date NOT NULL,                    -- the range that was asked for
    last_day  date NOT NULL,
    month     date NOT NULL,                    -- its first day
    read_at   timestamptz NOT NULL,             -- when the run that did it began
    PRIMARY KEY (stream, first_day, last_day, month)
);
