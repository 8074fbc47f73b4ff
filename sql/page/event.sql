-- A stored event by its id, and its place in the order of its source.
SELECT {columns}, source_position FROM {events} WHERE event_id = %(id)s
