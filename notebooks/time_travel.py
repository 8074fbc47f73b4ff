# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # The archive, and what it said before
# The archive keeps every record as it came, in a Delta table. It can be read as of each of its versions: to repeat a
# training on exactly the data of then, or to see what a correction changed. The rows are the first 200 invoice lines of
# December 2010 of "Online Retail" (Daqing Chen, UCI Machine Learning Repository, CC BY 4.0); after them the stream received
# three corrections, one cancelled line and one record that cannot be used, which are made up.

# %%
from datetime import date

from pyspark.sql import functions as F

import castro_spark
from castro_spark import read

spark = castro_spark.local_spark()
retail = {"source": "archive", "first": date(2010, 12, 1), "last": date(2010, 12, 31)}
versions = read.archive_versions(spark, "inventory").where("operation = 'WRITE'").orderBy("version")
*_, before, now = [row.version for row in versions.collect()]

# %% [markdown]
# ## What was received
# Each version's records by their outcome. A reject is kept with its reason and its bytes.

# %%
counts = [
    read.archive(spark, "inventory", as_of=version).groupBy("outcome").count().withColumn("as of", F.lit(name))
    for name, version in (("before", before), ("now", now))
]
both = counts[0].unionByName(counts[1]).groupBy("outcome").pivot("as of", ["before", "now"]).sum("count")
both.fillna(0).orderBy("outcome").toPandas()

# %%
rejects = read.archive(spark, "inventory").where("outcome = 'reject'")
rejects.select("reason", "detail", F.col("value").cast("string")).toPandas()

# %% [markdown]
# ## What changed
# The events as of both versions, and those that differ.

# %%
then = read.events(spark, "inventory", as_of=before, **retail).cache()
today = read.events(spark, "inventory", as_of=now, **retail).cache()
old, new = (
    frame.select("event_id", "product_code", F.col("quantity").alias(name), F.col("value_total").alias(f"value {name}"))
    for frame, name in ((then, "before"), (today, "now"))
)
changed = old.join(new, ["event_id", "product_code"], "full").where("NOT `value before` <=> `value now`")
changed.orderBy("event_id").toPandas()

# %% [markdown]
# ## What that does to a day

# %%
INVENTORY = castro_spark.stream("inventory")
day = [
    castro_spark.daily(frame, INVENTORY).agg(F.sum("transactions").alias("movements"), F.sum("value").alias("value"))
    for frame in (then, today)
]
day[0].unionAll(day[1]).toPandas().set_axis(["before", "now"], axis=0)

# %% [markdown]
# `as_of` also takes an instant: `read.events(spark, "inventory", source="archive", as_of=datetime(2025, 7, 1,
# tzinfo=ZoneInfo("America/Sao_Paulo")))`. Files that no longer belong to the table are deleted after
# `archive.vacuum_hours` (a week): keep what a training must repeat for longer in a table of your own.
