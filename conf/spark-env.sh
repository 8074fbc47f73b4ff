# Read by Spark's own launcher before it becomes the JVM. A signal to the whole process group (Ctrl-C, systemd,
# timeout) must not end the JVM under the batch: the Python driver takes it, and the JVM ends with that.
trap "" TERM INT HUP
