# What spark-submit.sh prepares, and how: a virtual environment, jars from Maven's repositories, and an archive of Java's
# classes, all in CASTRO_HOME. Sourced by it, and no program of its own. Of it are REPO, JOB, JOB_WORDS, ENVIRONMENT, JAVA
# and the functions say, fail, use_venv, shares_classes and find_own_jars; for it are all_is_ready, prepare and CLASS_ARCHIVE.

# The connector for Kafka, and a Hadoop file system that writes local files by Java alone: streaming/checkpoint.py says why.
SPARK_JARS=(org.apache.spark:spark-sql-kafka-0-10_2.13:4.2.0 com.globalmentor:hadoop-bare-naked-local-fs:0.1.0)
DELTA_JARS=(io.delta:delta-spark_4.2_2.13:4.4.0) # the archive; in a folder of its own
# The embedded broker, and a logger for it: without one Kafka says nothing, not even why it does not start.
KAFKA_JARS=(org.apache.kafka:kafka_2.13:4.2.0 org.slf4j:slf4j-simple:1.7.36)
# A real Debezium, for the tests: Kafka Connect (of the version that Debezium is built with, so that all of it fits on
# one class path; the broker may be older), its JSON converter and the connector.
CONNECT_JARS=(org.apache.kafka:connect-runtime:4.3.0 org.apache.kafka:connect-json:4.3.0
    io.debezium:debezium-connector-postgres:3.6.0.Final org.slf4j:slf4j-simple:1.7.36)
# HDFS and YARN in one JVM, for the tests of the cluster: of the version that Spark ships; the rest is what it lacks.
HADOOP_JARS=(org.apache.hadoop:hadoop-client-minicluster:3.5.0 org.bouncycastle:bcprov-jdk18on:1.78.1
    org.bouncycastle:bcpkix-jdk18on:1.78.1 javax.xml.bind:jaxb-api:2.3.1 junit:junit:4.13.2
    org.junit.jupiter:junit-jupiter-api:5.13.4)
# Oozie's schemas, for the tests of conf/oozie; nothing of what this jar depends on.
OOZIE_JARS=(org.apache.oozie:oozie-client:5.2.1:alone)

# Each part ends by writing its stamp; a part without the right stamp is made again from the beginning.

stamp_is() { [[ -f $1 && $(<"$1") == "$2" ]]; }

step() { # step "what" command...: one line, with the seconds that it took
    local what=$1 begun=$SECONDS
    shift
    say "castro: $what ..."
    "$@"
    say "castro: $what: done in $((SECONDS - begun)) s"
}

logged() { # logged LOG "what failed" command...: output to the log, and its end to the terminal on failure
    local log=$1 what=$2
    shift 2
    if ! "$@" >"$log" 2>&1; then
        tail -n 15 -- "$log" >&2
        fail "$what failed; above is the end of $log" "Is the network reachable (a proxy?) and the disk not full?" \
            "Run the same command again to retry."
    fi
}

# What the environment holds, as a rank: 0 nothing of ours, 1 the jobs, 2 and the embedded servers, 3 and the tools.
# Of each rank a lock file in requirements/, with hashes.
LOCKS=('' base local dev)
wanted_extras() {
    if [[ ${CASTRO_DEV-} == 1 ]]; then
        printf 3
    elif [[ $ENVIRONMENT == local ]]; then
        printf 2
    else
        printf 1
    fi
}
venv_key() { printf '%s %s' "$(cat -- "$REPO"/requirements/{base,local,dev}.txt | cksum)" "$REPO"; }

venv_is_ready() {
    local stamp=$CASTRO_HOME/venv/castro-stamp rank key
    [[ -r $stamp && -x $CASTRO_HOME/venv/bin/python ]] || return 1
    { read -r rank && read -r key; } <"$stamp" || return 1
    [[ $key == "$(venv_key)" ]] && ((rank >= $(wanted_extras)))
}

