-- Where a process serves its metrics, host:port; and when a stream was level with its topic, by partition: no record that
-- waits now is older.
ALTER TABLE castro.instance ADD COLUMN metrics_address text, ADD COLUMN level_at jsonb;
