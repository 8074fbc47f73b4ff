"""castro_spark joins a Hadoop warehouse and Kafka to an ML application.

Importing it starts nothing. Notebooks take the pure functions from `castro_spark.features`.
"""

__version__ = "0.1.0"