make_venv() {
    local python venv=$CASTRO_HOME/venv rank=0 wanted packages
    wanted=$(wanted_extras)
    if [[ -r $venv/castro-stamp && -x $venv/bin/python ]]; then
        read -r rank <"$venv/castro-stamp" || rank=0 # the lock or what is wanted changed: install on top
    else
        python=$(find_python)
        "$python" -c 'import venv, ensurepip' 2>/dev/null ||
            fail "$python has no venv (Debian and Ubuntu keep it apart)" \
                "Install the package python3-venv, or name another Python in CASTRO_PYTHON," \
                "or an environment that you made yourself in CASTRO_VENV."
        logged "$CASTRO_HOME/venv.log" "making the environment $venv" "$python" -m venv --clear "$venv"
    fi
    ((rank > wanted)) && wanted=$rank
    rm -f -- "$venv/castro-stamp"
    logged "$CASTRO_HOME/pip.log" "pip install" \
        "$venv/bin/python" -m pip install --disable-pip-version-check --no-input --require-hashes \
        -r "$REPO/requirements/${LOCKS[wanted]}.txt"
    # The project itself is not installed: this folder is on the environment's path, for notebooks and tools too.
    packages=("$venv"/lib/python3*/site-packages)
    printf '%s\n' "$REPO" >"${packages[0]}/castro_spark.pth"
    printf '%s\n%s\n' "$wanted" "$(venv_key)" >"$venv/castro-stamp"
}

fetch_jars() { # fetch_jars spark|delta|kafka|connect|hadoop|oozie COORDINATE...: with all that they depend on, unless a
    # coordinate ends in `:alone`; by the Ivy that PySpark brings
    local name=$1 coordinate organisation artifact revision alone
    shift
    local target=$CASTRO_HOME/jars/$name new=$CASTRO_HOME/jars/.$name.new ivy
    ivy=("$SPARK_HOME"/jars/ivy-[0-9]*.jar)
    [[ -f ${ivy[0]} ]] ||
        fail "no Ivy jar in $SPARK_HOME/jars" "Is that Spark 4? Delete $CASTRO_HOME/venv to prepare it anew."
    rm -rf -- "$new"
    mkdir -p -- "$new"
    {
        printf '<ivy-module version="2.0"><info organisation="castro" module="%s"/><dependencies>\n' "$name"
        for coordinate in "$@"; do
            IFS=: read -r organisation artifact revision alone <<<"$coordinate"
            printf '<dependency org="%s" name="%s" rev="%s" conf="default->default"%s/>\n' \
                "$organisation" "$artifact" "$revision" "${alone:+ transitive=\"false\"}"
        done
        printf '</dependencies></ivy-module>\n'
    } >"$new/ivy.xml"
    logged "$CASTRO_HOME/ivy-$name.log" "fetching jars" \
        "$JAVA" -jar "${ivy[0]}" -ivy "$new/ivy.xml" -confs default -cache "$CASTRO_HOME/ivy" -types jar bundle \
        -retrieve "$new/[artifact]-[revision](-[classifier]).[ext]"
    if [[ $name == spark || $name == delta ]]; then # what PySpark ships must not be there twice, in two versions perhaps
        local jar shipped
        for jar in "$new"/*.jar; do
            artifact=${jar##*/}
            artifact=${artifact%%-[0-9].*}
            for shipped in "$SPARK_HOME/jars/$artifact"-[0-9]*.jar; do
                [[ ! -e $shipped ]] || rm -f -- "$jar"
            done
        done
    fi
    printf '%s' "$*" >"$new/castro-stamp"
    rm -rf -- "$target"
    mv -- "$new" "$target"
}

jars_are_ready() { stamp_is "$CASTRO_HOME/jars/$1/castro-stamp" "${*:2}"; }

find_python() { # prints the first Python that is new enough
    local candidate
    if [[ -n ${CASTRO_PYTHON-} ]]; then
        python_is_new_enough "$CASTRO_PYTHON" ||
            fail "CASTRO_PYTHON=$CASTRO_PYTHON is not a Python 3.10 or newer" "Correct it, or unset it to let me look."
        printf '%s' "$CASTRO_PYTHON"
        return
    fi
    for candidate in python3.14 python3.13 python3.12 python3.11 python3.10 python3; do
        if command -v "$candidate" >/dev/null && python_is_new_enough "$candidate"; then
            printf '%s' "$candidate"
            return
        fi
    done
    fail "no Python 3.10 or newer on PATH" "Install one, or name one in CASTRO_PYTHON."
}

python_is_new_enough() { # by running it: a version manager's placeholder may exist without being a Python
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 10))' >/dev/null 2>&1
}

