"""castro_spark joins a Hadoop warehouse and Kafka to an ML application.

Importing it has no side effects. Notebooks import the pure functions from `castro_spark.features`.
"""

__version__ = "0.1.0"
