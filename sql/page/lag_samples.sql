-- A stream's lag by partition over the last seconds, in order of time.
SELECT sampled_at, partitions FROM castro.lag_sample
WHERE stream = %(stream)s AND sampled_at > now() - %(seconds)s * interval '1 second' ORDER BY sampled_at
