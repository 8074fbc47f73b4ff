-- The link of the process's application at YARN's resource manager: its state, its attempts, their logs, Spark's UI.
ALTER TABLE castro.instance ADD COLUMN tracking_url text;
