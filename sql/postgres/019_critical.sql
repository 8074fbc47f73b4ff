-- Critical products (docs/design/critical.md).

-- The last commit of the stream itself that brought a fresh event of the product: of a recent day, and not out of band.
ALTER TABLE castro.touched ADD COLUMN fresh_revision bigint;

-- The last episode of each product and rule. It numbers the next one, so it is retained; one row per product and rule.
CREATE TABLE castro.critical (
    product_code text COLLATE "C" NOT NULL,
    rule         text COLLATE "C" NOT NULL,     -- as the settings name it
    episode      bigint NOT NULL,               -- counts the product's episodes of this rule
    started_at   timestamptz NOT NULL,
    ended_at     timestamptz,                   -- null: it lasts
    ended_because text,
    reason       text NOT NULL,                 -- why it started
    value        numeric,                       -- measured last, while it lasts
    started_by   text NOT NULL,                 -- the commit: a stream or a warehouse table, and its revision
    seen_at      timestamptz NOT NULL,          -- when the value was written
    PRIMARY KEY (product_code, rule)
) WITH (fillfactor = 70);
CREATE INDEX critical_lasting ON castro.critical (product_code) WHERE ended_at IS NULL;

-- Up to which commit of each source products were evaluated. A source that was not followed for long begins anew.
CREATE TABLE castro.critical_followed (
    source       text PRIMARY KEY,              -- a stream, or a table of the warehouse
    revision     bigint NOT NULL,
    committed_at timestamptz,                   -- of a warehouse table: its last extract's transaction
    followed_at  timestamptz NOT NULL DEFAULT now()
);
