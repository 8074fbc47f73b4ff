"""The sales stream: orders, for forecasting."""

from castro_spark.streams.declaration import Field, FieldType, StreamDeclaration

STREAM = StreamDeclaration(
    name="sales",
    topic="castrolanda.sales.updates",
    envelope_tables=("sales_orders",),
    event_id_field="id_evento",
    fields=(
        Field("codigo_produto", "product_code", max_length=64),
        Field("quantidade", "quantity", FieldType.DECIMAL),
        Field("preco_unitario", "unit_price", FieldType.DECIMAL, non_negative=True),
        Field("data_pedido", "timestamp", FieldType.TIMESTAMP),
        Field("cliente", "customer"),
        Field("numero_pedido", "order_number"),
    ),
    natural_key=("product_code", "timestamp", "order_number", "customer"),
    price="unit_price",
    aggregate_prefix="agg:sales",
)
