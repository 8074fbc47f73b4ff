"""Generates a deterministic, realistic content of the cooperative's warehouse, of any size, with Spark functions only.

The data ends with 2024; with seven years or more it includes the daylight-saving changes of 2018. Rows are committed up
to half an hour after their event, some of them days later; corrections and deletes (a flag) are further rows.
"""

from __future__ import annotations

from datetime import datetime, timezone

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

_END = int(datetime(2025, 1, 1, tzinfo=timezone.utc).timestamp())
_DAY = 86_400
_YEAR = 365 * _DAY
_ITEMS = 3  # per order
_WAREHOUSES = ("CASTRO", "PONTA-GROSSA", "PIRAI-DO-SUL", "ITABERA")
_CATEGORIES = ("LATICINIOS", "GRAOS", "RACOES", "CARNES", "INSUMOS")
_CUSTOMERS = ("COOPAGRICOLA", "MERCADO-SUL", "LATICINIOS-PR", "EXPORT-PARANAGUA")
_SUPPLIERS = ("FAZENDA-SANTA-RITA", "SITIO-BOA-VISTA", "NUTRI-RACOES")


def product_master(spark: SparkSession, products: int, years: int) -> DataFrame:
    """One row per product; a few are inactive or have nulls in nullable columns."""
    return spark.range(products).select(
        _code(F.col("id")).alias("codigo_produto"),
        F.concat(F.lit("Produto "), F.col("id").cast("string")).alias("descricao"),
        _one_of("categoria", _CATEGORIES).alias("categoria"),
        _one_of("unidade", ("KG", "L", "SC", "UN")).alias("unidade_medida"),
        _one_of("fornecedor", _SUPPLIERS).alias("fornecedor_principal"),
        _amount("custo", 1, 200).alias("custo_padrao"),
        _chance("minimo", 500).cast("decimal(18,3)").alias("estoque_minimo"),
        F.when(_chance("prazo", 20) > 0, _chance("prazo", 30).cast("int")).alias("prazo_reposicao_dias"),
        (_chance("perecivel", 3) == 0).alias("perecivel"),
        F.when(_chance("ativo", 2) == 0, _chance("inativo", 20) > 0).alias("ativo"),
        F.to_date(F.timestamp_seconds(F.lit(_END - years * _YEAR) - _chance("cadastro", _YEAR))).alias("data_cadastro"),
        F.timestamp_seconds(F.lit(_END) - _chance("mudanca", years * _YEAR)).alias("last_modified"),
    )


def transactions(spark: SparkSession, products: int, years: int, count: int) -> DataFrame:
    """Stock movements with corrections (1 %) and deletes (0.2 %)."""
    rows = _events(spark, years, count).select(
        _number("TR").alias("id_transacao"),
        _code(_chance("produto", products)).alias("codigo_produto"),
        _one_of("tipo", ("ENTRADA", "SAIDA", "SAIDA", "ENTRADA", "AJUSTE")).alias("tipo_movimentacao"),
        _amount("quantidade", 1, 400).alias("quantidade"),
        _amount("custo", 1, 200).alias("custo_unitario"),
        F.timestamp_seconds("at").alias("data_movimentacao"),
        _one_of("deposito", _WAREHOUSES).alias("deposito"),
        F.when(_chance("tipo", 5) == 0, _one_of("fornecedor", _SUPPLIERS)).alias("fornecedor"),
        F.when(_chance("tipo", 5) == 1, _one_of("cliente", _CUSTOMERS)).alias("cliente"),
        F.lit(False).alias("excluido"),
        F.timestamp_seconds("committed").alias("last_modified"),
    )
    return _with_changes(rows)


def stock_levels(spark: SparkSession, products: int) -> DataFrame:
    """One row per product and warehouse, as of the end of the data."""
    return spark.range(products * len(_WAREHOUSES)).select(
        _code(F.floor(F.col("id") / len(_WAREHOUSES))).alias("codigo_produto"),
        F.element_at(F.array(*map(F.lit, _WAREHOUSES)), (F.col("id") % len(_WAREHOUSES)).cast("int") + 1)
        .alias("deposito"),
        _amount("disponivel", 0, 5000).alias("quantidade_disponivel"),
        _amount("reservada", 0, 100).alias("quantidade_reservada"),
        _amount("custo", 1, 200).cast("decimal(18,6)").alias("custo_medio"),
        F.to_date(F.timestamp_seconds(F.lit(_END - _DAY))).alias("data_posicao"),
        F.timestamp_seconds(F.lit(_END) - _chance("mudanca", _DAY)).alias("last_modified"),
    )  # fmt: skip


