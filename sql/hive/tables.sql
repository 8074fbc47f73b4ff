-- The warehouse's tables as the mapping of conf/base.yaml expects them, for the embedded warehouse; each statement ends
-- with a semicolon. The tables are append-only: a correction is a further row of the same key with a later last_modified.
CREATE DATABASE IF NOT EXISTS castrolanda_inventory;
CREATE DATABASE IF NOT EXISTS castrolanda_sales;
CREATE DATABASE IF NOT EXISTS castrolanda_procurement;
CREATE TABLE IF NOT EXISTS castrolanda_inventory.product_master (
    codigo_produto string, descricao string, categoria string, unidade_medida string, fornecedor_principal string,
    custo_padrao decimal(18,4), estoque_minimo decimal(18,3), prazo_reposicao_dias int, perecivel boolean,
    ativo boolean, data_cadastro date, last_modified timestamp
) STORED AS ORC;
CREATE TABLE IF NOT EXISTS castrolanda_inventory.transactions (
    id_transacao string, codigo_produto string, tipo_movimentacao string, quantidade decimal(18,3),
    custo_unitario decimal(18,4), data_movimentacao timestamp, deposito string, fornecedor string, cliente string,
    excluido boolean, last_modified timestamp
) PARTITIONED BY (dt string) STORED AS ORC;
CREATE TABLE IF NOT EXISTS castrolanda_inventory.stock_levels (
    codigo_produto string, deposito string, quantidade_disponivel decimal(18,3), quantidade_reservada decimal(18,3),
    custo_medio decimal(18,6), data_posicao date, last_modified timestamp
) STORED AS PARQUET;
CREATE TABLE IF NOT EXISTS castrolanda_sales.orders (
    numero_pedido string, item int, codigo_produto string, cliente string, quantidade decimal(18,3),
    preco_unitario decimal(18,4), data_pedido timestamp, situacao string, excluido boolean, last_modified timestamp
) PARTITIONED BY (dt string) STORED AS ORC;
CREATE TABLE IF NOT EXISTS castrolanda_procurement.purchases (
    numero_pedido string, item int, codigo_produto string, fornecedor string, quantidade decimal(18,3),
    custo_unitario decimal(18,4), data_compra timestamp, previsao_entrega date, data_entrega date, excluido boolean,
    last_modified timestamp
) PARTITIONED BY (dt string) STORED AS PARQUET;
