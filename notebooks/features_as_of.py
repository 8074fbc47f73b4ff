# ---
# jupyter:
#   kernelspec: {name: python3, display_name: Python 3, language: python}
# ---

# %% [markdown]
# # Training features without leakage, and a small forecast
# How much of a product will be sold in the next seven days? A model may only see what was known when the question was
# asked. `as_of` joins each question (a *label*) to the newest features known at its time; a later row never reaches it.
# The data is generated (tests/notebooks/season.py).

# %%
from datetime import date

import matplotlib.pyplot as plt
import numpy as np
from pyspark.sql import functions as F

import castro_spark
from castro_spark import read

spark = castro_spark.local_spark()
SALES = castro_spark.stream("sales")
sales = read.events(spark, "sales", first=date(2025, 1, 1), last=date(2025, 6, 30)).cache()

# %% [markdown]
# ## Labels
# For each product and each Monday 00:00 of the local calendar: the volume sold from then on for seven local days.

# %%
products = sales.select("product_code").distinct()
mondays = spark.sql("SELECT explode(sequence(DATE'2025-02-03', DATE'2025-06-23', INTERVAL 7 DAYS)) AS monday")
days = castro_spark.daily(sales, SALES).select("product_code", "date", "volume")
ahead = F.col("date").between(F.col("monday"), F.date_add("monday", 6))
questions = products.crossJoin(mondays)
target = (
    questions.join(days, "product_code")
    .where(ahead)
    .groupBy("product_code", "monday")
    .agg(F.sum("volume").alias("target"))
)
labels = questions.join(target, ["product_code", "monday"], "left").fillna(0, ["target"])

# %% [markdown]
# ## Features
# `running_features` has, at each sale, the product's totals so far. The difference of two of them is a window: its ends
# are the label's time, and that time less one, two ... weeks. At the label's time itself a sale would count as known, so
# the last instant before it is asked for.

# %%
history = castro_spark.running_features(sales, SALES)
train = labels
for weeks in range(5):
    day = F.date_sub("monday", 7 * weeks).cast("timestamp_ntz")
    instant = F.to_utc_timestamp(day.cast("string"), "America/Sao_Paulo") - F.expr("INTERVAL 1 MICROSECOND")
    at = train.withColumn("label_time", instant)
    train = castro_spark.as_of(at, history, columns=["volume_so_far"], prefix=f"w{weeks}_").drop("label_time")
for weeks in range(1, 5):
    volume = F.coalesce(f"w{weeks - 1}_volume_so_far", F.lit(0)) - F.coalesce(f"w{weeks}_volume_so_far", F.lit(0))
    train = train.withColumn(f"week_{weeks}", volume)
inputs = [f"week_{weeks}" for weeks in range(1, 5)]
table = train.select("product_code", "monday", "target", *inputs).orderBy("product_code", "monday").toPandas()
table.head(6)

# %% [markdown]
# Leakage would show here: `week_1` of a Monday must be the target of the Monday before, from the same sales, and nothing
# of the Monday's own week.

# %%
before = table.groupby("product_code")["target"].shift(1)
assert (table["week_1"][before.notna()] == before[before.notna()]).all()

# %% [markdown]
# ## Back-test
# At each of the last ten Mondays a linear model over the four weeks before is fitted to the questions whose answer was
# known by then (that of the Monday before is: its week has just ended), and asked for the coming week. The naive forecast says: as in the last week.

# %%
numbers = table.assign(**{name: table[name].astype(float) for name in ["target", *inputs]})
scale = numbers.groupby("product_code")["week_1"].transform("first")  # known at the first Monday
rows = []
for origin in sorted(numbers["monday"].unique())[-10:]:
    known, asked = numbers["monday"] < origin, numbers["monday"] == origin
    x = np.column_stack([np.ones(len(numbers)), numbers[inputs].div(scale, axis=0)])
    weights, *_ = np.linalg.lstsq(x[known], (numbers["target"] / scale)[known], rcond=None)
    forecast = x[asked] @ weights * scale[asked]
    actual, naive = numbers["target"][asked], numbers["week_1"][asked]
    rows.append((origin, (forecast - actual).abs().sum() / actual.sum(), (naive - actual).abs().sum() / actual.sum()))
origins, model, naive = zip(*rows, strict=True)

figure, axis = plt.subplots(figsize=(9, 3.2), layout="constrained")
axis.plot(origins, np.multiply(naive, 100), marker="o", color="#999999", label="naive: as last week")
axis.plot(origins, np.multiply(model, 100), marker="o", color="#1b6ca8", label="linear model")
axis.set(title="Error of the week's forecast, all products", ylabel="% of the volume sold", ylim=(0, None))
axis.set_xticks(origins, [f"{monday:%d %b}" for monday in origins])
axis.legend()
plt.show()

# %%
better = sum(m < n for m, n in zip(model, naive, strict=True))
print(
    f"mean error: model {np.mean(model):.1%}, naive {np.mean(naive):.1%}; the model is better at {better} of {len(rows)} origins"
)

# %% [markdown]
# Ten origins of one generated half-year: this shows the method, and says nothing of your products. Whichever wins, both
# errors are shown; a model that does not beat "as last week" is not worth its upkeep.
