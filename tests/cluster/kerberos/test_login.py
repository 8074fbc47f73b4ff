"""The login is checked against a real KDC before a JVM starts: each mistake gives an error that says what to do."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from castro_spark.errors import CastroError, KerberosRefused, KerberosUnavailable
from castro_spark.kerberos.check import check
from castro_spark.sections.servers import KerberosSettings
from tests.cluster.kerberos.kdc import REALM, Kdc

pytestmark = pytest.mark.cluster
USER = f"inventory-ml@{REALM}"


@pytest.fixture
def own_kdc(tmp_path: Path) -> Iterator[Kdc]:
    kdc = Kdc(tmp_path / "kdc")
    yield kdc
    kdc.stop()


def refusal(kdc: Kdc, keytab: Path | None, principal: str | None = USER, **environ: str) -> CastroError:
    settings = KerberosSettings(
        method="kerberos", principal=principal, keytab=str(keytab) if keytab else None, krb5_conf=str(kdc.krb5_conf)
    )
    with pytest.raises(CastroError) as error:
        check(settings, environ)
    assert error.value.remedy
    return error.value


def test_the_kdcs_answers(own_kdc: Kdc, tmp_path: Path) -> None:
    keytab = own_kdc.keytab(tmp_path / "a.keytab", USER)
    settings = KerberosSettings(method="kerberos", principal=USER, keytab=str(keytab), krb5_conf=str(own_kdc.krb5_conf))
    check(settings, {})
    check(settings.model_copy(update={"krb5_conf": None}), {"KRB5_CONFIG": str(own_kdc.krb5_conf)})

    own_kdc.change_key(USER)
    error = refusal(own_kdc, keytab)
    assert isinstance(error, KerberosRefused)
    assert "the keytab's key is not the one that the KDC has" in error.problem
    assert f"{USER} by {keytab} failed (kinit: Preauthentication failed" in error.problem

    own_kdc.pause()
    error = refusal(own_kdc, keytab)
    assert isinstance(error, KerberosUnavailable)
    assert "the KDC does not answer" in error.problem

    other = Kdc(tmp_path / "other")  # of the same realm; it has never heard of the user
    try:
        assert "the KDC does not know the principal" in refusal(other, keytab).problem
    finally:
        other.stop()

    incomplete = tmp_path / "krb5.conf"
    incomplete.write_text("[libdefaults]\n dns_lookup_kdc = false\n")
    own_kdc.krb5_conf = incomplete
    assert "krb5.conf is missing or incomplete" in refusal(own_kdc, keytab).problem


def test_clocks_that_differ(tmp_path: Path) -> None:
    kdc = Kdc(tmp_path / "kdc", clock="+10m")
    try:
        keytab = kdc.keytab(tmp_path / "a.keytab", USER)
        error = refusal(kdc, keytab)
        assert "this machine's clock is 600 s behind the KDC's" in error.problem.replace("599", "600").replace("601", "600")
        assert "synchronize the clocks" in error.remedy
    finally:
        kdc.stop()


def test_a_ticket_cache_in_place_of_a_keytab(own_kdc: Kdc, tmp_path: Path) -> None:
    keytab, cache = own_kdc.keytab(tmp_path / "a.keytab", USER), tmp_path / "cache"
    name = f"FILE:{cache}"
    assert f"no ticket cache {cache}: No such file" in refusal(own_kdc, None, KRB5CCNAME=name).problem
    own_kdc.kinit(cache, USER, keytab, "-l", "2s")
    settings = KerberosSettings(method="kerberos", krb5_conf=str(own_kdc.krb5_conf))
    check(settings, {"KRB5CCNAME": name})
    assert f"is of {USER}, not of kerberos.principal b@X" in refusal(own_kdc, None, "b@X", KRB5CCNAME=name).problem
    time.sleep(2.1)
    error = refusal(own_kdc, None, None, KRB5CCNAME=name)
    assert f"Kerberos: the ticket of {USER} in {cache} is expired at" in error.problem
    assert "kinit" in error.remedy
    assert "Java reads no ticket cache KEYRING:persistent:0" in refusal(own_kdc, None, KRB5CCNAME="KEYRING:persistent:0").problem
