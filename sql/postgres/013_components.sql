-- castro.instance holds every running part, not only streams: archives, projectors, the 360° view, jobs. `stream` is its
-- stream, or '' if it has none.
ALTER TABLE castro.instance
    ADD COLUMN kind          text NOT NULL DEFAULT 'stream',  -- stream, archive, projector, product_360, or a job's name
    ADD COLUMN run           text,                            -- the process's, as in its log
    ADD COLUMN positions     jsonb,                           -- next offsets by partition, of what is not in the ledger
    ADD COLUMN topic_id      text,                            -- the topic as this part saw it last: its id,
    ADD COLUMN topic_ends    jsonb,                           -- its end by partition,
    ADD COLUMN topic_seen_at timestamptz,                     -- and when
    ADD COLUMN stages        jsonb,                           -- of the last batch: milliseconds by stage
    ADD COLUMN progress      jsonb,                           -- further numbers of this kind
    ADD COLUMN last_error    text,                            -- the last one, though it may have passed
    ADD COLUMN last_error_at timestamptz,
    DROP CONSTRAINT instance_mode_check,
    ADD CONSTRAINT instance_mode_check CHECK (mode IN ('continuous', 'available_now', 'once'));
