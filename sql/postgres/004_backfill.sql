-- Backfill: the completed months, so that an interrupted backfill resumes. Removed once its whole range is done.
CREATE TABLE castro.backfilled_month (
    stream    text NOT NULL,
    first_day date NOT NULL,                    -- the requested range
    last_day  date NOT NULL,
    month     date NOT NULL,                    -- the month's first day
    read_at   timestamptz NOT NULL,             -- when the run that completed it began
    PRIMARY KEY (stream, first_day, last_day, month)
);
