-- The result of a reconciliation of one stream.
INSERT INTO castro.reconciliation (run, stream, day, applied, problem, result)
VALUES (%(run)s, %(stream)s, %(day)s, %(applied)s, %(problem)s, %(result)s::jsonb)
ON CONFLICT (run, stream) DO NOTHING
