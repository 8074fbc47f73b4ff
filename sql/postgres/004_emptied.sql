-- Days and months that lost their last event: Redis may still hold them, and no row is left to tell it otherwise.
-- Kept as long as the books.
CREATE TABLE castro.emptied (
    stream       text NOT NULL,
    period       text NOT NULL CHECK (period IN ('date', 'month')),
    product_code text COLLATE "C" NOT NULL,
    first_day    date NOT NULL,
    revision     bigint NOT NULL,               -- the commit that emptied it
    emptied_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (stream, period, product_code, first_day)
);
