-- The database as the first released schema (migrations 001 to 012) left it, with three records of inventory consumed:
-- pg_dump --no-owner --no-privileges --inserts --column-inserts, without comments. Every later version upgrades it.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET transaction_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA castro;
CREATE SCHEMA castro_migrations;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE castro.backfilled_month (
    stream text NOT NULL,
    first_day date NOT NULL,
    last_day date NOT NULL,
    month date NOT NULL,
    read_at timestamp with time zone NOT NULL
);
CREATE TABLE castro.batch_books (
    stream text NOT NULL,
    revision bigint NOT NULL,
    partition integer NOT NULL,
    batch_id bigint NOT NULL,
    from_offset bigint NOT NULL,
    to_offset bigint NOT NULL,
    inserted bigint NOT NULL,
    corrected bigint NOT NULL,
    stale bigint NOT NULL,
    deleted bigint DEFAULT 0 NOT NULL,
    quarantined bigint NOT NULL,
    skipped bigint NOT NULL,
    gaps bigint NOT NULL,
    committed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT batch_books_corrected_check CHECK ((corrected >= 0)),
    CONSTRAINT batch_books_deleted_check CHECK ((deleted >= 0)),
    CONSTRAINT batch_books_gaps_check CHECK ((gaps >= 0)),
    CONSTRAINT batch_books_inserted_check CHECK ((inserted >= 0)),
    CONSTRAINT batch_books_quarantined_check CHECK ((quarantined >= 0)),
    CONSTRAINT batch_books_skipped_check CHECK ((skipped >= 0)),
    CONSTRAINT batch_books_stale_check CHECK ((stale >= 0)),
    CONSTRAINT books_balance CHECK (((to_offset - from_offset) = ((((((inserted + corrected) + stale) + deleted) + quarantined) + skipped) + gaps)))
);
CREATE TABLE castro.command (
    id bigint NOT NULL,
    action text NOT NULL,
    arguments jsonb DEFAULT jsonb_build_object() NOT NULL,
    stream text,
    target_epoch bigint,
    application text,
    requested_by text NOT NULL,
    requested_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    taken_by text,
    lease_until timestamp with time zone,
    result text,
    ended_at timestamp with time zone,
    CONSTRAINT command_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'taken'::text, 'done'::text, 'failed'::text, 'expired'::text])))
);
ALTER TABLE castro.command ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME castro.command_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE castro.deleted (
    stream text NOT NULL,
    event_id text NOT NULL COLLATE pg_catalog."C",
    source_position bytea NOT NULL,
    deleted_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE castro.emptied (
    stream text NOT NULL,
    period text NOT NULL,
    product_code text NOT NULL COLLATE pg_catalog."C",
    first_day date NOT NULL,
    revision bigint NOT NULL,
    emptied_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT emptied_period_check CHECK ((period = ANY (ARRAY['date'::text, 'month'::text])))
);
CREATE TABLE castro.extract_watermark (
    target text NOT NULL,
    watermark timestamp with time zone,
    revision bigint NOT NULL,
    mode text NOT NULL,
    rows_read bigint NOT NULL,
    committed_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE castro.instance (
    stream text NOT NULL,
    instance text NOT NULL,
    host text NOT NULL,
    pid integer NOT NULL,
    application text NOT NULL,
    mode text NOT NULL,
    epoch bigint,
    state text NOT NULL,
    reason text,
    error text,
    state_since timestamp with time zone NOT NULL,
    restarts bigint DEFAULT 0 NOT NULL,
    restarts_since_commit bigint DEFAULT 0 NOT NULL,
    revision bigint,
    committed_at timestamp with time zone,
    started_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    heartbeat_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT instance_mode_check CHECK ((mode = ANY (ARRAY['continuous'::text, 'available_now'::text]))),
    CONSTRAINT instance_state_check CHECK ((state = ANY (ARRAY['starting'::text, 'running'::text, 'restarting'::text, 'stopped'::text, 'done'::text, 'failed'::text])))
)
WITH (fillfactor='50');
CREATE TABLE castro.offset_ledger (
    stream text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT offset_ledger_next_offset_check CHECK ((next_offset >= 0))
);
CREATE TABLE castro.product_360 (
    only_row boolean DEFAULT true NOT NULL,
    revision bigint DEFAULT 0 NOT NULL,
    seen jsonb DEFAULT '{}'::jsonb NOT NULL,
    refreshed_at timestamp with time zone,
    CONSTRAINT product_360_only_row_check CHECK (only_row)
);
CREATE TABLE castro.projection (
    stream text NOT NULL,
    projector text,
    alive_at timestamp with time zone,
    revision bigint,
    published_at timestamp with time zone,
    error text,
    failing_since timestamp with time zone,
    notes_pruned_to bigint DEFAULT 0 NOT NULL,
    rebuilds_requested integer DEFAULT 0 NOT NULL,
    rebuilds_done integer DEFAULT 0 NOT NULL,
    rebuilt_keys bigint DEFAULT 0 NOT NULL
);
CREATE TABLE castro.projection_request (
    id bigint NOT NULL,
    stream text NOT NULL,
    kind text NOT NULL,
    product_code text NOT NULL COLLATE pg_catalog."C",
    first_day date,
    CONSTRAINT projection_request_kind_check CHECK ((kind = ANY (ARRAY['newest'::text, 'date'::text, 'month'::text])))
);
ALTER TABLE castro.projection_request ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME castro.projection_request_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE castro.quarantine (
    id bigint NOT NULL,
    stream text NOT NULL,
    topic text NOT NULL,
    generation integer NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    record_timestamp timestamp with time zone,
    key bytea,
    value bytea,
    value_length bigint,
    value_sha256 bytea,
    reason text NOT NULL,
    detail text,
    status text DEFAULT 'open'::text NOT NULL,
    note text,
    quarantined_at timestamp with time zone DEFAULT now() NOT NULL,
    resolved_at timestamp with time zone,
    CONSTRAINT quarantine_status_check CHECK ((status = ANY (ARRAY['open'::text, 'replayed'::text, 'discarded'::text])))
);
ALTER TABLE castro.quarantine ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME castro.quarantine_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE UNLOGGED TABLE castro.reconcile_inventory_plan (
    number bigint NOT NULL,
    in_flight boolean NOT NULL,
    class text NOT NULL,
    confirmed boolean NOT NULL,
    held_date date,
    differs text[],
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    transaction_type text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    warehouse text COLLATE pg_catalog."C",
    supplier text COLLATE pg_catalog."C",
    customer text COLLATE pg_catalog."C",
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.reconcile_inventory_rows (
    attempt bigint NOT NULL,
    outcome text NOT NULL,
    changed timestamp with time zone,
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    transaction_type text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    warehouse text COLLATE pg_catalog."C",
    supplier text COLLATE pg_catalog."C",
    customer text COLLATE pg_catalog."C",
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.reconcile_procurement_plan (
    number bigint NOT NULL,
    in_flight boolean NOT NULL,
    class text NOT NULL,
    confirmed boolean NOT NULL,
    held_date date,
    differs text[],
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    supplier text COLLATE pg_catalog."C",
    order_number text COLLATE pg_catalog."C",
    expected_delivery date,
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.reconcile_procurement_rows (
    attempt bigint NOT NULL,
    outcome text NOT NULL,
    changed timestamp with time zone,
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    supplier text COLLATE pg_catalog."C",
    order_number text COLLATE pg_catalog."C",
    expected_delivery date,
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.reconcile_sales_plan (
    number bigint NOT NULL,
    in_flight boolean NOT NULL,
    class text NOT NULL,
    confirmed boolean NOT NULL,
    held_date date,
    differs text[],
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_price numeric(18,6),
    "timestamp" timestamp with time zone,
    customer text COLLATE pg_catalog."C",
    order_number text COLLATE pg_catalog."C",
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.reconcile_sales_rows (
    attempt bigint NOT NULL,
    outcome text NOT NULL,
    changed timestamp with time zone,
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_price numeric(18,6),
    "timestamp" timestamp with time zone,
    customer text COLLATE pg_catalog."C",
    order_number text COLLATE pg_catalog."C",
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE TABLE castro.repair (
    id bigint NOT NULL,
    run text NOT NULL,
    stream text NOT NULL,
    kind text NOT NULL,
    class text NOT NULL,
    key text NOT NULL,
    product_code text NOT NULL,
    before jsonb,
    after jsonb,
    revision bigint NOT NULL,
    repaired_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT repair_class_check CHECK ((class = ANY (ARRAY['missing'::text, 'extra'::text, 'different'::text, 'stale'::text]))),
    CONSTRAINT repair_kind_check CHECK ((kind = ANY (ARRAY['event'::text, 'daily'::text, 'monthly'::text, 'redis'::text])))
);
ALTER TABLE castro.repair ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME castro.repair_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE castro.skipped (
    stream text NOT NULL,
    kind text NOT NULL,
    name text NOT NULL COLLATE pg_catalog."C",
    records bigint NOT NULL,
    first_seen timestamp with time zone DEFAULT now() NOT NULL,
    last_seen timestamp with time zone DEFAULT now() NOT NULL,
    reported_at timestamp with time zone
);
CREATE UNLOGGED TABLE castro.staged_inventory_events_a (
    attempt bigint NOT NULL,
    source_partition integer NOT NULL,
    source_offset bigint,
    deleted boolean DEFAULT false NOT NULL,
    kept text[],
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    transaction_type text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    warehouse text COLLATE pg_catalog."C",
    supplier text COLLATE pg_catalog."C",
    customer text COLLATE pg_catalog."C",
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.staged_inventory_events_b (
    attempt bigint CONSTRAINT staged_inventory_events_a_attempt_not_null NOT NULL,
    source_partition integer CONSTRAINT staged_inventory_events_a_source_partition_not_null NOT NULL,
    source_offset bigint,
    deleted boolean DEFAULT false CONSTRAINT staged_inventory_events_a_deleted_not_null NOT NULL,
    kept text[],
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    transaction_type text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    warehouse text COLLATE pg_catalog."C",
    supplier text COLLATE pg_catalog."C",
    customer text COLLATE pg_catalog."C",
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.staged_inventory_events_c (
    attempt bigint CONSTRAINT staged_inventory_events_a_attempt_not_null NOT NULL,
    source_partition integer CONSTRAINT staged_inventory_events_a_source_partition_not_null NOT NULL,
    source_offset bigint,
    deleted boolean DEFAULT false CONSTRAINT staged_inventory_events_a_deleted_not_null NOT NULL,
    kept text[],
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    transaction_type text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    warehouse text COLLATE pg_catalog."C",
    supplier text COLLATE pg_catalog."C",
    customer text COLLATE pg_catalog."C",
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.staged_inventory_rejects_a (
    attempt bigint NOT NULL,
    topic text,
    generation integer,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    record_timestamp timestamp with time zone,
    key bytea,
    value bytea,
    value_length bigint,
    value_sha256 bytea,
    reason text NOT NULL,
    detail text
);
CREATE UNLOGGED TABLE castro.staged_inventory_rejects_b (
    attempt bigint CONSTRAINT staged_inventory_rejects_a_attempt_not_null NOT NULL,
    topic text,
    generation integer,
    partition integer CONSTRAINT staged_inventory_rejects_a_partition_not_null NOT NULL,
    "offset" bigint CONSTRAINT staged_inventory_rejects_a_offset_not_null NOT NULL,
    record_timestamp timestamp with time zone,
    key bytea,
    value bytea,
    value_length bigint,
    value_sha256 bytea,
    reason text CONSTRAINT staged_inventory_rejects_a_reason_not_null NOT NULL,
    detail text
);
CREATE UNLOGGED TABLE castro.staged_inventory_rejects_c (
    attempt bigint CONSTRAINT staged_inventory_rejects_a_attempt_not_null NOT NULL,
    topic text,
    generation integer,
    partition integer CONSTRAINT staged_inventory_rejects_a_partition_not_null NOT NULL,
    "offset" bigint CONSTRAINT staged_inventory_rejects_a_offset_not_null NOT NULL,
    record_timestamp timestamp with time zone,
    key bytea,
    value bytea,
    value_length bigint,
    value_sha256 bytea,
    reason text CONSTRAINT staged_inventory_rejects_a_reason_not_null NOT NULL,
    detail text
);
CREATE UNLOGGED TABLE castro.staged_procurement_events_a (
    attempt bigint NOT NULL,
    source_partition integer NOT NULL,
    source_offset bigint,
    deleted boolean DEFAULT false NOT NULL,
    kept text[],
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    supplier text COLLATE pg_catalog."C",
    order_number text COLLATE pg_catalog."C",
    expected_delivery date,
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.staged_procurement_events_b (
    attempt bigint CONSTRAINT staged_procurement_events_a_attempt_not_null NOT NULL,
    source_partition integer CONSTRAINT staged_procurement_events_a_source_partition_not_null NOT NULL,
    source_offset bigint,
    deleted boolean DEFAULT false CONSTRAINT staged_procurement_events_a_deleted_not_null NOT NULL,
    kept text[],
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    supplier text COLLATE pg_catalog."C",
    order_number text COLLATE pg_catalog."C",
    expected_delivery date,
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.staged_procurement_events_c (
    attempt bigint CONSTRAINT staged_procurement_events_a_attempt_not_null NOT NULL,
    source_partition integer CONSTRAINT staged_procurement_events_a_source_partition_not_null NOT NULL,
    source_offset bigint,
    deleted boolean DEFAULT false CONSTRAINT staged_procurement_events_a_deleted_not_null NOT NULL,
    kept text[],
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    supplier text COLLATE pg_catalog."C",
    order_number text COLLATE pg_catalog."C",
    expected_delivery date,
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.staged_procurement_rejects_a (
    attempt bigint NOT NULL,
    topic text,
    generation integer,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    record_timestamp timestamp with time zone,
    key bytea,
    value bytea,
    value_length bigint,
    value_sha256 bytea,
    reason text NOT NULL,
    detail text
);
CREATE UNLOGGED TABLE castro.staged_procurement_rejects_b (
    attempt bigint CONSTRAINT staged_procurement_rejects_a_attempt_not_null NOT NULL,
    topic text,
    generation integer,
    partition integer CONSTRAINT staged_procurement_rejects_a_partition_not_null NOT NULL,
    "offset" bigint CONSTRAINT staged_procurement_rejects_a_offset_not_null NOT NULL,
    record_timestamp timestamp with time zone,
    key bytea,
    value bytea,
    value_length bigint,
    value_sha256 bytea,
    reason text CONSTRAINT staged_procurement_rejects_a_reason_not_null NOT NULL,
    detail text
);
CREATE UNLOGGED TABLE castro.staged_procurement_rejects_c (
    attempt bigint CONSTRAINT staged_procurement_rejects_a_attempt_not_null NOT NULL,
    topic text,
    generation integer,
    partition integer CONSTRAINT staged_procurement_rejects_a_partition_not_null NOT NULL,
    "offset" bigint CONSTRAINT staged_procurement_rejects_a_offset_not_null NOT NULL,
    record_timestamp timestamp with time zone,
    key bytea,
    value bytea,
    value_length bigint,
    value_sha256 bytea,
    reason text CONSTRAINT staged_procurement_rejects_a_reason_not_null NOT NULL,
    detail text
);
CREATE UNLOGGED TABLE castro.staged_sales_events_a (
    attempt bigint NOT NULL,
    source_partition integer NOT NULL,
    source_offset bigint,
    deleted boolean DEFAULT false NOT NULL,
    kept text[],
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_price numeric(18,6),
    "timestamp" timestamp with time zone,
    customer text COLLATE pg_catalog."C",
    order_number text COLLATE pg_catalog."C",
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.staged_sales_events_b (
    attempt bigint CONSTRAINT staged_sales_events_a_attempt_not_null NOT NULL,
    source_partition integer CONSTRAINT staged_sales_events_a_source_partition_not_null NOT NULL,
    source_offset bigint,
    deleted boolean DEFAULT false CONSTRAINT staged_sales_events_a_deleted_not_null NOT NULL,
    kept text[],
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_price numeric(18,6),
    "timestamp" timestamp with time zone,
    customer text COLLATE pg_catalog."C",
    order_number text COLLATE pg_catalog."C",
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.staged_sales_events_c (
    attempt bigint CONSTRAINT staged_sales_events_a_attempt_not_null NOT NULL,
    source_partition integer CONSTRAINT staged_sales_events_a_source_partition_not_null NOT NULL,
    source_offset bigint,
    deleted boolean DEFAULT false CONSTRAINT staged_sales_events_a_deleted_not_null NOT NULL,
    kept text[],
    event_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_price numeric(18,6),
    "timestamp" timestamp with time zone,
    customer text COLLATE pg_catalog."C",
    order_number text COLLATE pg_catalog."C",
    value_total numeric(38,12),
    date date,
    month smallint,
    quarter smallint,
    day_of_week smallint,
    is_weekend boolean,
    source_position bytea
);
CREATE UNLOGGED TABLE castro.staged_sales_rejects_a (
    attempt bigint NOT NULL,
    topic text,
    generation integer,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    record_timestamp timestamp with time zone,
    key bytea,
    value bytea,
    value_length bigint,
    value_sha256 bytea,
    reason text NOT NULL,
    detail text
);
CREATE UNLOGGED TABLE castro.staged_sales_rejects_b (
    attempt bigint CONSTRAINT staged_sales_rejects_a_attempt_not_null NOT NULL,
    topic text,
    generation integer,
    partition integer CONSTRAINT staged_sales_rejects_a_partition_not_null NOT NULL,
    "offset" bigint CONSTRAINT staged_sales_rejects_a_offset_not_null NOT NULL,
    record_timestamp timestamp with time zone,
    key bytea,
    value bytea,
    value_length bigint,
    value_sha256 bytea,
    reason text CONSTRAINT staged_sales_rejects_a_reason_not_null NOT NULL,
    detail text
);
CREATE UNLOGGED TABLE castro.staged_sales_rejects_c (
    attempt bigint CONSTRAINT staged_sales_rejects_a_attempt_not_null NOT NULL,
    topic text,
    generation integer,
    partition integer CONSTRAINT staged_sales_rejects_a_partition_not_null NOT NULL,
    "offset" bigint CONSTRAINT staged_sales_rejects_a_offset_not_null NOT NULL,
    record_timestamp timestamp with time zone,
    key bytea,
    value bytea,
    value_length bigint,
    value_sha256 bytea,
    reason text CONSTRAINT staged_sales_rejects_a_reason_not_null NOT NULL,
    detail text
);
CREATE TABLE castro.stream (
    stream text NOT NULL,
    topic text NOT NULL,
    topic_id text NOT NULL,
    generation integer DEFAULT 0 NOT NULL,
    epoch bigint NOT NULL,
    writer text NOT NULL,
    revision bigint DEFAULT 0 NOT NULL,
    kinds text[] DEFAULT ARRAY[]::text[] NOT NULL,
    warehouse_kinds text[] DEFAULT ARRAY[]::text[] NOT NULL,
    ids_changed bigint DEFAULT 0 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE castro.stream_source (
    stream text NOT NULL,
    server text,
    database text,
    schema text,
    generation integer NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    fixed_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE castro.touched (
    stream text NOT NULL,
    product_code text NOT NULL COLLATE pg_catalog."C",
    revision bigint NOT NULL
)
WITH (fillfactor='50');
CREATE TABLE castro.unknown_field (
    stream text NOT NULL,
    name text NOT NULL,
    first_seen timestamp with time zone DEFAULT now() NOT NULL,
    reported_at timestamp with time zone
);
CREATE TABLE castro_migrations.applied (
    name text NOT NULL,
    stream text NOT NULL,
    applied_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.ml_inventory_daily (
    product_code text NOT NULL COLLATE pg_catalog."C",
    date date NOT NULL,
    transactions bigint NOT NULL,
    volume numeric NOT NULL,
    value numeric NOT NULL,
    volume_in numeric NOT NULL,
    volume_out numeric NOT NULL,
    value_in numeric NOT NULL,
    value_out numeric NOT NULL,
    last_unit_cost numeric(18,6),
    revision bigint NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='60');
CREATE TABLE public.ml_inventory_monthly (
    product_code text NOT NULL COLLATE pg_catalog."C",
    month date NOT NULL,
    transactions bigint NOT NULL,
    volume numeric NOT NULL,
    value numeric NOT NULL,
    volume_in numeric NOT NULL,
    volume_out numeric NOT NULL,
    value_in numeric NOT NULL,
    value_out numeric NOT NULL,
    last_unit_cost numeric(18,6),
    revision bigint NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='60');
CREATE TABLE public.ml_inventory_realtime (
    event_id text NOT NULL COLLATE pg_catalog."C",
    product_code text NOT NULL COLLATE pg_catalog."C",
    transaction_type text NOT NULL COLLATE pg_catalog."C",
    quantity numeric(18,6) NOT NULL,
    unit_cost numeric(18,6) NOT NULL,
    "timestamp" timestamp with time zone NOT NULL,
    warehouse text NOT NULL COLLATE pg_catalog."C",
    supplier text COLLATE pg_catalog."C",
    customer text COLLATE pg_catalog."C",
    value_total numeric(38,12) NOT NULL,
    date date NOT NULL,
    month smallint NOT NULL,
    quarter smallint NOT NULL,
    day_of_week smallint NOT NULL,
    is_weekend boolean NOT NULL,
    source_position bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.ml_procurement_daily (
    product_code text NOT NULL COLLATE pg_catalog."C",
    date date NOT NULL,
    transactions bigint NOT NULL,
    volume numeric NOT NULL,
    value numeric NOT NULL,
    last_unit_cost numeric(18,6),
    revision bigint NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='60');
CREATE TABLE public.ml_procurement_monthly (
    product_code text NOT NULL COLLATE pg_catalog."C",
    month date NOT NULL,
    transactions bigint NOT NULL,
    volume numeric NOT NULL,
    value numeric NOT NULL,
    last_unit_cost numeric(18,6),
    revision bigint NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='60');
CREATE TABLE public.ml_procurement_realtime (
    event_id text NOT NULL COLLATE pg_catalog."C",
    product_code text NOT NULL COLLATE pg_catalog."C",
    quantity numeric(18,6) NOT NULL,
    unit_cost numeric(18,6) NOT NULL,
    "timestamp" timestamp with time zone NOT NULL,
    supplier text NOT NULL COLLATE pg_catalog."C",
    order_number text NOT NULL COLLATE pg_catalog."C",
    expected_delivery date,
    value_total numeric(38,12) NOT NULL,
    date date NOT NULL,
    month smallint NOT NULL,
    quarter smallint NOT NULL,
    day_of_week smallint NOT NULL,
    is_weekend boolean NOT NULL,
    source_position bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.ml_product_360 (
    product_code text NOT NULL COLLATE pg_catalog."C",
    as_of date NOT NULL,
    on_hand numeric NOT NULL,
    in_volume_7d numeric NOT NULL,
    in_volume_30d numeric NOT NULL,
    in_volume_90d numeric NOT NULL,
    in_value_7d numeric NOT NULL,
    in_value_30d numeric NOT NULL,
    in_value_90d numeric NOT NULL,
    out_volume_7d numeric NOT NULL,
    out_volume_30d numeric NOT NULL,
    out_volume_90d numeric NOT NULL,
    out_value_7d numeric NOT NULL,
    out_value_30d numeric NOT NULL,
    out_value_90d numeric NOT NULL,
    sales_volume_7d numeric NOT NULL,
    sales_volume_30d numeric NOT NULL,
    sales_volume_90d numeric NOT NULL,
    sales_value_7d numeric NOT NULL,
    sales_value_30d numeric NOT NULL,
    sales_value_90d numeric NOT NULL,
    purchase_volume_7d numeric NOT NULL,
    purchase_volume_30d numeric NOT NULL,
    purchase_volume_90d numeric NOT NULL,
    purchase_value_7d numeric NOT NULL,
    purchase_value_30d numeric NOT NULL,
    purchase_value_90d numeric NOT NULL,
    average_cost_90d numeric,
    last_cost numeric(18,6),
    average_price_90d numeric,
    last_price numeric(18,6),
    margin_90d numeric,
    last_supplier text,
    last_customer text,
    last_purchase_at timestamp with time zone,
    last_sale_at timestamp with time zone,
    days_since_last_purchase integer,
    days_since_last_sale integer,
    days_of_cover numeric,
    demand_cv_90d numeric,
    revision bigint NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='70');
CREATE TABLE public.ml_sales_daily (
    product_code text NOT NULL COLLATE pg_catalog."C",
    date date NOT NULL,
    transactions bigint NOT NULL,
    volume numeric NOT NULL,
    value numeric NOT NULL,
    last_unit_price numeric(18,6),
    revision bigint NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='60');
CREATE TABLE public.ml_sales_monthly (
    product_code text NOT NULL COLLATE pg_catalog."C",
    month date NOT NULL,
    transactions bigint NOT NULL,
    volume numeric NOT NULL,
    value numeric NOT NULL,
    last_unit_price numeric(18,6),
    revision bigint NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='60');
CREATE TABLE public.ml_sales_realtime (
    event_id text NOT NULL COLLATE pg_catalog."C",
    product_code text NOT NULL COLLATE pg_catalog."C",
    quantity numeric(18,6) NOT NULL,
    unit_price numeric(18,6) NOT NULL,
    "timestamp" timestamp with time zone NOT NULL,
    customer text NOT NULL COLLATE pg_catalog."C",
    order_number text NOT NULL COLLATE pg_catalog."C",
    value_total numeric(38,12) NOT NULL,
    date date NOT NULL,
    month smallint NOT NULL,
    quarter smallint NOT NULL,
    day_of_week smallint NOT NULL,
    is_weekend boolean NOT NULL,
    source_position bytea NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined, skipped, gaps, committed_at) VALUES ('inventory', 1, 0, 0, 0, 3, 2, 0, 0, 0, 1, 0, 0, '2026-11-29 14:16:29.699685+00');
INSERT INTO castro.offset_ledger (stream, partition, next_offset, updated_at) VALUES ('inventory', 1, 0, '2026-11-29 14:16:29.575746+00');
INSERT INTO castro.offset_ledger (stream, partition, next_offset, updated_at) VALUES ('inventory', 2, 0, '2026-11-29 14:16:29.575746+00');
INSERT INTO castro.offset_ledger (stream, partition, next_offset, updated_at) VALUES ('inventory', 0, 3, '2026-11-29 14:16:29.699685+00');
INSERT INTO castro.product_360 (only_row, revision, seen, refreshed_at) VALUES (true, 0, '{}', NULL);
INSERT INTO castro.projection (stream, projector, alive_at, revision, published_at, error, failing_since, notes_pruned_to, rebuilds_requested, rebuilds_done, rebuilt_keys) VALUES ('inventory', 'host pid 1', '2026-11-29 14:16:29.813495+00', NULL, NULL, NULL, NULL, 0, 0, 0, 2);
INSERT INTO castro.quarantine (id, stream, topic, generation, partition, "offset", record_timestamp, key, value, value_length, value_sha256, reason, detail, status, note, quarantined_at, resolved_at) OVERRIDING SYSTEM VALUE VALUES (1, 'inventory', 't', 0, 0, 2, '2026-01-31 12:00:00+00', NULL, '\x7b', NULL, NULL, 'not_json', '{', 'open', NULL, '2026-11-29 14:16:29.699685+00', NULL);
INSERT INTO castro.stream (stream, topic, topic_id, generation, epoch, writer, revision, kinds, warehouse_kinds, ids_changed, updated_at) VALUES ('inventory', 't', 'id', 0, 1795961789577, 'test', 1, '{id}', '{}', 0, '2026-11-29 14:16:29.699685+00');
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('inventory', 'P1', 1);
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('001_castro', '', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('002_product_360', '', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('003_warehouse', '', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('004_backfill', '', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('005_reconcile', '', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('006_instances', '', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('007_projection', '', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('010_stream_tables', 'inventory', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('010_stream_tables', 'sales', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('010_stream_tables', 'procurement', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('011_stream_staging', 'inventory', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('011_stream_staging', 'sales', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('011_stream_staging', 'procurement', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('012_stream_reconcile', 'inventory', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('012_stream_reconcile', 'sales', '2026-11-29 14:16:29.147479+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('012_stream_reconcile', 'procurement', '2026-11-29 14:16:29.147479+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P1', '2026-11-02', 2, 13.000000, 32.500000000000, 13.000000, 0, 32.500000000000, 0, 2.500000, 1, '2026-11-29 14:16:29.699685+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P1', '2026-11-01', 2, 13.000000, 32.500000000000, 13.000000, 0, 32.500000000000, 0, 2.500000, 1, '2026-11-29 14:16:29.699685+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('E1', 'P1', 'ENTRADA', 10.000000, 2.500000, '2026-11-02 13:00:00+00', 'D1', NULL, NULL, 25.000000000000, '2026-11-02', 11, 4, 0, false, '\x2000000000000000800000000000000000000000000000000000000000000000', '2026-11-29 14:16:29.699685+00', '2026-11-29 14:16:29.699685+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('E2', 'P1', 'ENTRADA', 3.000000, 2.500000, '2026-11-02 14:00:00+00', 'D1', NULL, NULL, 7.500000000000, '2026-11-02', 11, 4, 0, false, '\x2000000000000000800000000000000100000000000000000000000000000000', '2026-11-29 14:16:29.699685+00', '2026-11-29 14:16:29.699685+00');
SELECT pg_catalog.setval('castro.command_id_seq', 1, false);
SELECT pg_catalog.setval('castro.projection_request_id_seq', 1, false);
SELECT pg_catalog.setval('castro.quarantine_id_seq', 1, true);
SELECT pg_catalog.setval('castro.repair_id_seq', 1, false);
ALTER TABLE ONLY castro.backfilled_month
    ADD CONSTRAINT backfilled_month_pkey PRIMARY KEY (stream, first_day, last_day, month);
ALTER TABLE ONLY castro.batch_books
    ADD CONSTRAINT batch_books_pkey PRIMARY KEY (stream, revision, partition);
ALTER TABLE ONLY castro.command
    ADD CONSTRAINT command_pkey PRIMARY KEY (id);
ALTER TABLE ONLY castro.deleted
    ADD CONSTRAINT deleted_pkey PRIMARY KEY (stream, event_id);
ALTER TABLE ONLY castro.emptied
    ADD CONSTRAINT emptied_pkey PRIMARY KEY (stream, period, product_code, first_day);
ALTER TABLE ONLY castro.extract_watermark
    ADD CONSTRAINT extract_watermark_pkey PRIMARY KEY (target);
ALTER TABLE ONLY castro.instance
    ADD CONSTRAINT instance_pkey PRIMARY KEY (stream, instance);
ALTER TABLE ONLY castro.offset_ledger
    ADD CONSTRAINT offset_ledger_pkey PRIMARY KEY (stream, partition);
ALTER TABLE ONLY castro.product_360
    ADD CONSTRAINT product_360_pkey PRIMARY KEY (only_row);
ALTER TABLE ONLY castro.projection
    ADD CONSTRAINT projection_pkey PRIMARY KEY (stream);
ALTER TABLE ONLY castro.projection_request
    ADD CONSTRAINT projection_request_pkey PRIMARY KEY (id);
ALTER TABLE ONLY castro.quarantine
    ADD CONSTRAINT quarantine_pkey PRIMARY KEY (id);
ALTER TABLE ONLY castro.quarantine
    ADD CONSTRAINT quarantine_stream_generation_partition_offset_key UNIQUE (stream, generation, partition, "offset");
ALTER TABLE ONLY castro.reconcile_inventory_plan
    ADD CONSTRAINT reconcile_inventory_plan_pkey PRIMARY KEY (in_flight, number);
ALTER TABLE ONLY castro.reconcile_procurement_plan
    ADD CONSTRAINT reconcile_procurement_plan_pkey PRIMARY KEY (in_flight, number);
ALTER TABLE ONLY castro.reconcile_sales_plan
    ADD CONSTRAINT reconcile_sales_plan_pkey PRIMARY KEY (in_flight, number);
ALTER TABLE ONLY castro.repair
    ADD CONSTRAINT repair_pkey PRIMARY KEY (id);
ALTER TABLE ONLY castro.skipped
    ADD CONSTRAINT skipped_pkey PRIMARY KEY (stream, kind, name);
ALTER TABLE ONLY castro.stream
    ADD CONSTRAINT stream_pkey PRIMARY KEY (stream);
ALTER TABLE ONLY castro.stream_source
    ADD CONSTRAINT stream_source_pkey PRIMARY KEY (stream);
ALTER TABLE ONLY castro.touched
    ADD CONSTRAINT touched_pkey PRIMARY KEY (stream, product_code);
ALTER TABLE ONLY castro.unknown_field
    ADD CONSTRAINT unknown_field_pkey PRIMARY KEY (stream, name);
ALTER TABLE ONLY castro_migrations.applied
    ADD CONSTRAINT applied_pkey PRIMARY KEY (name, stream);
ALTER TABLE ONLY public.ml_inventory_daily
    ADD CONSTRAINT ml_inventory_daily_pkey PRIMARY KEY (product_code, date);
ALTER TABLE ONLY public.ml_inventory_monthly
    ADD CONSTRAINT ml_inventory_monthly_pkey PRIMARY KEY (product_code, month);
ALTER TABLE ONLY public.ml_inventory_realtime
    ADD CONSTRAINT ml_inventory_realtime_pkey PRIMARY KEY (event_id);
ALTER TABLE ONLY public.ml_procurement_daily
    ADD CONSTRAINT ml_procurement_daily_pkey PRIMARY KEY (product_code, date);
ALTER TABLE ONLY public.ml_procurement_monthly
    ADD CONSTRAINT ml_procurement_monthly_pkey PRIMARY KEY (product_code, month);
ALTER TABLE ONLY public.ml_procurement_realtime
    ADD CONSTRAINT ml_procurement_realtime_pkey PRIMARY KEY (event_id);
ALTER TABLE ONLY public.ml_product_360
    ADD CONSTRAINT ml_product_360_pkey PRIMARY KEY (product_code);
ALTER TABLE ONLY public.ml_sales_daily
    ADD CONSTRAINT ml_sales_daily_pkey PRIMARY KEY (product_code, date);
ALTER TABLE ONLY public.ml_sales_monthly
    ADD CONSTRAINT ml_sales_monthly_pkey PRIMARY KEY (product_code, month);
ALTER TABLE ONLY public.ml_sales_realtime
    ADD CONSTRAINT ml_sales_realtime_pkey PRIMARY KEY (event_id);
CREATE INDEX batch_books_age ON castro.batch_books USING btree (stream, committed_at);
CREATE INDEX command_of_application ON castro.command USING btree (application, stream) WHERE (application IS NOT NULL);
CREATE INDEX command_open ON castro.command USING btree (stream) WHERE (state = ANY (ARRAY['waiting'::text, 'taken'::text]));
CREATE INDEX deleted_age ON castro.deleted USING btree (stream, deleted_at);
CREATE INDEX emptied_age ON castro.emptied USING btree (stream, emptied_at);
CREATE INDEX quarantine_closed ON castro.quarantine USING btree (stream, resolved_at) WHERE (status <> 'open'::text);
CREATE INDEX quarantine_open ON castro.quarantine USING btree (stream, reason) WHERE (status = 'open'::text);
CREATE UNIQUE INDEX reconcile_inventory_plan_event_id_idx ON castro.reconcile_inventory_plan USING btree (event_id);
CREATE INDEX reconcile_inventory_rows_event_id_idx ON castro.reconcile_inventory_rows USING btree (event_id);
CREATE INDEX reconcile_inventory_rows_product_code_idx ON castro.reconcile_inventory_rows USING btree (product_code) WHERE ((outcome = 'reject'::text) AND (event_id IS NULL));
CREATE UNIQUE INDEX reconcile_procurement_plan_event_id_idx ON castro.reconcile_procurement_plan USING btree (event_id);
CREATE INDEX reconcile_procurement_rows_event_id_idx ON castro.reconcile_procurement_rows USING btree (event_id);
CREATE INDEX reconcile_procurement_rows_product_code_idx ON castro.reconcile_procurement_rows USING btree (product_code) WHERE ((outcome = 'reject'::text) AND (event_id IS NULL));
CREATE UNIQUE INDEX reconcile_sales_plan_event_id_idx ON castro.reconcile_sales_plan USING btree (event_id);
CREATE INDEX reconcile_sales_rows_event_id_idx ON castro.reconcile_sales_rows USING btree (event_id);
CREATE INDEX reconcile_sales_rows_product_code_idx ON castro.reconcile_sales_rows USING btree (product_code) WHERE ((outcome = 'reject'::text) AND (event_id IS NULL));
CREATE INDEX repair_age ON castro.repair USING btree (stream, repaired_at);
CREATE INDEX repair_of_key ON castro.repair USING btree (stream, key);
CREATE INDEX repair_of_run ON castro.repair USING btree (run, stream, kind, key);
CREATE INDEX touched_since ON castro.touched USING btree (stream, revision);
CREATE INDEX ml_inventory_daily_by_date ON public.ml_inventory_daily USING btree (date);
CREATE INDEX ml_inventory_monthly_by_month ON public.ml_inventory_monthly USING btree (month);
CREATE INDEX ml_inventory_realtime_newest ON public.ml_inventory_realtime USING btree (product_code, date, "timestamp", source_position);
CREATE INDEX ml_procurement_daily_by_date ON public.ml_procurement_daily USING btree (date);
CREATE INDEX ml_procurement_monthly_by_month ON public.ml_procurement_monthly USING btree (month);
CREATE INDEX ml_procurement_realtime_newest ON public.ml_procurement_realtime USING btree (product_code, date, "timestamp", source_position);
CREATE INDEX ml_sales_daily_by_date ON public.ml_sales_daily USING btree (date);
CREATE INDEX ml_sales_monthly_by_month ON public.ml_sales_monthly USING btree (month);
CREATE INDEX ml_sales_realtime_newest ON public.ml_sales_realtime USING btree (product_code, date, "timestamp", source_position);
ALTER TABLE ONLY castro.offset_ledger
    ADD CONSTRAINT offset_ledger_stream_fkey FOREIGN KEY (stream) REFERENCES castro.stream(stream);