def orders(spark: SparkSession, products: int, years: int, count: int) -> DataFrame:
    """Sales orders of three items each, with corrections and deletes."""
    rows = _events(spark, years, count).select(
        *_item_of_order("PV", products),
        _one_of("cliente", _CUSTOMERS).alias("cliente"),
        _amount("quantidade", 1, 100).alias("quantidade"),
        _amount("preco", 2, 300).alias("preco_unitario"),
        F.timestamp_seconds("at").alias("data_pedido"),
        _one_of("situacao", ("ABERTO", "FATURADO", "ENTREGUE")).alias("situacao"),
        F.lit(False).alias("excluido"),
        F.timestamp_seconds("committed").alias("last_modified"),
    )
    return _with_changes(rows)


def purchases(spark: SparkSession, products: int, years: int, count: int) -> DataFrame:
    """Purchase orders of three items each, some not delivered yet, with corrections and deletes."""
    bought = F.to_date(F.timestamp_seconds("at"))
    rows = _events(spark, years, count).select(
        *_item_of_order("PC", products),
        _one_of("fornecedor", _SUPPLIERS).alias("fornecedor"),
        _amount("quantidade", 1, 1000).alias("quantidade"),
        _amount("custo", 1, 200).alias("custo_unitario"),
        F.timestamp_seconds("at").alias("data_compra"),
        F.date_add(bought, _chance("previsao", 20).cast("int")).alias("previsao_entrega"),
        F.when(_chance("entrega", 10) > 0, F.date_add(bought, _chance("entrega", 25).cast("int")))
        .alias("data_entrega"),
        F.lit(False).alias("excluido"),
        F.timestamp_seconds("committed").alias("last_modified"),
    )  # fmt: skip
    return _with_changes(rows)


def _events(spark: SparkSession, years: int, count: int) -> DataFrame:
    """`id`, `at` (seconds, evenly over the years) and `committed`: within half an hour, one in fifty up to 3 days."""
    step = years * _YEAR / max(count, 1)
    at = (F.lit(_END - years * _YEAR) + F.col("id") * step).cast("bigint")
    lag = F.when(_chance("atraso", 50) == 0, _chance("dias", 3 * _DAY)).otherwise(_chance("minutos", 1800))
    return spark.range(count).withColumn("at", at).withColumn("committed", F.col("at") + lag)


def _with_changes(rows: DataFrame) -> DataFrame:
    key = F.xxhash64(*rows.columns[:2])
    later = F.col("last_modified") + F.make_dt_interval(F.pmod(key, F.lit(5)).cast("int") + 1)
    corrected = rows.where(F.pmod(key, F.lit(100)) == 0).withColumns(
        {"quantidade": F.col("quantidade") + 1, "last_modified": later}
    )
    deleted = rows.where(F.pmod(key, F.lit(500)) == 1).withColumns({"excluido": F.lit(True), "last_modified": later})
    return rows.unionByName(corrected).unionByName(deleted)


def _chance(what: str, below: int) -> Column:
    """A pseudo-random number from 0 to `below` - 1, the same for a row in every run."""
    return F.pmod(F.xxhash64("id", F.lit(what)), F.lit(below))


def _one_of(what: str, values: tuple[str, ...]) -> Column:
    return F.element_at(F.array(*map(F.lit, values)), _chance(what, len(values)).cast("int") + 1)


def _amount(what: str, low: int, high: int) -> Column:
    return (_chance(what, (high - low) * 100) / F.lit(100) + low).cast("decimal(18,2)")


def _item_of_order(prefix: str, products: int) -> tuple[Column, Column, Column]:
    """Orders of three items each."""
    return (
        _number(prefix, _ITEMS).alias("numero_pedido"),
        (F.col("id") % _ITEMS + 1).cast("int").alias("item"),
        _code(_chance("produto", products)).alias("codigo_produto"),
    )


def _code(number: Column) -> Column:
    return F.concat(F.lit("P"), F.lpad(number.cast("string"), 5, "0"))


def _number(prefix: str, items: int = 1) -> Column:
    return F.concat(F.lit(f"{prefix}-"), F.lpad(F.floor(F.col("id") / items).cast("string"), 9, "0"))
