"""Passwords in a key store of Hadoop's credential provider: read here, and sent as a private file."""

from __future__ import annotations

from pathlib import Path

import pyspark
import pytest

from castro_spark import properties_file
from castro_spark.deploy.shipping import checkable, ship
from castro_spark.errors import SettingsError
from castro_spark.security.credentials import read_secret
from castro_spark.settings import load_settings
from tests.cluster.key_store import put_credential

SECRET = "c4n4ry ü"
VARIABLE = "CASTRO_REDIS_PASSWORD"


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A key store with the credential castro.redis."""
    monkeypatch.setenv("SPARK_HOME", str(Path(pyspark.__file__).parent))
    uri = f"localjceks://file{tmp_path}/castro.jceks"
    put_credential(uri, "castro.redis", SECRET)
    return uri


def test_a_password_in_a_key_store(provider: str, tmp_path: Path) -> None:
    environ = {f"{VARIABLE}_FILE": f"{provider}#castro.redis"}
    load_settings("cluster", environ=checkable(environ))
    folder = tmp_path / "private"
    folder.mkdir()
    shipment = ship(environ, [], folder)
    sent = folder / "castro-redis-password"
    assert sent.read_text() == SECRET
    assert str(sent) in shipment.submit[1].split(",")
    variables = properties_file.parse((folder / "castro-variables.properties").read_text())
    assert variables == {f"{VARIABLE}_FILE": sent.name}
    with pytest.raises(SettingsError, match=rf"{VARIABLE}_FILE: {provider} has no credential other"):
        read_secret(VARIABLE, {f"{VARIABLE}_FILE": f"{provider}#other"})
    with pytest.raises(SettingsError, match="names no alias"):
        read_secret(VARIABLE, {f"{VARIABLE}_FILE": provider})


def test_a_key_store_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_HOME", str(Path(pyspark.__file__).parent))
    (tmp_path / "castro.jceks").write_text("no key store")
    with pytest.raises(SettingsError, match="cannot read localjceks://file"):
        read_secret(VARIABLE, {f"{VARIABLE}_FILE": f"localjceks://file{tmp_path}/castro.jceks#a"})
