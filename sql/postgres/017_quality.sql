-- Quality: the results of the checks. Only added to; rows older than quality.history_days are removed.
CREATE TABLE castro.quality_result (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run        text NOT NULL,                   -- results of one run
    check_name text NOT NULL,
    subject    text NOT NULL,                   -- a stream or a table
    severity   text NOT NULL CHECK (severity IN ('warning', 'critical')),
    outcome    text NOT NULL CHECK (outcome IN ('pass', 'warn', 'fail', 'error', 'no_data')),
    failed     boolean NOT NULL,                -- by the settings: fail, error, or no data where some is expected
    words      text NOT NULL,
    observed   text,
    "limit"    text,
    evidence   jsonb NOT NULL,
    day        date NOT NULL,                   -- the judged local day
    judged_at  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX quality_result_of_subject ON castro.quality_result (check_name, subject, id);
CREATE INDEX quality_result_run ON castro.quality_result (run);
CREATE INDEX quality_result_age ON castro.quality_result (judged_at);
