# Read by Spark's own launcher before it becomes the JVM. A signal to the whole process group (Ctrl-C, systemd,
# timeout) must not end the JVM under the batch: the Python driver takes it, and the JVM ends with that.
trap "" TERM INT HUP
# The launcher puts this folder on the class path. Java shares classes between its runs (-XX:SharedArchiveFile) only
# where no folder there has files: CASTRO_CLASS_PATH_FOLDER names an empty one instead.
SPARK_CONF_DIR=${CASTRO_CLASS_PATH_FOLDER:-$SPARK_CONF_DIR}
