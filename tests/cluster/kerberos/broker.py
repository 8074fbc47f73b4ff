"""A Kafka that also listens to clients with a Kerberos ticket (SASL, GSSAPI).

The test's own producer has no GSSAPI and uses the plain listener; the product is given the secured one only.
"""

from __future__ import annotations

from pathlib import Path

from castro_spark.local import Stack
from castro_spark.local.kafka import Kafka
from castro_spark.local.process import free_port
from castro_spark.resources import castro_home
from tests.cluster.kerberos.kdc import REALM, Kdc

_PRINCIPAL = f"kafka/localhost@{REALM}"


class SecuredKafka(Kafka):
    """`secured` is the address of the second listener; users who are `denied` have no rights there."""

    def __init__(self, folder: Path, ports: tuple[int, int, int], kdc: Kdc) -> None:
        super().__init__(folder, ports[0], ports[1], castro_home() / "jars" / "kafka")
        self._secured_port, self._kdc = ports[2], kdc
        self.secured = f"localhost:{ports[2]}"

    def prepare(self) -> None:
        super().prepare()
        keytab = self._kdc.keytab(self.folder / "kafka.keytab", _PRINCIPAL)
        login = (
            "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true"
            f' keyTab="{keytab}" principal="{_PRINCIPAL}";'
        )
        plain = f"PLAINTEXT://127.0.0.1:{self.port}"
        settings = {
            "listeners": f"{plain},CONTROLLER://127.0.0.1:{self.controller_port},SECURED://127.0.0.1:{self._secured_port}",
            "advertised.listeners": f"{plain},SECURED://{self.secured}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SECURED:SASL_PLAINTEXT",
            "listener.name.secured.sasl.enabled.mechanisms": "GSSAPI",
            "listener.name.secured.gssapi.sasl.jaas.config": login,
            "sasl.kerberos.service.name": "kafka",
            "inter.broker.listener.name": "PLAINTEXT",
        }
        with self._properties.open("a") as file:  # the last value of a name counts
            file.writelines(f"{name}={value}\n" for name, value in settings.items())

    def ports(self) -> list[int]:
        return [*super().ports(), self._secured_port]

    def _java(self, main: str) -> list[str]:
        java, *options = super()._java(main)
        return [java, f"-Djava.security.krb5.conf={self._kdc.krb5_conf}", *options]


def secured_stack(folder: Path, kdc: Kdc) -> tuple[Stack, SecuredKafka]:
    """The embedded servers, not started, with this Kafka among them."""
    stack = Stack(folder, die_with_parent=True)
    ports = stack._ports()
    stack._load(ports)
    kafka = SecuredKafka(folder / "kafka", (ports["kafka"], ports["kafka_controller"], free_port(frozenset(ports.values()))), kdc)
    stack._servers["kafka"] = kafka
    return stack, kafka
