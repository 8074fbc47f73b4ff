-- Incidents: what a check found wrong with a subject, from the first failing result until it is over. One is open per check
-- and subject. Ended ones are retained for alerts.incidents_days.
CREATE TABLE castro.incident (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    check_name     text COLLATE "C" NOT NULL,
    subject        text COLLATE "C" NOT NULL,
    outcome        text NOT NULL CHECK (outcome IN ('warn', 'fail', 'error', 'no_data')),  -- of the last result that was no pass
    level          smallint NOT NULL CHECK (level BETWEEN 1 AND 3),  -- of that result: 1 a limit is near, 2 exceeded, 3 critical
    words          text NOT NULL,                -- of that result
    observed       text,
    limit_words    text,
    evidence       jsonb NOT NULL,
    opened_at      timestamptz NOT NULL,
    seen_at        timestamptz NOT NULL,         -- its last result that was no pass
    count          bigint NOT NULL DEFAULT 1,    -- results that were no pass
    passes         int NOT NULL DEFAULT 0,       -- passes since then
    worst_level    smallint NOT NULL,            -- since it was opened
    outcomes       text[] NOT NULL,              -- all that it had since then
    told_channels  text[] NOT NULL DEFAULT ARRAY[]::text[],  -- which channels know of it
    told_at        timestamptz,                  -- the last notification
    escalated_at   timestamptz,                  -- it was open for too long
    muted_until    timestamptz,
    muted_by       text,
    muted_because  text,
    kept_back      text,                         -- the first event that was not notified because it was muted
    ended_at       timestamptz,
    ended_as       text CHECK (ended_as IN ('resolved', 'closed')),
    ended_by       text,                         -- who closed it
    ended_because  text,
    CHECK ((ended_at IS NULL) = (ended_as IS NULL)),
    CHECK (ended_as IS DISTINCT FROM 'closed' OR (ended_by IS NOT NULL AND ended_because IS NOT NULL))
) WITH (fillfactor = 70);
CREATE UNIQUE INDEX incident_open ON castro.incident (check_name, subject) WHERE ended_at IS NULL;
CREATE INDEX incident_ended ON castro.incident (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX incident_muted ON castro.incident (check_name, subject, muted_until) WHERE muted_until IS NOT NULL;
CREATE INDEX incident_kept_back ON castro.incident (muted_until) WHERE kept_back IS NOT NULL;

-- The history of each incident, at most 200 rows of one: what changed, and whether it was notified. A result that changes
-- nothing only counts in castro.incident.
CREATE TABLE castro.incident_event (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    incident_id bigint NOT NULL REFERENCES castro.incident ON DELETE CASCADE,
    event       text NOT NULL,                   -- opened, escalated, muted, resolved and so on (incidents/decision.py)
    at          timestamptz NOT NULL,
    outcome     text,
    words       text NOT NULL,
    by_whom     text,
    channels    text[] NOT NULL DEFAULT ARRAY[]::text[]   -- to which it was sent; none: no notification
);
CREATE INDEX incident_event_of ON castro.incident_event (incident_id, id);
