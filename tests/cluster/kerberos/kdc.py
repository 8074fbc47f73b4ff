"""A real KDC (MIT's, from Debian) on loopback: a realm, database and port of its own, not the system's service."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from castro_spark.local.process import free_port, port_answers

REALM = "CASTRO.TEST"
_PACKAGES = ("krb5-kdc", "krb5-admin-server", "krb5-user", "libfaketime")
_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
_START_SECONDS = 20


class Kdc:
    """Running from now on, until `stop`. `ticket_life` and `clock` (an offset for faketime, as +10m) are the KDC's."""

    def __init__(self, folder: Path, *, ticket_life: str = "10m", clock: str | None = None) -> None:
        _install()
        self.folder = folder
        folder.mkdir(parents=True)
        self.port = free_port()
        self.krb5_conf = folder / "krb5.conf"
        self.krb5_conf.write_text(
            f"[libdefaults]\n default_realm = {REALM}\n rdns = false\n dns_canonicalize_hostname = false\n"
            " dns_lookup_kdc = false\n dns_lookup_realm = false\n udp_preference_limit = 1\n"
            f"[realms]\n {REALM} = {{\n  kdc = 127.0.0.1:{self.port}\n }}\n"
            f"[domain_realm]\n localhost = {REALM}\n"
        )
        profile = folder / "kdc.conf"
        profile.write_text(
            f"[kdcdefaults]\n kdc_listen = 127.0.0.1:{self.port}\n kdc_tcp_listen = 127.0.0.1:{self.port}\n"
            f"[realms]\n {REALM} = {{\n  database_name = {folder}/principal\n  key_stash_file = {folder}/stash\n"
            f"  acl_file = {folder}/acl\n  max_life = {ticket_life}\n  max_renewable_life = {ticket_life}\n"
            "  supported_enctypes = aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal\n"
            f"  default_principal_flags = +preauth\n }}\n[logging]\n kdc = FILE:{folder}/kdc.log\n"
        )
        self._env = {"PATH": _PATH, "KRB5_CONFIG": str(self.krb5_conf), "KRB5_KDC_PROFILE": str(profile)}
        self._run("kdb5_util", "create", "-s", "-r", REALM, "-P", "not-used-again")
        self._process = self._started(clock)

    def keytab(self, path: Path, *principals: str) -> Path:
        """Creates the principals if missing, with new keys, and a keytab with all of them; returns its path."""
        for principal in principals:
            known = self._run("kadmin.local", "-r", REALM, "-q", f"getprinc {principal}")
            if "Principal: " not in known:
                self._run("kadmin.local", "-r", REALM, "-q", f"addprinc -randkey {principal}")
            self._run("kadmin.local", "-r", REALM, "-q", f"ktadd -k {path} {principal}")
        return path

    def change_key(self, principal: str) -> None:
        """As when someone exports the keytab again elsewhere: keytabs made before are of no use any more."""
        self._run("kadmin.local", "-r", REALM, "-q", f"cpw -randkey {principal}")

    def kinit(self, cache: Path, principal: str, keytab: Path, *options: str) -> None:
        """A ticket cache, as a user's kinit leaves it."""
        self._run("kinit", "-c", f"FILE:{cache}", "-k", "-t", str(keytab), *options, principal)

    def pause(self) -> None:
        """Stops answering; `resume` starts it again."""
        self._process.kill()
        self._process.wait(10)

    def resume(self) -> None:
        self._process = self._started(None)

    stop = pause

    def _started(self, clock: str | None) -> subprocess.Popen[bytes]:
        fake = {"LD_PRELOAD": _faketime(), "FAKETIME": clock} if clock else {}
        log = (self.folder / "output.log").open("ab")
        # It ends with this process, even if that is killed.
        command = ["setpriv", "--pdeathsig=KILL", "krb5kdc", "-n", "-r", REALM, "-P", str(self.folder / "pid")]
        process = subprocess.Popen(
            command, env=self._env | fake, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.folder, start_new_session=True
        )
        deadline = time.monotonic() + _START_SECONDS
        while not port_answers(self.port):
            if process.poll() is not None or time.monotonic() > deadline:
                process.kill()
                raise AssertionError(f"the KDC did not start:\n{(self.folder / 'output.log').read_text()}")
            time.sleep(0.05)
        return process

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, env=self._env, check=False, capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, f"{' '.join(command)}:\n{done.stdout}{done.stderr}"
        return done.stdout


def _faketime() -> str:
    return str(next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1")))


def _install() -> None:
    if shutil.which("krb5kdc", path=_PATH) and shutil.which("kinit", path=_PATH) and any(Path("/usr/lib").glob("*/faketime")):
        return
    assert os.geteuid() == 0 and shutil.which("apt-get"), f"install {' '.join(_PACKAGES)}"
    # Runlevel 1: the packages' services are not started.
    env = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    with tempfile.TemporaryFile() as log:
        for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", *_PACKAGES]):
            done = subprocess.run(["apt-get", *command], env=env, check=False, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        log.seek(0)
        assert done.returncode == 0, log.read()[-3000:].decode(errors="replace")
