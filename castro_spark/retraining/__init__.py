"""The retraining policy: measured evidence, a pure decision, and a task for the application, sent once."""
