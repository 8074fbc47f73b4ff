-- Trainings of the application's model, as it recorded them. A row each, never removed.
CREATE TABLE castro.training (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model       text NOT NULL,
    trained_at  timestamptz NOT NULL,
    data_from   date,                           -- of its data, local business days; null: all there was
    data_until  date NOT NULL,                  -- included
    rows        bigint NOT NULL,                -- events of these days when it was recorded
    metrics     jsonb NOT NULL,                 -- as the application reported them
    bins        jsonb NOT NULL,                 -- frozen: of each feature edges and counts, with the window and the sample
    decision_id uuid,                           -- of the decision that asked for it
    recorded_by text NOT NULL,
    recorded_at timestamptz NOT NULL,
    UNIQUE (model, trained_at)
);

-- Every decision of the retraining policy, fired or not. Retained for retraining.retention_days, and
-- retraining.fired_retention_days.
CREATE TABLE castro.retraining_decision (
    id          uuid PRIMARY KEY,               -- Celery's task id, if it fired
    model       text NOT NULL,
    decided_at  timestamptz NOT NULL,
    fired       boolean NOT NULL,
    reason      text NOT NULL,                  -- retraining/policy.Reason
    words       text NOT NULL,
    holding     text[] NOT NULL,                -- the rules that held
    rules       jsonb NOT NULL,                 -- of each rule: observed, limit, whether it holds, how often in a row
    blockers    text[] NOT NULL,
    evidence    jsonb NOT NULL,                 -- windows, rows, products, PSI and counts by feature
    policy_hash text NOT NULL,                  -- of the settings that it was made by
    training_id bigint,                         -- the last training; null: none
    channels    text[] NOT NULL                 -- that it was sent to
);
CREATE INDEX retraining_decision_of ON castro.retraining_decision (model, decided_at);
CREATE INDEX retraining_decision_fired ON castro.retraining_decision (model, decided_at) WHERE fired;
CREATE INDEX retraining_decision_age ON castro.retraining_decision (decided_at);
