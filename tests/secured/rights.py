"""The product's user at all servers, and what it may: by the rules of docs/security.md, as they stand there."""

from __future__ import annotations

import re
import time

from confluent_kafka.admin import (
    AclBinding,
    AclBindingFilter,
    AclOperation,
    AclPermissionType,
    AdminClient,
    ResourcePatternType,
    ResourceType,
)

from tests.secured.servers import SecuredKafka
from tests.system import ROOT

_GROUP = "inventory-ml-group"  # kafka.ledger_group
USER, PASSWORD = "castro", 'c4n4ry "of\\ all'  # with what has to be escaped


def of_docs(language: str, holding: str) -> str:
    """The block of docs/security.md in this language that holds these words: what it tells users is what is tested."""
    blocks = re.findall(rf"```{language}\n(.*?)```", (ROOT / "docs" / "security.md").read_text(), re.DOTALL)
    (found,) = [block for block in blocks if holding in block]
    return str(found)


def allow(kafka: SecuredKafka, topic: str, *operations: AclOperation) -> None:
    """Lets the product's user do this, and waits until the broker's authoriser knows. Read is also on the ledger's group."""
    admin = _admin(kafka)  # kept until the answers are there
    bindings = [_binding(ResourceType.TOPIC, topic, operation) for operation in operations]
    if AclOperation.READ in operations:
        bindings.append(_binding(ResourceType.GROUP, _GROUP, AclOperation.READ))
    for future in admin.create_acls(bindings).values():
        future.result(30)
    time.sleep(0.5)


def deny(kafka: SecuredKafka, topic: str) -> None:
    """Takes the right to read the topic back."""
    rule = AclBindingFilter(
        ResourceType.TOPIC, topic, ResourcePatternType.LITERAL, f"User:{USER}", "*", AclOperation.READ, AclPermissionType.ALLOW
    )
    admin = _admin(kafka)
    for future in admin.delete_acls([rule]).values():
        future.result(30)
    time.sleep(0.5)


def _binding(kind: ResourceType, name: str, operation: AclOperation) -> AclBinding:
    return AclBinding(
        kind, name, ResourcePatternType.LITERAL, f"User:{USER}", "*", operation, AclPermissionType.ALLOW
    )


def _admin(kafka: SecuredKafka) -> AdminClient:
    return AdminClient({"bootstrap.servers": f"127.0.0.1:{kafka.port}"})
