"""What the checks measure: each module asks PostgreSQL, Kafka or Redis, and has the evidence judged."""
