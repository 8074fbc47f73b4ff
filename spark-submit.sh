#!/usr/bin/env bash
# The one door to every job:  ./spark-submit.sh JOB [options]
#
# On a machine with only bash, Python 3.10+ and Java 17+ it first prepares what is missing (no root, mvn or docker):
# a virtual environment and Maven jars, in $CASTRO_HOME (default: .castro beside this file). That happens once.
#
# How the job runs. In client mode (the usual one) this shell *becomes* the job's Python process (exec), and PySpark
# calls Spark's own bin/spark-submit, with the arguments given here in PYSPARK_SUBMIT_ARGS, at the moment when the job
# first asks for a session. The other order, bin/spark-submit with Python as its child, would not do: `kill -TERM`
# would reach the JVM, which ends at once and takes the Python driver with it in mid-batch. In this order
#   - SIGTERM and SIGINT reach the job itself, which lets its batch end; its exit status is this program's;
#   - kill -9 of this pid kills the driver; the JVM sees its input close, and ends as well;
#   - a job that needs no Spark (local, quarantine ...) starts no JVM and is there at once.
# Deploy mode `cluster` has no driver here: castro_spark/deploy/submit.py calls bin/spark-submit, waits, and brings back
# the driver's output and exit status. On YARN, castro_spark/deploy ships what the containers need (docs/cluster.md).
#
# Environment:
#   CASTRO_HOME               where what is prepared is kept
#   CASTRO_PYTHON             the Python to make the environment with (default: the newest of 3.14 to 3.10 on PATH)
#   CASTRO_VENV               an existing environment to use as it is; nothing is installed
#   CASTRO_MASTER             Spark's master (default: local[16] for --env local; conf/spark-ENV.conf says it otherwise)
#   CASTRO_SPARK_SUBMIT_ARGS  further options for spark-submit, quoted as for a shell
#   CASTRO_SPARK_HOME         another Spark of the same version (default: the one in the environment)
#   CASTRO_DEPLOY_MODE        `cluster` to run the driver on the cluster (with --env cluster)
#   CASTRO_CLUSTER_PYTHON     the nodes' Python, of the same minor version as the one here (default: python3)
#   CASTRO_DEV=1              with what the tests need; CASTRO_DEV_CLUSTER=1: and a small Hadoop for those of the cluster
#
# `./spark-submit.sh prepare` only prepares. Every job finds CASTRO_HOME and CASTRO_ROOT
# (the repository) in its environment.
set -euo pipefail

REPO=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
mkdir -p -- "${CASTRO_HOME:=$REPO/.castro}" 2>/dev/null || {
    printf 'spark-submit.sh: cannot create the folder %s: set CASTRO_HOME to one you can write to\n' "$CASTRO_HOME" >&2
    exit 2
}
CASTRO_HOME=$(cd -- "$CASTRO_HOME" && pwd -P)
export CASTRO_HOME CASTRO_ROOT=$REPO

say() { printf '%s\n' "$*" >&2; }

fail() { # what is wrong, what to do; status 2: nothing was done
    say "spark-submit.sh: $1"
    shift
    local line
    for line in "$@"; do say "  $line"; done
    exit 2
}

# ---------------------------------------------------------------------------------------------------------- the jobs

