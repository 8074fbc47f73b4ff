"""The inventory stream: stock movements, critical."""

from castro_spark.streams.declaration import Field, FieldType, Measure, StreamDeclaration

STREAM = StreamDeclaration(
    name="inventory",
    topic="castrolanda.inventory.updates",
    envelope_tables=("inventory_transactions",),
    event_id_field="id_evento",
    fields=(
        Field("codigo_produto", "product_code", max_length=64),
        Field("tipo_movimentacao", "transaction_type", max_length=64),
        Field("quantidade", "quantity", FieldType.DECIMAL),
        Field("custo_unitario", "unit_cost", FieldType.DECIMAL, non_negative=True),
        Field("data_movimentacao", "timestamp", FieldType.TIMESTAMP),
        Field("deposito", "warehouse"),
        Field("fornecedor", "supplier", required=False),
        Field("cliente", "customer", required=False),
    ),
    natural_key=("product_code", "timestamp", "transaction_type", "warehouse", "supplier", "customer"),
    price="unit_cost",
    # The contract names inventory's keys without the stream: agg:daily:..., agg:monthly:...
    aggregate_prefix="agg",
    measures=(
        Measure("volume_in", "transaction_type", ("ENTRADA",)),
        Measure("volume_out", "transaction_type", ("SAIDA",)),
        Measure("value_in", "transaction_type", ("ENTRADA",), of="value_total"),
        Measure("value_out", "transaction_type", ("SAIDA",), of="value_total"),
    ),
)