classes_are_ready() { # sets CLASS_ARCHIVE
    local key
    find_own_jars
    key=$({ cat -- "$JAVA_RELEASE" 2>/dev/null || true; printf '%s\n' "$JAVA" "${OWN_JARS[@]}" "$SPARK_HOME"/jars/*.jar; } | cksum)
    CLASS_ARCHIVE=$CASTRO_HOME/classes/${key%% *}.jsa
    [[ -s $CLASS_ARCHIVE || -e $CLASS_ARCHIVE.failed ]]
}

archive_classes() { # no failure of it ends the preparation: jobs only start more slowly
    local log=$CASTRO_HOME/classes.log
    mkdir -p -- "$CASTRO_HOME/classes/empty"
    find "$CASTRO_HOME/classes" -name '*.jsa*' -mtime +30 -delete
    if ! PYTHONPATH=$REPO SPARK_HOME=$SPARK_HOME "${CASTRO_VENV:-$CASTRO_HOME/venv}/bin/python" \
        -m castro_spark.jvm.load_classes "$CLASS_ARCHIVE" "${OWN_JARS[@]}" >"$log" 2>&1; then
        say "castro: Java made no archive of its classes, so each job starts some seconds later; why: $log"
        touch -- "$CLASS_ARCHIVE.failed"
    fi
}

wants_broker() { [[ $JOB == demo || ($JOB == local && " $JOB_WORDS " == *" up "*) || ${CASTRO_DEV-} == 1 ]]; }

all_is_ready() {
    [[ -n ${CASTRO_VENV-} ]] || venv_is_ready || return 1
    [[ $JOB == @(local|init|dashboard) ]] || jars_are_ready spark "${SPARK_JARS[@]}" || return 1
    [[ $JOB == @(local|init|dashboard) ]] || jars_are_ready delta "${DELTA_JARS[@]}" || return 1
    ! shares_classes || classes_are_ready || [[ ! -w $CASTRO_HOME ]] || return 1
    ! wants_broker || jars_are_ready kafka "${KAFKA_JARS[@]}" || return 1
    [[ ${CASTRO_DEV-} != 1 ]] || jars_are_ready connect "${CONNECT_JARS[@]}" || return 1
    [[ ${CASTRO_DEV_CLUSTER-} != 1 ]] || jars_are_ready oozie "${OOZIE_JARS[@]}" || return 1
    [[ ${CASTRO_DEV_CLUSTER-} != 1 ]] || jars_are_ready hadoop "${HADOOP_JARS[@]}"
}

prepare() {
    local python
    python=${CASTRO_VENV:+$CASTRO_VENV/bin/python}
    [[ -n $python ]] || python=$(find_python)
    # One preparation at a time. The lock is held by this shell's file 9 (and what it starts): the kernel frees it
    # however we end. Python takes it because not every system has the command flock.
    exec 9>"$CASTRO_HOME/lock"
    "$python" -c '
import fcntl, sys
try:
    fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
except OSError:
    print("castro: waiting for another preparation of this folder ...", file=sys.stderr, flush=True)
    fcntl.flock(9, fcntl.LOCK_EX)'
    if [[ -z ${CASTRO_VENV-} ]] && ! venv_is_ready; then
        step "Python environment in $CASTRO_HOME/venv (about a minute, once)" make_venv
    fi
    use_venv
    if [[ $JOB != @(local|init|dashboard) ]] && ! jars_are_ready spark "${SPARK_JARS[@]}"; then
        step "Spark's connector for Kafka, and a local file system" fetch_jars spark "${SPARK_JARS[@]}"
    fi
    if [[ $JOB != @(local|init|dashboard) ]] && ! jars_are_ready delta "${DELTA_JARS[@]}"; then
        step "Delta Lake, for the archive" fetch_jars delta "${DELTA_JARS[@]}"
    fi
    if shares_classes && ! classes_are_ready; then
        step "an archive of Spark's classes, for fast starts (under a minute, once)" archive_classes
    fi
    if wants_broker && ! jars_are_ready kafka "${KAFKA_JARS[@]}"; then
        step "an embedded Kafka" fetch_jars kafka "${KAFKA_JARS[@]}"
    fi
    if [[ ${CASTRO_DEV-} == 1 ]] && ! jars_are_ready connect "${CONNECT_JARS[@]}"; then
        step "Kafka Connect and Debezium, for the tests" fetch_jars connect "${CONNECT_JARS[@]}"
    fi
    if [[ ${CASTRO_DEV_CLUSTER-} == 1 ]] && ! jars_are_ready hadoop "${HADOOP_JARS[@]}"; then
        step "a small Hadoop, for the tests of the cluster" fetch_jars hadoop "${HADOOP_JARS[@]}"
    fi
    if [[ ${CASTRO_DEV_CLUSTER-} == 1 ]] && ! jars_are_ready oozie "${OOZIE_JARS[@]}"; then
        step "Oozie's schemas, for the tests of conf/oozie" fetch_jars oozie "${OOZIE_JARS[@]}"
    fi
    exec 9>&-
}
