"""The job's login: what is checked before a JVM starts, and how Spark and Kafka's clients get principal and keytab."""
