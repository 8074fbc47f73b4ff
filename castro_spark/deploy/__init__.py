"""What runs on YARN's nodes, and how it gets there: archives, staging on HDFS, submission. See docs/cluster.md."""
