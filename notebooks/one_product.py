# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # One product's life
# Half a year of one product: its stock, its sales, and its row of the 360° view. The data is generated
# (tests/notebooks/season.py). `castro_spark.read` reads what the streams committed; the settings come from the variables
# `CASTRO_...`, as for the jobs.

# %%
from datetime import date

import matplotlib.pyplot as plt
from pyspark.sql import Window
from pyspark.sql import functions as F

import castro_spark
from castro_spark import read

spark = castro_spark.local_spark()
PRODUCT, FIRST, LAST = "MANTEIGA-200G", date(2025, 1, 1), date(2025, 6, 30)

# %% [markdown]
# ## Its movements
# One row for each event, corrected events as they are now.

# %%
chosen = {"products": [PRODUCT], "first": FIRST, "last": LAST}
movements = read.events(spark, "inventory", **chosen).cache()
movements.select("date", "transaction_type", "quantity", "unit_cost", "warehouse").orderBy("timestamp").limit(
    5
).toPandas()

# %% [markdown]
# ## Its stock
# What came in less what went out, day by day. Deliveries come on Mondays.

# %%
days = read.daily(spark, "inventory", **chosen)
so_far = Window.orderBy("date")
stock = (
    days.withColumn("stock", F.sum(F.col("volume_in") - F.col("volume_out")).over(so_far)).orderBy("date").toPandas()
)
numbers = stock[["volume_in", "volume_out", "stock"]].astype(float)

figure, (above, below) = plt.subplots(2, 1, figsize=(9, 5.5), sharex=True, height_ratios=(3, 2), layout="constrained")
above.step(stock["date"], numbers["stock"], where="post", color="#1b6ca8")
above.set(title=f"{PRODUCT}: stock at the end of each day", ylabel="units")
below.bar(stock["date"], numbers["volume_in"], width=1.0, color="#2a9d55", label="in")
below.bar(stock["date"], -numbers["volume_out"], width=1.0, color="#c8553d", label="out")
below.axhline(0, color="black", linewidth=0.6)
below.set(ylabel="units a day")
below.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
plt.show()

# %% [markdown]
# ## Its sales
# The volume of each whole week, and the mean price at which it was sold (value / volume, so weighted by volume).

# %%
week = F.to_date(F.date_trunc("week", "date")).alias("week")
sold = (
    read.daily(spark, "sales", products=[PRODUCT], first=date(2025, 1, 6), last=date(2025, 6, 29))
    .groupBy(week)
    .agg(F.sum("volume").alias("volume"), F.sum("value").alias("value"))
)
weeks = sold.orderBy("week").toPandas()
figure, volume = plt.subplots(figsize=(9, 3.2), layout="constrained")
volume.bar(weeks["week"], weeks["volume"].astype(float), width=5, color="#9cbfdd")
volume.set(title=f"{PRODUCT}: sales by week", ylabel="units")
price = volume.twinx()
price.plot(weeks["week"], (weeks["value"] / weeks["volume"]).astype(float), color="#c8553d", marker=".")
price.set_ylabel("mean price", color="#c8553d")
plt.show()

# %% [markdown]
# ## Its 360° view
# The same function as of the table `ml_product_360`, as of any day: [features](../features.md) defines the columns.

# %%
view = castro_spark.product_360(
    movements, read.events(spark, "sales", **chosen), read.events(spark, "procurement", **chosen), as_of=LAST
)
columns = [
    "on_hand",
    "out_volume_30d",
    "days_of_cover",
    "average_cost_90d",
    "average_price_90d",
    "margin_90d",
    "demand_cv_90d",
]
view.select("product_code", *columns, "last_supplier").toPandas().T.rename(columns={0: ""})
