-- Objects that depend on the table's OID, not on its name: a swap would lose them or leave them with the old table.
SELECT 'view ' || v.oid::regclass::text
FROM pg_depend d JOIN pg_rewrite r ON r.oid = d.objid JOIN pg_class v ON v.oid = r.ev_class
WHERE d.refobjid = %(table)s::regclass AND d.classid = 'pg_rewrite'::regclass AND v.oid <> d.refobjid
UNION SELECT 'foreign key ' || conname || ' of ' || conrelid::regclass
FROM pg_constraint WHERE contype = 'f' AND %(table)s::regclass IN (confrelid, conrelid)
UNION SELECT 'trigger ' || tgname FROM pg_trigger WHERE tgrelid = %(table)s::regclass AND NOT tgisinternal
UNION SELECT 'row policy ' || polname FROM pg_policy WHERE polrelid = %(table)s::regclass
UNION SELECT 'publication ' || p.pubname FROM pg_publication_rel r JOIN pg_publication p ON p.oid = r.prpubid
WHERE r.prrelid = %(table)s::regclass
UNION SELECT 'rights on column ' || attname FROM pg_attribute WHERE attrelid = %(table)s::regclass AND attacl IS NOT NULL
UNION SELECT 'inheritance with ' || inhrelid::regclass FROM pg_inherits WHERE %(table)s::regclass IN (inhrelid, inhparent)
UNION SELECT 'exclusion constraint ' || conname FROM pg_constraint WHERE contype = 'x' AND conrelid = %(table)s::regclass
UNION SELECT 'deferrable key ' || conname FROM pg_constraint
WHERE contype IN ('p', 'u') AND condeferrable AND conrelid = %(table)s::regclass
UNION SELECT 'replica identity' FROM pg_class WHERE oid = %(table)s::regclass AND relreplident <> 'd'
