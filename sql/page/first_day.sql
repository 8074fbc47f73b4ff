-- The first day that has events.
SELECT min(date) AS first FROM {daily}
