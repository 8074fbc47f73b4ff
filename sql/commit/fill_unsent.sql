-- Fills one column of the records for which change data capture did not send it (`kept` lists it), with the event's
-- previous value, from its newest older version that has it, in the batch or in the events table.
UPDATE {staged_events} s SET {column} = known.value
FROM (
    -- A change that came again has its own row's position: of the two, the one that has the value comes first.
    SELECT place, has,
           first_value(value) OVER (PARTITION BY event_id, known_before ORDER BY source_position, NOT has) AS value
    FROM (
        SELECT *, count(*) FILTER (WHERE has) OVER (PARTITION BY event_id ORDER BY source_position) AS known_before
        FROM (
            SELECT ctid AS place, event_id, {column} AS value, NOT {unsent_column} = ANY(coalesce(kept, '{{}}')) AS has,
                   source_position
            FROM {staged_events}
            WHERE attempt = ANY(%(attempts)s)
            UNION ALL
            SELECT NULL, e.event_id, e.{column}, true, e.source_position
            FROM (SELECT DISTINCT event_id FROM {staged_events} WHERE attempt = ANY(%(attempts)s) AND kept IS NOT NULL) k
            JOIN {events} e ON e.event_id = k.event_id
        ) records
    ) numbered
    WHERE known_before > 0
) known
WHERE s.ctid = known.place AND NOT known.has
