"""A small HDFS and YARN (MiniCluster.java), whose containers see neither the checkout nor the builder's environment.

It runs in namespaces of its own: in their mounts an empty folder covers the checkout, the environments and the jars;
and with its first process all of its containers end. As root it becomes another user as well.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import psutil
import pyspark

from castro_spark.resources import castro_home
from tests.system import ROOT

_START_SECONDS = 300  # 12 on two cores of its own
_USER = "nobody"


class Hadoop:
    """Running from now on, until `stop`.

    `prepare` may write into its folder before it starts: server.xml, what that names, and lib/site with what parts that
    make a configuration of their own must know (the localizer). `covers`: files in whose place
    the cluster sees others.
    """

    def __init__(
        self, prepare: Callable[[Path], None] | None = None, covers: Mapping[Path, Path] | None = None
    ) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="castro-cluster-"))
        self.folder.chmod(0o755)  # of another user than ours
        for name in ("work", "tmp", "conf", "lib/spark", "lib/hadoop"):
            (self.folder / name).mkdir(parents=True)
        shutil.copy(Path(__file__).with_name("MiniCluster.java"), self.folder)
        if prepare:
            prepare(self.folder)
        self._covers = dict(covers or {})
        if os.geteuid() == 0:
            for path in [self.folder, *self.folder.rglob("*")]:
                shutil.chown(path, _USER)
        self.hidden = hidden_folders()
        self._log = (self.folder / "cluster.log").open("wb")
        self._process = subprocess.Popen(
            self._command(), stdin=subprocess.DEVNULL, stdout=self._log, stderr=self._log, cwd=self.folder / "work",
            env={"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "JAVA_HOME": java_home(), "LANG": "C.UTF-8", "TZ": "America/Sao_Paulo"},
            start_new_session=True,
        )  # fmt: skip
        deadline = time.monotonic() + _START_SECONDS
        while not (self.folder / "ready").exists():
            ended = self._process.poll()
            if ended is not None or time.monotonic() > deadline:
                words = (self.folder / "cluster.log").read_text(errors="replace")[-3000:]
                self.stop()
                raise AssertionError(f"the mini cluster did not start (status {ended}):\n{words}")
            time.sleep(0.2)

    @property
    def uri(self) -> str:
        """The HDFS."""
        text = (self.folder / "conf" / "core-site.xml").read_text()
        return "hdfs://" + text.partition("hdfs://")[2].partition("<")[0]

    def containers(self, main_class: str) -> list[psutil.Process]:
        """The JVMs of containers that run this class."""
        found = []
        for process in psutil.Process(self._process.pid).children(recursive=True):
            try:
                line = process.cmdline()
            except psutil.Error:
                continue
            if line and line[0].endswith("java") and any(main_class in word for word in line):
                found.append(process)
        return found

    def local_files(self) -> list[Path]:
        """All files of the nodes: containers' folders, launch scripts, logs."""
        return [path for path in (self.folder / "work").rglob("*") if path.is_file() and not path.is_symlink()]

    def stop(self) -> None:
        self._process.kill()  # and with it all processes of its namespace
        self._process.wait(30)
        self._log.close()
        for _ in range(50):
            if not any(str(self.folder) in " ".join(_line(p)) for p in psutil.process_iter()):
                break
            time.sleep(0.1)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _command(self) -> list[str]:
        lib = self.folder / "lib"
        binds = {Path(pyspark.__file__).parent / "jars": lib / "spark", castro_home() / "jars" / "hadoop": lib / "hadoop"}
        binds |= {new: old for old, new in self._covers.items()}
        steps = [f"mount --bind {shlex.quote(str(a))} {shlex.quote(str(b))}" for a, b in binds.items()]
        steps += [f"mount -t tmpfs -o mode=0700 hidden {shlex.quote(str(folder))}" for folder in self.hidden]
        java = [
            f"{java_home()}/bin/java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Dlog4j2.level=WARN",
            "--add-opens=java.base/java.lang=ALL-UNNAMED",
            "--add-opens=java.security.jgss/sun.security.krb5=ALL-UNNAMED", f"-Djava.io.tmpdir={self.folder}/tmp",
            f"-Dtest.build.data={self.folder}/work", "-cp", f"{lib}/site:{lib}/spark/*:{lib}/hadoop/*",
            f"{self.folder}/MiniCluster.java", str(self.folder),
        ]  # fmt: skip
        root = os.geteuid() == 0
        # Each of the chain ends with its parent; another user's process has to be told so again.
        ending = ["setpriv", "--pdeathsig=KILL"]
        user = [*ending, f"--reuid={_USER}", "--regid=nogroup", "--clear-groups", "--no-new-privs"] if root else []
        script = " && ".join([*steps, "exec " + shlex.join([*user, *java])])
        spaces = [*ending, "unshare", *([] if root else ["--map-root-user"]), "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
        return [*spaces, "sh", "-c", script]


def hidden_folders() -> list[Path]:
    """Where the builder's things are: the outermost folders only."""
    found: set[Path] = {ROOT, castro_home().resolve(), Path(sys.prefix).resolve(), Path(pyspark.__file__).resolve().parent}
    if not Path(sys.base_prefix).is_relative_to("/usr"):
        found.add(Path(sys.base_prefix).resolve())
    return sorted(p for p in found if not any(o != p and p.is_relative_to(o) for o in found))


def java_home() -> str:
    return os.environ.get("JAVA_HOME") or str(Path(shutil.which("java") or "/").resolve().parent.parent)


def write_site(path: Path, settings: Mapping[str, str]) -> None:
    """A configuration file as Hadoop reads it."""
    root = ElementTree.Element("configuration")
    for name, value in settings.items():
        entry = ElementTree.SubElement(root, "property")
        ElementTree.SubElement(entry, "name").text = name
        ElementTree.SubElement(entry, "value").text = value
    path.parent.mkdir(exist_ok=True)
    ElementTree.ElementTree(root).write(path)


def _line(process: Any) -> list[str]:
    try:
        return list(process.cmdline())
    except psutil.Error:
        return []
