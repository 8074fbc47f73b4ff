-- A stream's revision, and the projector's work besides following the commits. No row: the stream was never started.
SELECT s.epoch, s.revision, p.notes_pruned_to, p.rebuilds_requested, p.rebuilds_done,
       EXISTS (SELECT 1 FROM castro.projection_request r WHERE r.stream = s.stream),
       coalesce(p.alive_at > clock_timestamp() - %(takeover)s * interval '1 second', false)
FROM castro.stream s JOIN castro.projection p ON p.stream = s.stream
WHERE s.stream = %(stream)s
