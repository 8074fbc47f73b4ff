CREATE TEMPORARY VIEW newest AS
SELECT * FROM (
    SELECT *, ROW_NUMBER() OVER (PARTITION BY event_id ORDER BY arrived DESC) AS place_from_end FROM movements
) WHERE place_from_end = 1;

CREATE TEMPORARY TABLE daily (
    product_code STRING, `date` DATE, transactions BIGINT, volume DECIMAL(38, 6), `value` DECIMAL(38, 12),
    volume_in DECIMAL(38, 6), volume_out DECIMAL(38, 6), value_in DECIMAL(38, 12), value_out DECIMAL(38, 12),
    last_unit_cost DECIMAL(18, 6), PRIMARY KEY (product_code, `date`) NOT ENFORCED
) WITH ('table-name' = 'ml_inventory_daily', @jdbc@);

CREATE TEMPORARY TABLE monthly (
    product_code STRING, `month` DATE, transactions BIGINT, volume DECIMAL(38, 6), `value` DECIMAL(38, 12),
    volume_in DECIMAL(38, 6), volume_out DECIMAL(38, 6), value_in DECIMAL(38, 12), value_out DECIMAL(38, 12),
    last_unit_cost DECIMAL(18, 6), PRIMARY KEY (product_code, `month`) NOT ENFORCED
) WITH ('table-name' = 'ml_inventory_monthly', @jdbc@);

INSERT INTO daily
SELECT product_code, `date`, COUNT(*), SUM(quantity), SUM(value_total),
       COALESCE(SUM(quantity) FILTER (WHERE transaction_type = 'ENTRADA'), 0),
       COALESCE(SUM(quantity) FILTER (WHERE transaction_type = 'SAIDA'), 0),
       COALESCE(SUM(value_total) FILTER (WHERE transaction_type = 'ENTRADA'), 0),
       COALESCE(SUM(value_total) FILTER (WHERE transaction_type = 'SAIDA'), 0),
       CAST(SUBSTRING(MAX(DATE_FORMAT(`timestamp`, 'yyyy-MM-dd HH:mm:ss.SSS') || place || CAST(unit_cost AS STRING)), 44)
            AS DECIMAL(18, 6))
FROM newest GROUP BY product_code, `date`;

INSERT INTO monthly
SELECT product_code, first_day, COUNT(*), SUM(quantity), SUM(value_total),
       COALESCE(SUM(quantity) FILTER (WHERE transaction_type = 'ENTRADA'), 0),
       COALESCE(SUM(quantity) FILTER (WHERE transaction_type = 'SAIDA'), 0),
       COALESCE(SUM(value_total) FILTER (WHERE transaction_type = 'ENTRADA'), 0),
       COALESCE(SUM(value_total) FILTER (WHERE transaction_type = 'SAIDA'), 0),
       CAST(SUBSTRING(MAX(DATE_FORMAT(`timestamp`, 'yyyy-MM-dd HH:mm:ss.SSS') || place || CAST(unit_cost AS STRING)), 44)
            AS DECIMAL(18, 6))
FROM (SELECT *, CAST(FLOOR(`date` TO MONTH) AS DATE) AS first_day FROM newest)
GROUP BY product_code, first_day;
