"""Rows for the operator's pages beyond those of seed.py: latencies, a lag that moves, evidence, plans, decisions."""

from __future__ import annotations

from contextlib import closing

from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import connect

_ROWS = """
INSERT INTO castro.lag_sample SELECT 'inventory', now() - n * interval '15 seconds', 500 + 10 * n,
    jsonb_build_object('0', 500 + 10 * n, '1', 0) FROM generate_series(0, 2000) n;
INSERT INTO castro.latency (stream, sink, starts_at, buckets, seconds, ahead, late, untimed)
SELECT 'inventory', k, date_bin('5 minutes', now() - n * interval '5 minutes', 'epoch'),
    ARRAY(SELECT CASE WHEN i BETWEEN 3 AND 12 THEN 100 - abs(i - 6) * 10 ELSE 0 END FROM generate_series(1, 25) i), 50, 0, 0, 0
FROM generate_series(0, 287) n, (VALUES ('postgres'), ('redis')) s (k) WHERE n NOT BETWEEN 100 AND 110;
INSERT INTO castro.stage_time (kind, stream, stage, starts_at, buckets, seconds)
SELECT 'stream', 'inventory', k, date_bin('5 minutes', now() - n * interval '5 minutes', 'epoch'),
    ARRAY(SELECT CASE WHEN i BETWEEN 2 AND 6 THEN 20 ELSE 0 END FROM generate_series(1, 25) i), 5
FROM generate_series(0, 287) n, (VALUES ('staged'), ('committed')) s (k);
INSERT INTO castro.skipped (stream, kind, name, records) VALUES ('inventory', 'other_table', 'erp.public.customers', 1203);
INSERT INTO castro.unknown_field (stream, name) VALUES ('inventory', 'lote');
INSERT INTO castro.incident_event (incident_id, event, at, outcome, words, channels)
SELECT id, 'opened', opened_at, outcome, 'opened: ' || words, '{log}' FROM castro.incident;
UPDATE castro.incident SET evidence = '{"samples": [{"product_code": "P1", "price": "19.90"}], "partitions": [0, 2]}';
INSERT INTO castro.quality_result (run, check_name, subject, severity, outcome, failed, words, observed, "limit", evidence, day)
SELECT 'r' || n, 'volume', 'sales', 'critical', CASE WHEN n IN (7, 30) THEN 'fail' ELSE 'pass' END, n IN (7, 30),
    'words', n || ' events', '4,800', '{"usual": 4800}', current_date FROM generate_series(1, 30) n;
INSERT INTO castro.reconciliation (run, stream, day, applied, problem, result) VALUES ('run-1', 'inventory', current_date, true, NULL,
    '{"rows_in_warehouse": 48211, "rows_in_postgres": 48203, "products": 1893, "products_differing": 6, "seconds": 83.2,
      "events": {"missing": 8, "extra": 0, "different": 3}, "daily": {"missing": 0, "extra": 0, "different": 5},
      "monthly": {"missing": 0, "extra": 0, "different": 0}, "stale_keys": 12, "in_flight": 4, "unusable": {"bad_number": 2},
      "repaired": {"event": 11, "daily": 5, "redis": 12}, "overtaken": 0, "examples": {
        "event": [{"class": "missing", "event_id": "T-1", "product_code": "P4", "differs": null},
                  {"class": "different", "event_id": "T-2", "product_code": "P9", "differs": ["quantity", "value_total"]}],
        "daily": [{"class": "different", "key": "2026-11-28", "product_code": "P4", "held": {"volume": "10"},
                   "of_events": {"volume": "12"}}]}}');
INSERT INTO castro.repair (run, stream, kind, class, key, product_code, before, after, revision)
SELECT 'run-1', 'inventory', 'event', 'different', 'T-' || n, 'P' || n, '{"quantity": "10"}', '{"quantity": "12"}', 5
FROM generate_series(1, 60) n;
INSERT INTO castro.training (model, trained_at, data_until, rows, metrics, bins, recorded_by, recorded_at)
VALUES ('classification', now() - interval '40 days', current_date - 41, 812345, '{"f1": 0.871}', '{}', 'django', now());
INSERT INTO castro.retraining_decision (id, model, decided_at, fired, reason, words, holding, rules, blockers, evidence,
    policy_hash, channels)
VALUES ('00000000-0000-0000-0000-000000000001', 'classification', now(), false, 'held', 'due, but held', '{drift}',
    '[{"rule": "drift", "observed": 2, "limit": 1, "holds": true, "words": "2 features drift", "in_a_row": 3},
      {"rule": "age", "observed": 40, "limit": 90, "holds": false, "words": "40 days", "in_a_row": 0}]',
    '{an incident is open}', '{"rows": 33000, "features": {"inventory.volume": {"bins": ["null", "0 to 5", "5 or more"],
        "training": [10, 400, 900], "now": [12, 250, 1200], "psi": 0.31, "limit": 0.2, "drifts": true, "words": "PSI 0.310"}}}',
    'ab12cd34ef56', '{}');
INSERT INTO castro.command (action, arguments, requested_by, expires_at, state, result, ended_at)
VALUES ('replay', '{"ids": [1, 2]}', 'ana, on the page', now(), 'done', '2 replayed, 0 still unusable and open', now());
"""


def fill(settings: Settings) -> None:
    """After seed.fill and seed.trouble."""
    with closing(connect(settings.postgres, "seed")) as connection, connection, connection.cursor() as cursor:
        cursor.execute(_ROWS)
