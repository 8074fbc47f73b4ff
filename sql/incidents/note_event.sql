-- Adds an event to an incident's history, and removes the oldest beyond the bound; the first, its opening, stays.
WITH added AS (
    INSERT INTO castro.incident_event (incident_id, event, at, outcome, words, by_whom, channels)
    VALUES (%(incident)s, %(event)s, %(at)s, %(outcome)s, %(words)s, %(by)s, %(channels)s)
    RETURNING id
), removed AS (
    DELETE FROM castro.incident_event WHERE id IN (
        SELECT id FROM castro.incident_event
        WHERE incident_id = %(incident)s AND event <> 'opened' ORDER BY id DESC OFFSET %(keep)s
    )
)
SELECT id FROM added
