-- Backfill: months that are done, so that a backfill that was interrupted resumes. Removed when all of its range is done.
CREATE TABLE castro.backfilled_month (
    stream    text NOT NULL,
    first_day date NOT NULL,                    -- the range that was asked for
    last_day  date NOT NULL,
    month     date NOT NULL,                    -- its first day
    done_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, first_day, last_day, month)
);
