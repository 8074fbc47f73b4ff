-- One reconciliation of one stream.
SELECT run, stream, day, applied, problem, result, ended_at
FROM castro.reconciliation WHERE run = %(run)s AND stream = %(stream)s
