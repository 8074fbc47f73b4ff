-- How many incidents are open.
SELECT count(*) AS incidents FROM castro.incident WHERE ended_at IS NULL
