-- Locks a stream's row. What is read after it, in a statement of its own, is what the last holder of the lock committed.
SELECT FROM castro.stream WHERE stream = %(stream)s FOR UPDATE
