
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
CREATE UNLOGGED TABLE castro.staged_ml_inventory_transactions (
    attempt bigint NOT NULL,
    transaction_id text COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    transaction_type text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    warehouse text COLLATE pg_catalog."C",
    supplier text COLLATE pg_catalog."C",
    customer text COLLATE pg_catalog."C",
    deleted boolean,
    last_modified timestamp with time zone
);
CREATE UNLOGGED TABLE castro.staged_ml_product_master (
    attempt bigint NOT NULL,
    product_code text COLLATE pg_catalog."C",
    description text COLLATE pg_catalog."C",
    category text COLLATE pg_catalog."C",
    unit text COLLATE pg_catalog."C",
    main_supplier text COLLATE pg_catalog."C",
    standard_cost numeric(18,6),
    minimum_stock numeric(18,6),
    lead_time_days bigint,
    perishable boolean,
    active boolean,
    registered_on date,
    last_modified timestamp with time zone
);
CREATE UNLOGGED TABLE castro.staged_ml_purchases (
    attempt bigint NOT NULL,
    order_number text COLLATE pg_catalog."C",
    item bigint,
    product_code text COLLATE pg_catalog."C",
    supplier text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    expected_delivery date,
    delivered_on date,
    deleted boolean,
    last_modified timestamp with time zone
);
CREATE UNLOGGED TABLE castro.staged_ml_sales_orders (
    attempt bigint NOT NULL,
    order_number text COLLATE pg_catalog."C",
    item bigint,
    product_code text COLLATE pg_catalog."C",
    customer text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_price numeric(18,6),
    "timestamp" timestamp with time zone,
    status text COLLATE pg_catalog."C",
    deleted boolean,
    last_modified timestamp with time zone
);
CREATE UNLOGGED TABLE castro.staged_ml_stock_levels (
    attempt bigint NOT NULL,
    product_code text COLLATE pg_catalog."C",
    warehouse text COLLATE pg_catalog."C",
    quantity_available numeric(18,6),
    quantity_reserved numeric(18,6),
    average_cost numeric(18,6),
    as_of date,
    last_modified timestamp with time zone
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
CREATE TABLE public.ml_inventory_transactions (
    transaction_id text NOT NULL COLLATE pg_catalog."C",
    product_code text COLLATE pg_catalog."C",
    transaction_type text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    warehouse text COLLATE pg_catalog."C",
    supplier text COLLATE pg_catalog."C",
    customer text COLLATE pg_catalog."C",
    deleted boolean,
    last_modified timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL
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
CREATE TABLE public.ml_product_master (
    product_code text NOT NULL COLLATE pg_catalog."C",
    description text COLLATE pg_catalog."C",
    category text COLLATE pg_catalog."C",
    unit text COLLATE pg_catalog."C",
    main_supplier text COLLATE pg_catalog."C",
    standard_cost numeric(18,6),
    minimum_stock numeric(18,6),
    lead_time_days bigint,
    perishable boolean,
    active boolean,
    registered_on date,
    last_modified timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE public.ml_purchases (
    order_number text NOT NULL COLLATE pg_catalog."C",
    item bigint NOT NULL,
    product_code text COLLATE pg_catalog."C",
    supplier text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_cost numeric(18,6),
    "timestamp" timestamp with time zone,
    expected_delivery date,
    delivered_on date,
    deleted boolean,
    last_modified timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL
);
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
CREATE TABLE public.ml_sales_orders (
    order_number text NOT NULL COLLATE pg_catalog."C",
    item bigint NOT NULL,
    product_code text COLLATE pg_catalog."C",
    customer text COLLATE pg_catalog."C",
    quantity numeric(18,6),
    unit_price numeric(18,6),
    "timestamp" timestamp with time zone,
    status text COLLATE pg_catalog."C",
    deleted boolean,
    last_modified timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL
);
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
CREATE TABLE public.ml_stock_levels (
    product_code text NOT NULL COLLATE pg_catalog."C",
    warehouse text NOT NULL COLLATE pg_catalog."C",
    quantity_available numeric(18,6),
    quantity_reserved numeric(18,6),
    average_cost numeric(18,6),
    as_of date,
    last_modified timestamp with time zone NOT NULL,
    loaded_at timestamp with time zone DEFAULT now() NOT NULL
);
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined, skipped, gaps, committed_at) VALUES ('inventory', 1, 0, 0, 0, 9, 8, 0, 1, 0, 0, 0, 0, '2026-11-29 20:39:40.149831+00');
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined, skipped, gaps, committed_at) VALUES ('inventory', 1, 1, 0, 0, 5, 4, 0, 0, 0, 1, 0, 0, '2026-11-29 20:39:40.149831+00');
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined, skipped, gaps, committed_at) VALUES ('inventory', 1, 2, 0, 0, 10, 5, 0, 3, 0, 0, 2, 0, '2026-11-29 20:39:40.149831+00');
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined, skipped, gaps, committed_at) VALUES ('sales', 1, 0, 0, 0, 4, 4, 0, 0, 0, 0, 0, 0, '2026-11-29 20:39:40.432545+00');
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined, skipped, gaps, committed_at) VALUES ('sales', 1, 1, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, '2026-11-29 20:39:40.432545+00');
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined, skipped, gaps, committed_at) VALUES ('sales', 1, 2, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, '2026-11-29 20:39:40.432545+00');
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined, skipped, gaps, committed_at) VALUES ('procurement', 1, 0, 0, 0, 3, 3, 0, 0, 0, 0, 0, 0, '2026-11-29 20:39:40.477669+00');
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined, skipped, gaps, committed_at) VALUES ('procurement', 1, 1, 0, 0, 2, 2, 0, 0, 0, 0, 0, 0, '2026-11-29 20:39:40.477669+00');
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined, skipped, gaps, committed_at) VALUES ('procurement', 1, 2, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, '2026-11-29 20:39:40.477669+00');
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined, skipped, gaps, committed_at) VALUES ('inventory', 2, 2, 0, 10, 12, 1, 1, 0, 0, 0, 0, 0, '2026-11-29 20:40:18.6754+00');
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined, skipped, gaps, committed_at) VALUES ('procurement', 2, 1, 0, 2, 3, 1, 0, 0, 0, 0, 0, 0, '2026-11-29 20:40:18.661603+00');
INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected, stale, deleted, quarantined, skipped, gaps, committed_at) VALUES ('sales', 2, 0, 0, 4, 6, 1, 0, 1, 0, 0, 0, 0, '2026-11-29 20:40:18.668131+00');
INSERT INTO castro.deleted (stream, event_id, source_position, deleted_at) VALUES ('inventory', '2', '\x2000000000000000000001900000000000000190000000000000000000000000', '2026-11-29 20:39:40.149831+00');
INSERT INTO castro.extract_watermark (target, watermark, revision, mode, rows_read, committed_at) VALUES ('ml_product_master', '2026-11-20 10:00:00+00', 1, 'full', 2, '2026-11-29 20:39:04.530855+00');
INSERT INTO castro.instance (stream, instance, host, pid, application, mode, epoch, state, reason, error, state_since, restarts, restarts_since_commit, revision, committed_at, started_at, heartbeat_at) VALUES ('inventory', '7b0b3c40fbfedeee', 'vm', 8603, 'local-1795984803977', 'continuous', 1795984816339, 'running', NULL, NULL, '2026-11-29 20:40:17.49243+00', 0, 0, NULL, NULL, '2026-11-29 20:40:06.78555+00', '2026-11-29 20:40:17.947225+00');
INSERT INTO castro.instance (stream, instance, host, pid, application, mode, epoch, state, reason, error, state_since, restarts, restarts_since_commit, revision, committed_at, started_at, heartbeat_at) VALUES ('sales', 'c6c57c1af24daf2d', 'vm', 8603, 'local-1795984803977', 'continuous', 1795984816309, 'running', NULL, NULL, '2026-11-29 20:40:17.467697+00', 0, 0, NULL, NULL, '2026-11-29 20:40:06.798914+00', '2026-11-29 20:40:17.966192+00');
INSERT INTO castro.instance (stream, instance, host, pid, application, mode, epoch, state, reason, error, state_since, restarts, restarts_since_commit, revision, committed_at, started_at, heartbeat_at) VALUES ('procurement', 'f099018a059e606a', 'vm', 8603, 'local-1795984803977', 'continuous', 1795984816179, 'running', NULL, NULL, '2026-11-29 20:40:17.46606+00', 0, 0, NULL, NULL, '2026-11-29 20:40:06.805481+00', '2026-11-29 20:40:17.988468+00');
INSERT INTO castro.instance (stream, instance, host, pid, application, mode, epoch, state, reason, error, state_since, restarts, restarts_since_commit, revision, committed_at, started_at, heartbeat_at) VALUES ('inventory', 'b9fe4e4c38d18e08', 'vm', 5829, 'local-1795984755719', 'available_now', 1795984776143, 'done', NULL, NULL, '2026-11-29 20:39:40.698126+00', 0, 0, 1, '2026-11-29 20:39:40.320201+00', '2026-11-29 20:39:24.439454+00', '2026-11-29 20:39:40.730047+00');
INSERT INTO castro.instance (stream, instance, host, pid, application, mode, epoch, state, reason, error, state_since, restarts, restarts_since_commit, revision, committed_at, started_at, heartbeat_at) VALUES ('sales', '905534ad72237b9c', 'vm', 5829, 'local-1795984755719', 'available_now', 1795984776150, 'done', NULL, NULL, '2026-11-29 20:39:40.603306+00', 0, 0, 1, '2026-11-29 20:39:40.532706+00', '2026-11-29 20:39:24.462927+00', '2026-11-29 20:39:40.747742+00');
INSERT INTO castro.instance (stream, instance, host, pid, application, mode, epoch, state, reason, error, state_since, restarts, restarts_since_commit, revision, committed_at, started_at, heartbeat_at) VALUES ('procurement', '900412a8c2e20e80', 'vm', 5829, 'local-1795984755719', 'available_now', 1795984776147, 'done', NULL, NULL, '2026-11-29 20:39:40.706718+00', 0, 0, 1, '2026-11-29 20:39:40.615036+00', '2026-11-29 20:39:24.469899+00', '2026-11-29 20:39:40.759775+00');
INSERT INTO castro.offset_ledger (stream, partition, next_offset, updated_at) VALUES ('inventory', 0, 9, '2026-11-29 20:39:40.149831+00');
INSERT INTO castro.offset_ledger (stream, partition, next_offset, updated_at) VALUES ('inventory', 1, 5, '2026-11-29 20:39:40.149831+00');
INSERT INTO castro.offset_ledger (stream, partition, next_offset, updated_at) VALUES ('sales', 1, 2, '2026-11-29 20:39:40.432545+00');
INSERT INTO castro.offset_ledger (stream, partition, next_offset, updated_at) VALUES ('sales', 2, 2, '2026-11-29 20:39:40.432545+00');
INSERT INTO castro.offset_ledger (stream, partition, next_offset, updated_at) VALUES ('procurement', 0, 3, '2026-11-29 20:39:40.477669+00');
INSERT INTO castro.offset_ledger (stream, partition, next_offset, updated_at) VALUES ('procurement', 2, 1, '2026-11-29 20:39:40.477669+00');
INSERT INTO castro.offset_ledger (stream, partition, next_offset, updated_at) VALUES ('inventory', 2, 12, '2026-11-29 20:40:18.6754+00');
INSERT INTO castro.offset_ledger (stream, partition, next_offset, updated_at) VALUES ('sales', 0, 6, '2026-11-29 20:40:18.668131+00');
INSERT INTO castro.offset_ledger (stream, partition, next_offset, updated_at) VALUES ('procurement', 1, 3, '2026-11-29 20:40:18.661603+00');
INSERT INTO castro.product_360 (only_row, revision, seen, refreshed_at) VALUES (true, 1795984780799, '{"sales": 1, "inventory": 1, "procurement": 1}', '2026-11-29 20:39:40.832068+00');
INSERT INTO castro.projection (stream, projector, alive_at, revision, published_at, error, failing_since, notes_pruned_to, rebuilds_requested, rebuilds_done, rebuilt_keys) VALUES ('procurement', 'vm pid 8603', '2026-11-29 20:40:16.891324+00', 1, '2026-11-29 20:39:40.783166+00', NULL, NULL, 0, 0, 0, 0);
INSERT INTO castro.projection (stream, projector, alive_at, revision, published_at, error, failing_since, notes_pruned_to, rebuilds_requested, rebuilds_done, rebuilt_keys) VALUES ('sales', 'vm pid 8603', '2026-11-29 20:40:16.891878+00', 1, '2026-11-29 20:39:40.781588+00', NULL, NULL, 0, 0, 0, 0);
INSERT INTO castro.projection (stream, projector, alive_at, revision, published_at, error, failing_since, notes_pruned_to, rebuilds_requested, rebuilds_done, rebuilt_keys) VALUES ('inventory', 'vm pid 8603', '2026-11-29 20:40:16.893805+00', 1, '2026-11-29 20:39:40.778968+00', NULL, NULL, 0, 0, 0, 0);
INSERT INTO castro.quarantine (id, stream, topic, generation, partition, "offset", record_timestamp, key, value, value_length, value_sha256, reason, detail, status, note, quarantined_at, resolved_at) OVERRIDING SYSTEM VALUE VALUES (1, 'inventory', 'inventory.earlier', 0, 1, 4, '2026-11-29 20:39:04.993+00', NULL, '\x7b227461626c65223a2022696e76656e746f72795f7472616e73616374696f6e73222c202264617461223a207b2269645f6576656e746f223a2022424144222c2022636f6469676f5f70726f6475746f223a20225031222c20227469706f5f6d6f76696d656e746163616f223a2022454e5452414441222c20227175616e746964616465223a20223f222c2022637573746f5f756e69746172696f223a2022322e3530222c2022646174615f6d6f76696d656e746163616f223a2022323032362d31312d30365430383a30303a3030222c20226465706f7369746f223a20224431227d7d', NULL, NULL, 'bad_number', 'quantidade: ?', 'open', NULL, '2026-11-29 20:39:40.149831+00', NULL);
INSERT INTO castro.skipped (stream, kind, name, records, first_seen, last_seen, reported_at) VALUES ('inventory', 'other_table', 'other_table', 1, '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00', NULL);
INSERT INTO castro.skipped (stream, kind, name, records, first_seen, last_seen, reported_at) VALUES ('inventory', 'tombstone', '', 1, '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00', NULL);
INSERT INTO castro.stream (stream, topic, topic_id, generation, epoch, writer, revision, kinds, warehouse_kinds, ids_changed, updated_at) VALUES ('inventory', 'inventory.earlier', 'Qbwn-CqHQMaM87dvx6fZPA', 0, 1795984816339, 'vm pid 8603', 2, '{id}', '{}', 0, '2026-11-29 20:40:18.6754+00');
INSERT INTO castro.stream (stream, topic, topic_id, generation, epoch, writer, revision, kinds, warehouse_kinds, ids_changed, updated_at) VALUES ('sales', 'sales.earlier', 'FGH34M1VS3eLjicMNwrAew', 0, 1795984816309, 'vm pid 8603', 2, '{id}', '{}', 0, '2026-11-29 20:40:18.668131+00');
INSERT INTO castro.stream (stream, topic, topic_id, generation, epoch, writer, revision, kinds, warehouse_kinds, ids_changed, updated_at) VALUES ('procurement', 'procurement.earlier', 'WYy_pePkQzK68KR-B8zoPw', 0, 1795984816179, 'vm pid 8603', 2, '{id}', '{}', 0, '2026-11-29 20:40:18.661603+00');
INSERT INTO castro.stream_source (stream, server, database, schema, generation, partition, "offset", fixed_at) VALUES ('inventory', 'erp', 'erp', 'public', 0, 2, 4, '2026-11-29 20:39:40.149831+00');
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('inventory', 'P1', 1);
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('inventory', 'P0', 1);
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('inventory', 'P3', 1);
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('sales', 'P2', 1);
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('sales', 'P1', 1);
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('sales', 'P3', 1);
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('procurement', 'P1', 1);
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('procurement', 'P0', 1);
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('procurement', 'P3', 1);
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('inventory', 'P2', 2);
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('inventory', 'P5', 2);
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('procurement', 'P2', 2);
INSERT INTO castro.touched (stream, product_code, revision) VALUES ('sales', 'P0', 2);
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('001_castro', '', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('002_product_360', '', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('003_warehouse', '', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('004_backfill', '', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('005_reconcile', '', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('006_instances', '', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('007_projection', '', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('010_stream_tables', 'inventory', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('010_stream_tables', 'sales', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('010_stream_tables', 'procurement', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('011_stream_staging', 'inventory', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('011_stream_staging', 'sales', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('011_stream_staging', 'procurement', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('012_stream_reconcile', 'inventory', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('012_stream_reconcile', 'sales', '2026-11-29 20:38:40.859561+00');
INSERT INTO castro_migrations.applied (name, stream, applied_at) VALUES ('012_stream_reconcile', 'procurement', '2026-11-29 20:38:40.859561+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P0', '2026-09-01', 1, 1.000000, 1.250000000000, 1.000000, 0, 1.250000000000, 0, 1.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P0', '2026-09-13', 1, 8.012000, 26.039000000000, 8.012000, 0, 26.039000000000, 0, 3.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P0', '2026-10-05', 1, 7.004000, 36.771000000000, 0, 7.004000, 0, 36.771000000000, 5.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P0', '2026-11-09', 1, 2.008000, 8.534000000000, 0, 0, 0, 0, 4.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P1', '2026-09-10', 1, 9.009000, 47.297250000000, 9.009000, 0, 47.297250000000, 0, 5.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P1', '2026-10-02', 1, 8.001000, 18.002250000000, 0, 8.001000, 0, 18.002250000000, 2.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P1', '2026-10-14', 1, 4.013000, 17.055250000000, 0, 4.013000, 0, 17.055250000000, 4.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P1', '2026-11-06', 1, 3.005000, 3.756250000000, 0, 0, 0, 0, 1.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P2', '2026-09-07', 1, 10.006000, 22.513500000000, 10.006000, 0, 22.513500000000, 0, 2.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P2', '2026-10-11', 1, 5.010000, 6.262500000000, 0, 5.010000, 0, 6.262500000000, 1.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P2', '2026-11-03', 1, 4.002000, 13.006500000000, 0, 0, 0, 0, 3.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P2', '2026-11-15', 1, 11.014000, 57.823500000000, 0, 0, 0, 0, 5.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P3', '2026-09-16', 1, 7.015000, 8.768750000000, 7.015000, 0, 8.768750000000, 0, 1.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P3', '2026-10-08', 1, 6.007000, 19.522750000000, 0, 6.007000, 0, 19.522750000000, 3.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P3', '2026-11-05', 1, 100.000000, 425.000000000000, 100.000000, 0, 425.000000000000, 0, 4.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P3', '2026-11-12', 1, 1.011000, 2.274750000000, 0, 0, 0, 0, 2.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P2', '2026-09-15', 1, 3.000000, 7.500000000000, 3.000000, 0, 7.500000000000, 0, 2.500000, 2, '2026-11-29 20:40:18.6754+00');
INSERT INTO public.ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P5', '2026-11-10', 1, 7.000000, 17.500000000000, 7.000000, 0, 17.500000000000, 0, 2.500000, 2, '2026-11-29 20:40:18.6754+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P0', '2026-09-01', 2, 9.012000, 27.289000000000, 9.012000, 0, 27.289000000000, 0, 3.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P0', '2026-10-01', 1, 7.004000, 36.771000000000, 0, 7.004000, 0, 36.771000000000, 5.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P0', '2026-11-01', 1, 2.008000, 8.534000000000, 0, 0, 0, 0, 4.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P1', '2026-09-01', 1, 9.009000, 47.297250000000, 9.009000, 0, 47.297250000000, 0, 5.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P1', '2026-10-01', 2, 12.014000, 35.057500000000, 0, 12.014000, 0, 35.057500000000, 4.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P1', '2026-11-01', 1, 3.005000, 3.756250000000, 0, 0, 0, 0, 1.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P2', '2026-10-01', 1, 5.010000, 6.262500000000, 0, 5.010000, 0, 6.262500000000, 1.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P2', '2026-11-01', 2, 15.016000, 70.830000000000, 0, 0, 0, 0, 5.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P3', '2026-09-01', 1, 7.015000, 8.768750000000, 7.015000, 0, 8.768750000000, 0, 1.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P3', '2026-10-01', 1, 6.007000, 19.522750000000, 0, 6.007000, 0, 19.522750000000, 3.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P3', '2026-11-01', 2, 101.011000, 427.274750000000, 100.000000, 0, 425.000000000000, 0, 2.250000, 1, '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P2', '2026-09-01', 2, 13.006000, 30.013500000000, 13.006000, 0, 30.013500000000, 0, 2.500000, 2, '2026-11-29 20:40:18.6754+00');
INSERT INTO public.ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in, value_out, last_unit_cost, revision, updated_at) VALUES ('P5', '2026-11-01', 1, 7.000000, 17.500000000000, 7.000000, 0, 17.500000000000, 0, 2.500000, 2, '2026-11-29 20:40:18.6754+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M0', 'P0', 'ENTRADA', 1.000000, 1.250000, '2026-09-01 03:30:00+00', 'D1', NULL, NULL, 1.250000000000, '2026-09-01', 9, 3, 1, false, '\x2000000000000000800000000000000000000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M1', 'P1', 'SAIDA', 8.001000, 2.250000, '2026-10-02 04:30:00+00', 'D1', NULL, NULL, 18.002250000000, '2026-10-02', 10, 4, 4, false, '\x2000000000000001800000000000000000000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M10', 'P2', 'SAIDA', 5.010000, 1.250000, '2026-10-11 13:30:00+00', 'D1', NULL, NULL, 6.262500000000, '2026-10-11', 10, 4, 6, true, '\x2000000000000002800000000000000200000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M11', 'P3', 'AJUSTE', 1.011000, 2.250000, '2026-11-12 14:30:00+00', 'D1', NULL, NULL, 2.274750000000, '2026-11-12', 11, 4, 3, false, '\x2000000000000000800000000000000500000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M12', 'P0', 'ENTRADA', 8.012000, 3.250000, '2026-09-13 15:30:00+00', 'D1', NULL, NULL, 26.039000000000, '2026-09-13', 9, 3, 6, true, '\x2000000000000000800000000000000600000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M13', 'P1', 'SAIDA', 4.013000, 4.250000, '2026-10-14 16:30:00+00', 'D1', NULL, NULL, 17.055250000000, '2026-10-14', 10, 4, 2, false, '\x2000000000000001800000000000000300000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M14', 'P2', 'AJUSTE', 11.014000, 5.250000, '2026-11-15 17:30:00+00', 'D1', NULL, NULL, 57.823500000000, '2026-11-15', 11, 4, 6, true, '\x2000000000000002800000000000000300000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M15', 'P3', 'ENTRADA', 7.015000, 1.250000, '2026-09-16 18:30:00+00', 'D1', NULL, NULL, 8.768750000000, '2026-09-16', 9, 3, 2, false, '\x2000000000000000800000000000000700000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M2', 'P2', 'AJUSTE', 4.002000, 3.250000, '2026-11-03 05:30:00+00', 'D1', NULL, NULL, 13.006500000000, '2026-11-03', 11, 4, 1, false, '\x2000000000000002800000000000000000000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M3', 'P3', 'ENTRADA', 100.000000, 4.250000, '2026-11-05 11:00:00+00', 'D1', NULL, NULL, 425.000000000000, '2026-11-05', 11, 4, 3, false, '\x2000000000000000800000000000000800000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M4', 'P0', 'SAIDA', 7.004000, 5.250000, '2026-10-05 07:30:00+00', 'D1', NULL, NULL, 36.771000000000, '2026-10-05', 10, 4, 0, false, '\x2000000000000000800000000000000200000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M5', 'P1', 'AJUSTE', 3.005000, 1.250000, '2026-11-06 08:30:00+00', 'D1', NULL, NULL, 3.756250000000, '2026-11-06', 11, 4, 4, false, '\x2000000000000001800000000000000100000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M6', 'P2', 'ENTRADA', 10.006000, 2.250000, '2026-09-07 09:30:00+00', 'D1', NULL, NULL, 22.513500000000, '2026-09-07', 9, 3, 0, false, '\x2000000000000002800000000000000100000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M7', 'P3', 'SAIDA', 6.007000, 3.250000, '2026-10-08 10:30:00+00', 'D1', NULL, NULL, 19.522750000000, '2026-10-08', 10, 4, 3, false, '\x2000000000000000800000000000000300000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M8', 'P0', 'AJUSTE', 2.008000, 4.250000, '2026-11-09 11:30:00+00', 'D1', NULL, NULL, 8.534000000000, '2026-11-09', 11, 4, 0, false, '\x2000000000000000800000000000000400000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('M9', 'P1', 'ENTRADA', 9.009000, 5.250000, '2026-09-10 12:30:00+00', 'D1', NULL, NULL, 47.297250000000, '2026-09-10', 9, 3, 3, false, '\x2000000000000001800000000000000200000000000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:39:40.149831+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('1', 'P5', 'ENTRADA', 7.000000, 2.500000, '2026-11-10 12:00:00+00', 'D1', NULL, NULL, 17.500000000000, '2026-11-10', 11, 4, 1, false, '\x2000000000000000000001f400000000000001f4000000000000000000000000', '2026-11-29 20:39:40.149831+00', '2026-11-29 20:40:18.6754+00');
INSERT INTO public.ml_inventory_realtime (event_id, product_code, transaction_type, quantity, unit_cost, "timestamp", warehouse, supplier, customer, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('LATE', 'P2', 'ENTRADA', 3.000000, 2.500000, '2026-09-15 15:00:00+00', 'D1', NULL, NULL, 7.500000000000, '2026-09-15', 9, 3, 1, false, '\x2000000000000002800000000000000a00000000000000000000000000000000', '2026-11-29 20:40:18.6754+00', '2026-11-29 20:40:18.6754+00');
INSERT INTO public.ml_procurement_daily (product_code, date, transactions, volume, value, last_unit_cost, revision, updated_at) VALUES ('P0', '2026-10-01', 1, 10.000000, 11.500000000000, 1.150000, 1, '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_daily (product_code, date, transactions, volume, value, last_unit_cost, revision, updated_at) VALUES ('P0', '2026-10-13', 1, 50.000000, 257.500000000000, 5.150000, 1, '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_daily (product_code, date, transactions, volume, value, last_unit_cost, revision, updated_at) VALUES ('P1', '2026-10-04', 1, 20.000000, 43.000000000000, 2.150000, 1, '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_daily (product_code, date, transactions, volume, value, last_unit_cost, revision, updated_at) VALUES ('P1', '2026-10-16', 1, 60.000000, 369.000000000000, 6.150000, 1, '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_daily (product_code, date, transactions, volume, value, last_unit_cost, revision, updated_at) VALUES ('P2', '2026-10-07', 1, 30.000000, 94.500000000000, 3.150000, 1, '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_daily (product_code, date, transactions, volume, value, last_unit_cost, revision, updated_at) VALUES ('P3', '2026-10-10', 1, 40.000000, 166.000000000000, 4.150000, 1, '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_daily (product_code, date, transactions, volume, value, last_unit_cost, revision, updated_at) VALUES ('P2', '2026-10-19', 1, 70.000000, 500.500000000000, 7.150000, 2, '2026-11-29 20:40:18.661603+00');
INSERT INTO public.ml_procurement_monthly (product_code, month, transactions, volume, value, last_unit_cost, revision, updated_at) VALUES ('P0', '2026-10-01', 2, 60.000000, 269.000000000000, 5.150000, 1, '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_monthly (product_code, month, transactions, volume, value, last_unit_cost, revision, updated_at) VALUES ('P1', '2026-10-01', 2, 80.000000, 412.000000000000, 6.150000, 1, '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_monthly (product_code, month, transactions, volume, value, last_unit_cost, revision, updated_at) VALUES ('P3', '2026-10-01', 1, 40.000000, 166.000000000000, 4.150000, 1, '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_monthly (product_code, month, transactions, volume, value, last_unit_cost, revision, updated_at) VALUES ('P2', '2026-10-01', 2, 100.000000, 595.000000000000, 7.150000, 2, '2026-11-29 20:40:18.661603+00');
INSERT INTO public.ml_procurement_realtime (event_id, product_code, quantity, unit_cost, "timestamp", supplier, order_number, expected_delivery, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('B0', 'P0', 10.000000, 1.150000, '2026-10-01 12:00:00+00', 'F1', 'PC-0', '2026-12-01', 11.500000000000, '2026-10-01', 10, 4, 3, false, '\x2000000000000000800000000000000000000000000000000000000000000000', '2026-11-29 20:39:40.477669+00', '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_realtime (event_id, product_code, quantity, unit_cost, "timestamp", supplier, order_number, expected_delivery, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('B1', 'P1', 20.000000, 2.150000, '2026-10-04 12:00:00+00', 'F1', 'PC-1', '2026-12-01', 43.000000000000, '2026-10-04', 10, 4, 6, true, '\x2000000000000001800000000000000000000000000000000000000000000000', '2026-11-29 20:39:40.477669+00', '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_realtime (event_id, product_code, quantity, unit_cost, "timestamp", supplier, order_number, expected_delivery, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('B2', 'P2', 30.000000, 3.150000, '2026-10-07 12:00:00+00', 'F1', 'PC-2', '2026-12-01', 94.500000000000, '2026-10-07', 10, 4, 2, false, '\x2000000000000002800000000000000000000000000000000000000000000000', '2026-11-29 20:39:40.477669+00', '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_realtime (event_id, product_code, quantity, unit_cost, "timestamp", supplier, order_number, expected_delivery, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('B3', 'P3', 40.000000, 4.150000, '2026-10-10 12:00:00+00', 'F1', 'PC-3', '2026-12-01', 166.000000000000, '2026-10-10', 10, 4, 5, true, '\x2000000000000000800000000000000100000000000000000000000000000000', '2026-11-29 20:39:40.477669+00', '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_realtime (event_id, product_code, quantity, unit_cost, "timestamp", supplier, order_number, expected_delivery, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('B4', 'P0', 50.000000, 5.150000, '2026-10-13 12:00:00+00', 'F1', 'PC-4', '2026-12-01', 257.500000000000, '2026-10-13', 10, 4, 1, false, '\x2000000000000000800000000000000200000000000000000000000000000000', '2026-11-29 20:39:40.477669+00', '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_realtime (event_id, product_code, quantity, unit_cost, "timestamp", supplier, order_number, expected_delivery, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('B5', 'P1', 60.000000, 6.150000, '2026-10-16 12:00:00+00', 'F1', 'PC-5', '2026-12-01', 369.000000000000, '2026-10-16', 10, 4, 4, false, '\x2000000000000001800000000000000100000000000000000000000000000000', '2026-11-29 20:39:40.477669+00', '2026-11-29 20:39:40.477669+00');
INSERT INTO public.ml_procurement_realtime (event_id, product_code, quantity, unit_cost, "timestamp", supplier, order_number, expected_delivery, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('B6', 'P2', 70.000000, 7.150000, '2026-10-19 12:00:00+00', 'F1', 'PC-6', '2026-12-01', 500.500000000000, '2026-10-19', 10, 4, 0, false, '\x2000000000000001800000000000000200000000000000000000000000000000', '2026-11-29 20:40:18.661603+00', '2026-11-29 20:40:18.661603+00');
INSERT INTO public.ml_product_360 (product_code, as_of, on_hand, in_volume_7d, in_volume_30d, in_volume_90d, in_value_7d, in_value_30d, in_value_90d, out_volume_7d, out_volume_30d, out_volume_90d, out_value_7d, out_value_30d, out_value_90d, sales_volume_7d, sales_volume_30d, sales_volume_90d, sales_value_7d, sales_value_30d, sales_value_90d, purchase_volume_7d, purchase_volume_30d, purchase_volume_90d, purchase_value_7d, purchase_value_30d, purchase_value_90d, average_cost_90d, last_cost, average_price_90d, last_price, margin_90d, last_supplier, last_customer, last_purchase_at, last_sale_at, days_since_last_purchase, days_since_last_sale, days_of_cover, demand_cv_90d, revision, updated_at) VALUES ('P0', '2026-11-29', 4.016000, 0, 0, 9.012000, 0, 0, 27.289000000000, 0, 0, 7.004000, 0, 0, 36.771000000000, 0, 6.000000, 6.000000, 0, 34.400000000000, 34.400000000000, 0, 0, 60.000000, 0, 0, 269.000000000000, 4.483333, 5.150000, 5.733333, 5.900000, 0.218023, 'F1', 'C0', '2026-10-13 12:00:00+00', '2026-11-09 18:00:00+00', 47, 20, NULL, 8.000000, 1795984780799, '2026-11-29 20:39:40.799455+00');
INSERT INTO public.ml_product_360 (product_code, as_of, on_hand, in_volume_7d, in_volume_30d, in_volume_90d, in_value_7d, in_value_30d, in_value_90d, out_volume_7d, out_volume_30d, out_volume_90d, out_value_7d, out_value_30d, out_value_90d, sales_volume_7d, sales_volume_30d, sales_volume_90d, sales_value_7d, sales_value_30d, sales_value_90d, purchase_volume_7d, purchase_volume_30d, purchase_volume_90d, purchase_value_7d, purchase_value_30d, purchase_value_90d, average_cost_90d, last_cost, average_price_90d, last_price, margin_90d, last_supplier, last_customer, last_purchase_at, last_sale_at, days_since_last_purchase, days_since_last_sale, days_of_cover, demand_cv_90d, revision, updated_at) VALUES ('P1', '2026-11-29', 0.000000, 0, 0, 9.009000, 0, 0, 47.297250000000, 0, 0, 12.014000, 0, 0, 35.057500000000, 0, 8.000000, 8.000000, 0, 53.200000000000, 53.200000000000, 0, 0, 80.000000, 0, 0, 412.000000000000, 5.150000, 6.150000, 6.650000, 6.900000, 0.225564, 'F1', 'C1', '2026-10-16 12:00:00+00', '2026-11-11 18:00:00+00', 44, 18, NULL, 7.433034, 1795984780799, '2026-11-29 20:39:40.799455+00');
INSERT INTO public.ml_product_360 (product_code, as_of, on_hand, in_volume_7d, in_volume_30d, in_volume_90d, in_value_7d, in_value_30d, in_value_90d, out_volume_7d, out_volume_30d, out_volume_90d, out_value_7d, out_value_30d, out_value_90d, sales_volume_7d, sales_volume_30d, sales_volume_90d, sales_value_7d, sales_value_30d, sales_value_90d, purchase_volume_7d, purchase_volume_30d, purchase_volume_90d, purchase_value_7d, purchase_value_30d, purchase_value_90d, average_cost_90d, last_cost, average_price_90d, last_price, margin_90d, last_supplier, last_customer, last_purchase_at, last_sale_at, days_since_last_purchase, days_since_last_sale, days_of_cover, demand_cv_90d, revision, updated_at) VALUES ('P2', '2026-11-29', 20.012000, 0, 0, 10.006000, 0, 0, 22.513500000000, 0, 0, 5.010000, 0, 0, 6.262500000000, 0, 10.000000, 10.000000, 0, 55.000000000000, 55.000000000000, 0, 0, 30.000000, 0, 0, 94.500000000000, 3.150000, 3.150000, 5.500000, 4.900000, 0.427273, 'F1', 'C0', '2026-10-07 12:00:00+00', '2026-11-13 18:00:00+00', 53, 16, NULL, 7.155418, 1795984780799, '2026-11-29 20:39:40.799455+00');
INSERT INTO public.ml_product_360 (product_code, as_of, on_hand, in_volume_7d, in_volume_30d, in_volume_90d, in_value_7d, in_value_30d, in_value_90d, out_volume_7d, out_volume_30d, out_volume_90d, out_value_7d, out_value_30d, out_value_90d, sales_volume_7d, sales_volume_30d, sales_volume_90d, sales_value_7d, sales_value_30d, sales_value_90d, purchase_volume_7d, purchase_volume_30d, purchase_volume_90d, purchase_value_7d, purchase_value_30d, purchase_value_90d, average_cost_90d, last_cost, average_price_90d, last_price, margin_90d, last_supplier, last_customer, last_purchase_at, last_sale_at, days_since_last_purchase, days_since_last_sale, days_of_cover, demand_cv_90d, revision, updated_at) VALUES ('P3', '2026-11-29', 102.019000, 0, 100.000000, 107.015000, 0, 425.000000000000, 433.768750000000, 0, 0, 6.007000, 0, 0, 19.522750000000, 0, 12.000000, 12.000000, 0, 66.800000000000, 66.800000000000, 0, 0, 40.000000, 0, 0, 166.000000000000, 4.150000, 4.150000, 5.566667, 5.900000, 0.254491, 'F1', 'C1', '2026-10-10 12:00:00+00', '2026-11-15 18:00:00+00', 50, 14, NULL, 7.000000, 1795984780799, '2026-11-29 20:39:40.799455+00');
INSERT INTO public.ml_product_360 (product_code, as_of, on_hand, in_volume_7d, in_volume_30d, in_volume_90d, in_value_7d, in_value_30d, in_value_90d, out_volume_7d, out_volume_30d, out_volume_90d, out_value_7d, out_value_30d, out_value_90d, sales_volume_7d, sales_volume_30d, sales_volume_90d, sales_value_7d, sales_value_30d, sales_value_90d, purchase_volume_7d, purchase_volume_30d, purchase_volume_90d, purchase_value_7d, purchase_value_30d, purchase_value_90d, average_cost_90d, last_cost, average_price_90d, last_price, margin_90d, last_supplier, last_customer, last_purchase_at, last_sale_at, days_since_last_purchase, days_since_last_sale, days_of_cover, demand_cv_90d, revision, updated_at) VALUES ('P5', '2026-11-29', 6.500000, 0, 6.500000, 6.500000, 0, 16.250000000000, 16.250000000000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, NULL, 2.500000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1795984780799, '2026-11-29 20:39:40.799455+00');
INSERT INTO public.ml_product_master (product_code, description, category, unit, main_supplier, standard_cost, minimum_stock, lead_time_days, perishable, active, registered_on, last_modified, loaded_at) VALUES ('P1', 'Leite integral', 'Laticínios', 'L', NULL, NULL, 500.000000, NULL, NULL, true, NULL, '2026-11-20 10:00:00+00', '2026-11-29 20:39:04.530855+00');
INSERT INTO public.ml_product_master (product_code, description, category, unit, main_supplier, standard_cost, minimum_stock, lead_time_days, perishable, active, registered_on, last_modified, loaded_at) VALUES ('P9', 'Queijo', 'Laticínios', 'KG', NULL, NULL, 20.000000, NULL, NULL, true, NULL, '2026-11-20 10:00:00+00', '2026-11-29 20:39:04.530855+00');
INSERT INTO public.ml_sales_daily (product_code, date, transactions, volume, value, last_unit_price, revision, updated_at) VALUES ('P0', '2026-11-01', 1, 1.000000, 4.900000000000, 4.900000, 1, '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_daily (product_code, date, transactions, volume, value, last_unit_price, revision, updated_at) VALUES ('P0', '2026-11-09', 1, 5.000000, 29.500000000000, 5.900000, 1, '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_daily (product_code, date, transactions, volume, value, last_unit_price, revision, updated_at) VALUES ('P1', '2026-11-03', 1, 2.000000, 11.800000000000, 5.900000, 1, '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_daily (product_code, date, transactions, volume, value, last_unit_price, revision, updated_at) VALUES ('P1', '2026-11-11', 1, 6.000000, 41.400000000000, 6.900000, 1, '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_daily (product_code, date, transactions, volume, value, last_unit_price, revision, updated_at) VALUES ('P2', '2026-11-05', 1, 3.000000, 20.700000000000, 6.900000, 1, '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_daily (product_code, date, transactions, volume, value, last_unit_price, revision, updated_at) VALUES ('P2', '2026-11-13', 1, 7.000000, 34.300000000000, 4.900000, 1, '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_daily (product_code, date, transactions, volume, value, last_unit_price, revision, updated_at) VALUES ('P3', '2026-11-07', 1, 4.000000, 19.600000000000, 4.900000, 1, '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_daily (product_code, date, transactions, volume, value, last_unit_price, revision, updated_at) VALUES ('P3', '2026-11-15', 1, 8.000000, 47.200000000000, 5.900000, 1, '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_daily (product_code, date, transactions, volume, value, last_unit_price, revision, updated_at) VALUES ('P0', '2026-11-17', 1, 9.000000, 62.100000000000, 6.900000, 2, '2026-11-29 20:40:18.668131+00');
INSERT INTO public.ml_sales_monthly (product_code, month, transactions, volume, value, last_unit_price, revision, updated_at) VALUES ('P1', '2026-11-01', 2, 8.000000, 53.200000000000, 6.900000, 1, '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_monthly (product_code, month, transactions, volume, value, last_unit_price, revision, updated_at) VALUES ('P2', '2026-11-01', 2, 10.000000, 55.000000000000, 4.900000, 1, '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_monthly (product_code, month, transactions, volume, value, last_unit_price, revision, updated_at) VALUES ('P3', '2026-11-01', 2, 12.000000, 66.800000000000, 5.900000, 1, '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_monthly (product_code, month, transactions, volume, value, last_unit_price, revision, updated_at) VALUES ('P0', '2026-11-01', 3, 15.000000, 96.500000000000, 6.900000, 2, '2026-11-29 20:40:18.668131+00');
INSERT INTO public.ml_sales_realtime (event_id, product_code, quantity, unit_price, "timestamp", customer, order_number, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('S0', 'P0', 1.000000, 4.900000, '2026-11-01 18:00:00+00', 'C0', 'PV-0', 4.900000000000, '2026-11-01', 11, 4, 6, true, '\x2000000000000000800000000000000000000000000000000000000000000000', '2026-11-29 20:39:40.432545+00', '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_realtime (event_id, product_code, quantity, unit_price, "timestamp", customer, order_number, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('S1', 'P1', 2.000000, 5.900000, '2026-11-03 18:00:00+00', 'C1', 'PV-1', 11.800000000000, '2026-11-03', 11, 4, 1, false, '\x2000000000000001800000000000000000000000000000000000000000000000', '2026-11-29 20:39:40.432545+00', '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_realtime (event_id, product_code, quantity, unit_price, "timestamp", customer, order_number, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('S2', 'P2', 3.000000, 6.900000, '2026-11-05 18:00:00+00', 'C0', 'PV-2', 20.700000000000, '2026-11-05', 11, 4, 3, false, '\x2000000000000002800000000000000000000000000000000000000000000000', '2026-11-29 20:39:40.432545+00', '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_realtime (event_id, product_code, quantity, unit_price, "timestamp", customer, order_number, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('S3', 'P3', 4.000000, 4.900000, '2026-11-07 18:00:00+00', 'C1', 'PV-3', 19.600000000000, '2026-11-07', 11, 4, 5, true, '\x2000000000000000800000000000000100000000000000000000000000000000', '2026-11-29 20:39:40.432545+00', '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_realtime (event_id, product_code, quantity, unit_price, "timestamp", customer, order_number, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('S4', 'P0', 5.000000, 5.900000, '2026-11-09 18:00:00+00', 'C0', 'PV-4', 29.500000000000, '2026-11-09', 11, 4, 0, false, '\x2000000000000000800000000000000200000000000000000000000000000000', '2026-11-29 20:39:40.432545+00', '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_realtime (event_id, product_code, quantity, unit_price, "timestamp", customer, order_number, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('S5', 'P1', 6.000000, 6.900000, '2026-11-11 18:00:00+00', 'C1', 'PV-5', 41.400000000000, '2026-11-11', 11, 4, 2, false, '\x2000000000000001800000000000000100000000000000000000000000000000', '2026-11-29 20:39:40.432545+00', '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_realtime (event_id, product_code, quantity, unit_price, "timestamp", customer, order_number, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('S6', 'P2', 7.000000, 4.900000, '2026-11-13 18:00:00+00', 'C0', 'PV-6', 34.300000000000, '2026-11-13', 11, 4, 4, false, '\x2000000000000002800000000000000100000000000000000000000000000000', '2026-11-29 20:39:40.432545+00', '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_realtime (event_id, product_code, quantity, unit_price, "timestamp", customer, order_number, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('S7', 'P3', 8.000000, 5.900000, '2026-11-15 18:00:00+00', 'C1', 'PV-7', 47.200000000000, '2026-11-15', 11, 4, 6, true, '\x2000000000000000800000000000000300000000000000000000000000000000', '2026-11-29 20:39:40.432545+00', '2026-11-29 20:39:40.432545+00');
INSERT INTO public.ml_sales_realtime (event_id, product_code, quantity, unit_price, "timestamp", customer, order_number, value_total, date, month, quarter, day_of_week, is_weekend, source_position, created_at, updated_at) VALUES ('S8', 'P0', 9.000000, 6.900000, '2026-11-17 18:00:00+00', 'C0', 'PV-8', 62.100000000000, '2026-11-17', 11, 4, 1, false, '\x2000000000000000800000000000000400000000000000000000000000000000', '2026-11-29 20:40:18.668131+00', '2026-11-29 20:40:18.668131+00');
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
ALTER TABLE ONLY public.ml_inventory_transactions
    ADD CONSTRAINT ml_inventory_transactions_pkey PRIMARY KEY (transaction_id);
ALTER TABLE ONLY public.ml_procurement_daily
    ADD CONSTRAINT ml_procurement_daily_pkey PRIMARY KEY (product_code, date);
ALTER TABLE ONLY public.ml_procurement_monthly
    ADD CONSTRAINT ml_procurement_monthly_pkey PRIMARY KEY (product_code, month);
ALTER TABLE ONLY public.ml_procurement_realtime
    ADD CONSTRAINT ml_procurement_realtime_pkey PRIMARY KEY (event_id);
ALTER TABLE ONLY public.ml_product_360
    ADD CONSTRAINT ml_product_360_pkey PRIMARY KEY (product_code);
ALTER TABLE ONLY public.ml_product_master
    ADD CONSTRAINT ml_product_master_pkey PRIMARY KEY (product_code);
ALTER TABLE ONLY public.ml_purchases
    ADD CONSTRAINT ml_purchases_pkey PRIMARY KEY (order_number, item);
ALTER TABLE ONLY public.ml_sales_daily
    ADD CONSTRAINT ml_sales_daily_pkey PRIMARY KEY (product_code, date);
ALTER TABLE ONLY public.ml_sales_monthly
    ADD CONSTRAINT ml_sales_monthly_pkey PRIMARY KEY (product_code, month);
ALTER TABLE ONLY public.ml_sales_orders
    ADD CONSTRAINT ml_sales_orders_pkey PRIMARY KEY (order_number, item);
ALTER TABLE ONLY public.ml_sales_realtime
    ADD CONSTRAINT ml_sales_realtime_pkey PRIMARY KEY (event_id);
ALTER TABLE ONLY public.ml_stock_levels
    ADD CONSTRAINT ml_stock_levels_pkey PRIMARY KEY (product_code, warehouse);
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
CREATE INDEX ml_inventory_transactions_product_code_timestamp ON public.ml_inventory_transactions USING btree (product_code, "timestamp");
CREATE INDEX ml_procurement_daily_by_date ON public.ml_procurement_daily USING btree (date);
CREATE INDEX ml_procurement_monthly_by_month ON public.ml_procurement_monthly USING btree (month);
CREATE INDEX ml_procurement_realtime_newest ON public.ml_procurement_realtime USING btree (product_code, date, "timestamp", source_position);
CREATE INDEX ml_purchases_product_code_timestamp ON public.ml_purchases USING btree (product_code, "timestamp");
CREATE INDEX ml_sales_daily_by_date ON public.ml_sales_daily USING btree (date);
CREATE INDEX ml_sales_monthly_by_month ON public.ml_sales_monthly USING btree (month);
CREATE INDEX ml_sales_orders_product_code_timestamp ON public.ml_sales_orders USING btree (product_code, "timestamp");
CREATE INDEX ml_sales_realtime_newest ON public.ml_sales_realtime USING btree (product_code, date, "timestamp", source_position);
ALTER TABLE ONLY castro.offset_ledger
    ADD CONSTRAINT offset_ledger_stream_fkey FOREIGN KEY (stream) REFERENCES castro.stream(stream);
