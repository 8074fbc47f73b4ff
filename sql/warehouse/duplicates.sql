-- Counts keys with several newest rows: the same time, different contents.
SELECT count(*) FROM (
    SELECT DISTINCT {staged_key}
    FROM {staging} s JOIN {new} n ON ({staged_key}) = ({new_key}) AND s.{version} = n.{version}
    WHERE s.attempt = ANY(%(attempts)s) AND ({staged_columns}) IS DISTINCT FROM ({new_columns})
) AS twice
