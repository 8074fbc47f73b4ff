# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # The stream and the notebook agree
# The stream wrote these rows and aggregates record by record, with corrections, in PostgreSQL. Here the
# functions of this notebook compute the same from what was received. Both must be equal to the last decimal.
#
# The rows are real: the first 200 invoice lines of December 2010 of "Online Retail" (Daqing Chen, UCI Machine Learning
# Repository, CC BY 4.0). Then four of them were corrected, and a record that cannot be used was sent: these are made up.

# %%
from datetime import date

import castro_spark
from castro_spark import read

spark = castro_spark.local_spark()
INVENTORY = castro_spark.stream("inventory")
retail = {"first": date(2010, 12, 1), "last": date(2010, 12, 31)}

# %%
streamed = read.events(spark, "inventory", **retail).cache()
received = read.events(spark, "inventory", source="archive", **retail).cache()
streamed.select("product_code", "transaction_type", "quantity", "unit_cost", "value_total", "date").orderBy(
    "event_id"
).limit(5).toPandas()

# %% [markdown]
# ## Event by event
# `exceptAll` shows the rows that one side has and the other has not, duplicates included. Every column is compared.

# %%
{
    "streamed": streamed.count(),
    "received": received.count(),
    "only streamed": streamed.exceptAll(received).count(),
    "only received": received.exceptAll(streamed).count(),
}

# %% [markdown]
# ## Day by day

# %%
committed = read.daily(spark, "inventory", **retail).cache()
computed = castro_spark.daily(received, INVENTORY).cache()
assert committed.exceptAll(computed).isEmpty()
assert computed.exceptAll(committed).isEmpty()
both = committed.select("product_code", "date", "transactions", "volume", "value").join(
    computed.select("product_code", "date", "transactions", "volume", "value"), ["product_code", "date"], "full"
)
shown = both.orderBy("product_code").limit(6).toPandas()
shown.columns = ["product", "date", *(f"{c} ({side})" for side in ("stream", "here") for c in ("n", "volume", "value"))]
shown

# %%
total = "count(*) AS days, sum(transactions) AS movements, sum(volume) AS volume, sum(value) AS value"
by_stream, here = (frame.selectExpr(*total.split(", ")).toPandas() for frame in (committed, computed))
assert by_stream.equals(here)
here
