CREATE TEMPORARY TABLE records (
    `table` STRING,
    data ROW<id_evento STRING, codigo_produto STRING, tipo_movimentacao STRING, quantidade DECIMAL(18, 6),
             custo_unitario DECIMAL(18, 6), data_movimentacao TIMESTAMP(3), deposito STRING, fornecedor STRING,
             cliente STRING>,
    `partition` INT METADATA VIRTUAL,
    `offset` BIGINT METADATA VIRTUAL,
    arrived AS PROCTIME()
) WITH (
    'connector' = 'kafka', 'topic' = '@topic@', 'properties.bootstrap.servers' = '@bootstrap@',
    'properties.group.id' = 'flink', 'scan.startup.mode' = 'earliest-offset', @bounded@
    'format' = 'json', 'json.ignore-parse-errors' = 'true', 'json.timestamp-format.standard' = 'ISO-8601'
);

CREATE TEMPORARY VIEW movements AS
SELECT data.id_evento AS event_id, data.codigo_produto AS product_code, data.tipo_movimentacao AS transaction_type,
       data.quantidade AS quantity, data.custo_unitario AS unit_cost, data.data_movimentacao AS `timestamp`,
       data.deposito AS warehouse, data.fornecedor AS supplier, data.cliente AS customer,
       CAST(data.quantidade * data.custo_unitario AS DECIMAL(38, 12)) AS value_total,
       CAST(data.data_movimentacao AS DATE) AS `date`,
       LPAD(CAST(`partition` AS STRING), 5, '0') || LPAD(CAST(`offset` AS STRING), 15, '0') AS place,
       arrived
FROM records
WHERE `table` = 'inventory_transactions' AND data.id_evento IS NOT NULL AND data.codigo_produto IS NOT NULL
    AND data.tipo_movimentacao IS NOT NULL AND data.quantidade IS NOT NULL AND data.custo_unitario >= 0
    AND data.data_movimentacao IS NOT NULL AND data.deposito IS NOT NULL;

CREATE TEMPORARY TABLE events (
    event_id STRING, product_code STRING, transaction_type STRING, quantity DECIMAL(18, 6), unit_cost DECIMAL(18, 6),
    `timestamp` TIMESTAMP(3), warehouse STRING, supplier STRING, customer STRING, value_total DECIMAL(38, 12),
    `date` DATE, `month` SMALLINT, `quarter` SMALLINT, day_of_week SMALLINT, is_weekend BOOLEAN, source_position BYTES,
    PRIMARY KEY (event_id) NOT ENFORCED
) WITH ('table-name' = 'ml_inventory_realtime', @jdbc@);

INSERT INTO events
SELECT event_id, product_code, transaction_type, quantity, unit_cost, `timestamp`, warehouse, supplier, customer,
       value_total, `date`, CAST(MONTH(`date`) AS SMALLINT), CAST(QUARTER(`date`) AS SMALLINT),
       CAST(MOD(DAYOFWEEK(`date`) + 5, 7) AS SMALLINT), DAYOFWEEK(`date`) IN (1, 7), CAST(place AS BYTES)
FROM movements;