usage() {
    printf 'Usage: ./spark-submit.sh JOB [options]      (./spark-submit.sh JOB --help tells the options)\n\nJobs:\n'
    local files=("$REPO"/jobs/[a-z]*.py)
    [[ -e ${files[0]} ]] || return 0
    awk '
        function show(text) {
            gsub(/^[ \t]+|[ \t]*"""[ \t]*$/, "", text)
            name = FILENAME; sub(/.*\//, "", name); sub(/\.py$/, "", name); gsub(/_/, "-", name)
            printf "  %-12s %s\n", name, text
            done[FILENAME] = 1
        }
        FNR == 1 { open = 0 }
        done[FILENAME] { next }
        open && NF { show($0); next }
        /^r?"""/ { sub(/^r?"""/, ""); if (NF) show($0); else open = 1 }
    ' "${files[@]}"
}

case ${1-} in
    '' | -h | --help)
        usage
        exit 0
        ;;
esac
JOB=$1
shift
JOB_FILE=$REPO/jobs/${JOB//-/_}.py
if [[ $JOB != prepare ]] && [[ ! $JOB =~ ^[a-z][a-z0-9_-]*$ || ! -f $JOB_FILE ]]; then
    say "spark-submit.sh: there is no job '$JOB'"
    usage >&2
    exit 2
fi

JOB_WORDS=$*

known_environments() {
    local file
    for file in "$REPO"/conf/spark-*.conf; do
        file=${file##*/spark-}
        printf '%s ' "${file%.conf}"
    done
}

# --env is the job's option; it is read here as well because it chooses Spark's settings.
ENVIRONMENT=local
previous=
for argument in "$@"; do
    case $argument in
        --) break ;;
        --env=*) ENVIRONMENT=${argument#--env=} ;;
        *) [[ $previous != --env ]] || ENVIRONMENT=$argument ;;
    esac
    previous=$argument
done
SPARK_CONF=$REPO/conf/spark-$ENVIRONMENT.conf
[[ $ENVIRONMENT =~ ^[A-Za-z0-9_-]+$ && -f $SPARK_CONF ]] ||
    fail "--env $ENVIRONMENT: there is no conf/spark-$ENVIRONMENT.conf" "There are: $(known_environments)"

# -------------------------------------------------------------------------------------------- what the machine gives

check_java() { # sets JAVA and JAVA_RELEASE; looks into its file `release` first, because starting a JVM costs 0.1 s
    local version='' release
    if [[ -n ${JAVA_HOME-} ]]; then
        JAVA=$JAVA_HOME/bin/java
        [[ -x $JAVA ]] || fail "JAVA_HOME=$JAVA_HOME has no bin/java" "Correct it, or unset it to use the java on PATH."
    else
        JAVA=$(command -v java) ||
            fail "no java on PATH and no JAVA_HOME" "Install Java 17 or newer, or set JAVA_HOME."
    fi
    release=$(readlink -f -- "$JAVA" 2>/dev/null || true)
    release=${release%/bin/java}/release
    JAVA_RELEASE=$release
    if [[ -r $release && $(<"$release") =~ JAVA_VERSION=\"([0-9]+) ]]; then
        version=${BASH_REMATCH[1]}
    elif [[ $("$JAVA" -version 2>&1 || true) =~ version\ \"([0-9]+) ]]; then
        version=${BASH_REMATCH[1]}
    fi
    [[ -n $version ]] || fail "$JAVA does not tell its version" "Is it a Java? Set JAVA_HOME to a Java 17 or newer."
    ((version >= 17)) || fail "$JAVA is Java $version; Spark 4 needs 17 or newer" "Set JAVA_HOME to a newer one."
}

# ------------------------------------------------------------------------------------------------ what the job needs

# needs_spark: whether the job starts Spark; the others run here, at once, whatever the deploy mode
needs_spark() {
    case $JOB in
        local | init | dashboard) return 1 ;;
        quarantine | stop | package | cache | commands | incidents | outbox | quality | retraining) return 1 ;;
        status) [[ " $JOB_WORDS " == *" --live "* ]] ;;
    esac
}

# An archive of the classes that Spark's JVM loads (castro_spark/jvm/load_classes.py): with it a JVM starts in less than
# half of the time. Java itself refuses an archive of another Java or of other jars, and starts without it. So it does where
# a folder on the class path has files: Hadoop's settings, or some in conf/.
shares_classes() {
    needs_spark && [[ $ENVIRONMENT == local && ${CASTRO_MASTER:-local} == local* ]] &&
        [[ -z ${HADOOP_CONF_DIR-}${YARN_CONF_DIR-} ]] && ! compgen -G "$REPO/conf/*-site.xml" >/dev/null
}
find_own_jars() { # sets OWN_JARS: those that Spark does not ship, in the order that Python sorts them
    local LC_ALL=C
    OWN_JARS=("$CASTRO_HOME"/jars/spark/*.jar "$CASTRO_HOME"/jars/delta/*.jar)
}

use_venv() { # sets VENV and SPARK_HOME
    VENV=${CASTRO_VENV:-$CASTRO_HOME/venv}
    SPARK_HOME=${CASTRO_SPARK_HOME-}
    if [[ -z $SPARK_HOME ]]; then
        local found=("$VENV"/lib/python3*/site-packages/pyspark) # not SPARK_HOME itself: bash exports no arrays
        SPARK_HOME=${found[0]}
    fi
}

# ------------------------------------------------------------------------------------------------------- preparation

. "$REPO/castro_spark/deploy/prepare.sh"
check_java
[[ -z ${CASTRO_VENV-} || -x $CASTRO_VENV/bin/python ]] ||
    fail "CASTRO_VENV=$CASTRO_VENV has no bin/python" "Name an existing environment, or unset it to have one made."
[[ $JOB != prepare ]] || rm -f -- "$CASTRO_HOME"/classes/*.failed # asked for: tried once more
use_venv # if it is there
all_is_ready || prepare
use_venv
[[ -d $SPARK_HOME/jars ]] ||
    fail "no Spark in $SPARK_HOME" "Is PySpark installed in ${VENV}? CASTRO_SPARK_HOME names another."

# ---------------------------------------------------------------------------------------------------------- the start

PYTHON=$VENV/bin/python
export SPARK_HOME
export PYTHONPATH=$REPO${PYTHONPATH:+:$PYTHONPATH}
if [[ $ENVIRONMENT == local ]]; then
    # else Spark may bind to an address that its own jars cannot be fetched from
    export SPARK_LOCAL_IP=${SPARK_LOCAL_IP:-127.0.0.1}
    export SPARK_CONF_DIR=$REPO/conf   # log4j2.properties lies there
    # More task slots than cores: a stream's few records need not wait for another's long tasks to end.
    : "${CASTRO_MASTER:=local[16]}"
fi

[[ $JOB != prepare ]] || exit 0

# says WORDS PATTERN: whether CASTRO_SPARK_SUBMIT_ARGS or, if these say nothing of it, conf/spark-ENV.conf has a setting
says() {
    local option="$1[[:space:]=]+[\"']?"
    if [[ ${CASTRO_SPARK_SUBMIT_ARGS-} =~ $option ]]; then
        [[ $CASTRO_SPARK_SUBMIT_ARGS =~ $option$2 ]]
    else
        grep -Eq "^[[:space:]]*$1[[:space:]=]+$2" "$SPARK_CONF"
    fi
}
deploy_mode=${CASTRO_DEPLOY_MODE:-client}
says '(--deploy-mode|spark\.submit\.deployMode)' cluster && deploy_mode=cluster
{ needs_spark && [[ $JOB != demo ]]; } || deploy_mode=client
on_yarn=
if [[ -n ${CASTRO_MASTER-} ]]; then
    [[ $CASTRO_MASTER != yarn ]] || on_yarn=1
elif says '(--master|spark\.master)' yarn; then
    on_yarn=1
fi
[[ -z $on_yarn ]] || export CASTRO_ON_YARN=1
# The executors' Python: YARN's nodes have one of their own.
[[ -z $on_yarn ]] || : "${PYSPARK_PYTHON:=${CASTRO_CLUSTER_PYTHON:-python3}}"
export PYSPARK_PYTHON=${PYSPARK_PYTHON:-$PYTHON} PYSPARK_DRIVER_PYTHON=${PYSPARK_DRIVER_PYTHON:-$PYTHON}
[[ $JOB != @(local|init|dashboard) ]] || exec "$PYTHON" "$JOB_FILE" "$@" # these need no Spark at all

SUBMIT=(${CASTRO_MASTER:+--master "$CASTRO_MASTER"} --properties-file "$SPARK_CONF")
if [[ -n $on_yarn ]] && needs_spark; then
    shipped=$("$PYTHON" -m castro_spark.deploy.arguments "$JOB" "$@") || exit
    mapfile -t -O "${#SUBMIT[@]}" SUBMIT <<<"$shipped"
fi
# Of the small JVM that only makes up the command for Spark's: it lives for a fifth of a second with them, else for a third.
export SPARK_LAUNCHER_OPTS=${SPARK_LAUNCHER_OPTS:--XX:TieredStopAtLevel=1 -XX:+UseSerialGC}
java_options=() # spark.driver.extraJavaOptions comes after these, so it may say otherwise
if [[ $JOB == stream ]]; then
    # A stream's JVM plans small batches: most of its code is never hot. Java's second compiler took more processor time
    # than all else in the JVM (docs/design/performance.md). The first one alone needs the other's room for code.
    java_options+=(-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m)
fi
find_own_jars
if shares_classes && [[ -s $CLASS_ARCHIVE ]] && ! says '(--driver-class-path|spark\.driver\.extraClassPath)' .; then
    SUBMIT+=(--driver-class-path "$(IFS=:; printf '%s' "${OWN_JARS[*]}")")
    java_options+=("-XX:SharedArchiveFile=\"$CLASS_ARCHIVE\"" -Xlog:cds=off -Xlog:cds+dynamic=off
        "-Dlog4j2.configurationFile=\"file:$REPO/conf/log4j2.properties\"")
    export CASTRO_CLASS_PATH_FOLDER=$CASTRO_HOME/classes/empty
elif [[ -z $on_yarn ]]; then
    SUBMIT+=(--jars "$(IFS=,; printf '%s' "${OWN_JARS[*]}")")
fi
[[ ${#java_options[@]} == 0 ]] || SUBMIT+=(--conf "spark.driver.defaultJavaOptions=${java_options[*]}")
[[ $ENVIRONMENT == local ]] || SUBMIT+=(--load-spark-defaults) # the cluster's own spark-defaults.conf; our file wins over it

if [[ $deploy_mode == cluster ]]; then
    # xargs reads the quotes as a shell would, without running anything that the text may contain.
    mapfile -t extra < <(xargs -n 1 printf '%s\n' <<<"${CASTRO_SPARK_SUBMIT_ARGS-}")
    exec "$PYTHON" -m castro_spark.deploy.submit "$JOB_FILE" "${SUBMIT[@]}" ${extra[0]:+"${extra[@]}"} -- "$@"
fi

SUBMIT+=(--conf "spark.scheduler.allocation.file=file:$REPO/conf/fairscheduler.xml")
if [[ $ENVIRONMENT != local ]]; then
    SUBMIT+=(--driver-java-options "-XX:+ExitOnOutOfMemoryError -Dlog4j2.configurationFile=file:$REPO/conf/log4j2.properties")
fi
if [[ -n $on_yarn ]]; then # of the application master, which is not the driver here
    SUBMIT+=(--conf "spark.yarn.am.extraJavaOptions=-Dlog4j2.configurationFile=castro_code/castro_spark/conf/log4j2-yarn.properties")
fi
# PySpark reads this with Python's shlex, as a POSIX shell would: single quotes protect everything but themselves.
PYSPARK_SUBMIT_ARGS=
for argument in "${SUBMIT[@]}"; do
    PYSPARK_SUBMIT_ARGS+="'${argument//\'/\'\\\'\'}' "
done
export PYSPARK_SUBMIT_ARGS="$PYSPARK_SUBMIT_ARGS${CASTRO_SPARK_SUBMIT_ARGS-} pyspark-shell"
exec "$PYTHON" "$JOB_FILE" "$@"
