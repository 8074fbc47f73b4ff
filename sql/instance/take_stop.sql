-- Leases the stop commands for a stream that this writer may take or has taken. Taking one again renews the lease. Of those
-- for its own YARN application also the ones that an earlier attempt has taken: it is dead.
UPDATE castro.command SET state = 'taken', taken_by = %(instance)s, lease_until = clock_timestamp() + interval '60 seconds'
WHERE stream = %(stream)s AND action = 'stop' AND state IN ('waiting', 'taken')
    AND (taken_by IS NULL OR taken_by = %(instance)s OR lease_until < clock_timestamp() OR application = %(application)s)
    AND (taken_by IS NOT NULL OR expires_at > clock_timestamp())
    AND (target_epoch IS NULL OR target_epoch = %(epoch)s OR application = %(application)s)
RETURNING id, requested_by
