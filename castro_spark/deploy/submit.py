"""Runs a job whose driver is on the cluster: submits it, waits, brings back its output and its exit status.

    python -m castro_spark.deploy.submit JOB_FILE [--submit OPTION]... -- [the job's options]

spark-submit alone reports only that the application failed. The driver's output comes from YARN's logs.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import IO

from castro_spark.deploy.arguments import CONF
from castro_spark.deploy.last_words import UNREADABLE, kill, output_of
from castro_spark.deploy.shipping import checkable, ship
from castro_spark.errors import CastroError, SettingsError, first_line
from castro_spark.errors.kerberos import Trouble, kerberos_trouble
from castro_spark.kerberos.check import check
from castro_spark.kerberos.login import login_environment, login_options
from castro_spark.resources import resource
from castro_spark.settings import load_settings
from castro_spark.streaming.stop import NOT_RUNNING, SILENT

_APPLICATION = re.compile(r"Submitt(?:ing|ed) application (application_\w+)")
_TRACKING = re.compile(r"tracking URL: (\S+)")
_USER_STATUS = re.compile(r"User application exited with status (\d+)")
_REPORT = re.compile(r" INFO +Client: ")
_LAST_LINES = 25
_LOG_SECONDS = 60.0  # to wait for YARN's logs
_JAVA = f"-XX:+ExitOnOutOfMemoryError -Dlog4j2.configurationFile={CONF}/log4j2-yarn.properties"


class Asked(Enum):
    """What came of asking the streams to stop."""

    STOPPING = "stopping"
    NOT_YET = "not yet"  # the batch takes longer, or PostgreSQL does not answer
    IN_VAIN = "in vain"  # none runs yet, or is frozen, or they cannot be asked from here


class Submission:
    """One application, from its submission to its end."""

    def __init__(self, job_file: Path, job: Sequence[str]) -> None:
        self._job_file, self._job = job_file, list(job)
        self.application: str | None = None
        self.status: int | None = None  # the job's own, if YARN tells it
        self._tracking: str | None = None
        self._child: subprocess.Popen[str] | None = None
        self._stopping = False
        self._login: list[str] = []
        self._trouble: Trouble | None = None  # with Kerberos, of which spark-submit tells

    def run(self, options: Sequence[str]) -> int:
        """Submits with these options of spark-submit; returns the job's exit status."""
        # Before anything is started.
        settings = load_settings(*self._settings_options(), environ=checkable(os.environ))
        check(settings.kerberos, os.environ)
        os.environ.update(login_environment(settings.kerberos, os.environ))
        self._login = login_options(settings.kerberos)
        with tempfile.TemporaryDirectory(prefix="castro-submit-") as name:
            shipment = ship(os.environ, self._job, Path(name), settings)
            command = [
                str(Path(os.environ["SPARK_HOME"], "bin", "spark-submit")), *options,
                "--deploy-mode", "cluster", "--driver-java-options", _JAVA, *shipment.submit,
                *login_options(settings.kerberos, settings.kafka),
                str(self._job_file), *shipment.job,
            ]  # fmt: skip
            child = self._child = subprocess.Popen(
                command, env=_environment(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                errors="replace", start_new_session=True,
            )  # fmt: skip
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self._stop())
            assert child.stderr is not None
            self._relay(child.stderr)
            left = child.wait()
        return self._report(left)

    def _relay(self, lines: IO[str]) -> None:
        """Passes on the lines of spark-submit, except the client's many reports, of which it takes the facts."""
        for line in lines:
            if match := _USER_STATUS.search(line):
                self.status = int(match[1])
            if (match := _TRACKING.search(line)) and match[1] != self._tracking:
                self._tracking = match[1]
                _say(f"{self.application or 'the application'}: {self._tracking}")
            self._trouble = self._trouble or kerberos_trouble(line)
            match = _APPLICATION.search(line)
            if match and match[1] != self.application:
                self.application = match[1]
                _say(f"submitting {self.application}")
            elif not _REPORT.search(line) and not line.startswith(("\t", " ")):
                sys.stderr.write(line)

    def _report(self, left: int) -> int:
        if left and self._trouble:
            _say(f"{self._trouble}")
        if self.application is None:
            return left or 1
        out, log = output_of(self.application, _LOG_SECONDS, self._login)
        sys.stdout.write(out)
        if not left and log.startswith(UNREADABLE):
            _say(log)
        if left:
            lines = log.splitlines()[-_LAST_LINES:]
            sys.stderr.write("\n".join(lines) + "\n" if lines else "")
            _say(f"{self.application} failed; its logs: yarn logs -applicationId {self.application}")
        return (self.status or 1) if left else 0

    def _stop(self) -> None:
        """On SIGTERM: a stream is asked to stop after its batch. Any other job is killed, and safe to repeat."""
        if self._stopping:
            return
        self._stopping = True
        try:
            asked = self._ask_streams() if self._job_file.stem == "stream" else Asked.IN_VAIN
            if asked is Asked.IN_VAIN:
                self._kill()
            elif asked is Asked.NOT_YET:
                _say("it may be asked again (SIGTERM, or the job `stop`)")
                self._stopping = False
        except Exception as error:  # noqa: BLE001 - of any kind: the caller may ask again
            _say(f"not stopped: {first_line(error)}")
            self._stopping = False

    def _ask_streams(self) -> Asked:
        """Asks the streams to stop, by the job `stop`, and waits as long as it does."""
        names = _values(self._job, "--stream") or ["all"]
        settings = [w for option in ("--env", "--conf-file") for v in _values(self._job, option) for w in (option, v)]
        answers: list[dict[str, object]] = []
        for name in names:
            command = [sys.executable, str(resource("jobs/stop.py")), "--json", "--stream", name, *settings]
            done = subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True)
            if done.returncode == SettingsError.exit_status:  # as where a secret is on the nodes only
                _say("the streams cannot be asked to stop from here, see above")
                return Asked.IN_VAIN
            unanswered: list[dict[str, object]] = [{"stream": name, "stopped": False}]
            answers += json.loads(done.stdout) if done.stdout.startswith("[") else unanswered
        for answer in answers:
            _say(f"{answer['stream']}: {answer.get('words', 'not stopped, see above')}")
        if all(str(answer.get("words")).startswith((NOT_RUNNING, SILENT)) for answer in answers):
            return Asked.IN_VAIN
        return Asked.STOPPING if all(answer["stopped"] for answer in answers) else Asked.NOT_YET

    def _kill(self) -> None:
        """Ends the application at once; before it is submitted, its submission."""
        if self.application:
            _say(f"killing {self.application}: what it has committed stays, and its next start goes on from there")
            kill(self.application, self._login)
        elif self._child:
            self._child.terminate()

    def _settings_options(self) -> tuple[str, Path | None]:
        conf_file = _values(self._job, "--conf-file")
        return (_values(self._job, "--env") or ["cluster"])[-1], Path(conf_file[-1]) if conf_file else None


def _environment() -> dict[str, str]:
    """spark-submit's: nothing of this machine's Python, which YARN's client would pass on to the containers."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environ.pop("PYSPARK_DRIVER_PYTHON", None)
    options = f"-Dlog4j2.configurationFile={resource('conf/log4j2-submit.properties').as_uri()}"
    return {**environ, "SPARK_SUBMIT_OPTS": f"{environ.get('SPARK_SUBMIT_OPTS', '')} {options}".strip()}


def _values(arguments: Sequence[str], option: str) -> list[str]:
    """Each value that the arguments give an option."""
    pairs = zip(arguments, [*arguments[1:], ""], strict=True)
    return [
        word.partition("=")[2] if word.startswith(f"{option}=") else following
        for word, following in pairs
        if word == option or word.startswith(f"{option}=")
    ]


def _say(words: str) -> None:
    print(f"castro: {words}", file=sys.stderr, flush=True)


def main(arguments: Sequence[str]) -> int:
    """Arguments: the job's file, options of spark-submit, `--`, the job's options."""
    split = arguments.index("--")
    try:
        return Submission(Path(arguments[0]), arguments[split + 1 :]).run(arguments[1:split])
    except CastroError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
