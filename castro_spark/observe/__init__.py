"""Reports the state of the jobs: heartbeats in castro.instance, and the `status` command."""
