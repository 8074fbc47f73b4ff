-- What changes whenever a page may have something new to show: one cheap row, compared with the last one.
SELECT
    (SELECT sum(revision) FROM castro.stream) AS revisions,
    (SELECT max(heartbeat_at) FROM castro.instance) AS heartbeat,
    (SELECT max(id) FROM castro.quality_result) AS result,
    (SELECT max(id) FROM castro.incident_event) AS incident_event,
    (SELECT max(id) FROM castro.command) AS command,
    (SELECT max(ended_at) FROM castro.command) AS command_ended,
    (SELECT max(committed_at) FROM castro.extract_watermark) AS extracted,
    (SELECT refreshed_at FROM castro.product_360) AS refreshed,
    (SELECT sum(revision) FROM castro.projection) AS projected
