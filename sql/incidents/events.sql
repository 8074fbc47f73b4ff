-- An incident's history, the oldest first.
SELECT event, at, outcome, words, by_whom, channels FROM castro.incident_event WHERE incident_id = %(id)s ORDER BY id
