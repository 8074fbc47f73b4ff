"""The procurement stream: purchases, for planning."""

from castro_spark.streams.declaration import Field, FieldType, StreamDeclaration

STREAM = StreamDeclaration(
    name="procurement",
    topic="castrolanda.procurement.updates",
    envelope_tables=("purchases",),
    event_id_field="id_evento",
    fields=(
        Field("codigo_produto", "product_code", max_length=64),
        Field("quantidade", "quantity", FieldType.DECIMAL),
        Field("custo_unitario", "unit_cost", FieldType.DECIMAL, non_negative=True),
        Field("data_compra", "timestamp", FieldType.TIMESTAMP),
        Field("fornecedor", "supplier"),
        Field("numero_pedido", "order_number"),
        Field("previsao_entrega", "expected_delivery", FieldType.DATE, required=False),
    ),
    natural_key=("product_code", "timestamp", "order_number", "supplier"),
    price="unit_cost",
    aggregate_prefix="agg:procurement",
)
