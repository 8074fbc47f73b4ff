"""The sources: Kafka, the archive, and Hive. A source does not depend on the sinks."""
