"""What the Hadoop clients' configuration says: name nodes, resource managers, metastores, authentication.

Hadoop's own classes read these files in the JVM; here they are read before there is one.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit
from xml.etree import ElementInclude, ElementTree

from castro_spark.errors import SettingsError

_FILES = ("core-site.xml", "hdfs-site.xml", "yarn-site.xml", "hive-site.xml")
_FOLDERS = ("HADOOP_CONF_DIR", "YARN_CONF_DIR", "SPARK_CONF_DIR")
_IN_CONTAINER = "__spark_conf__/__hadoop_conf__"  # where Spark puts the caller's, for a driver on the cluster
_NAME_NODE_PORT, _RESOURCE_MANAGER_PORT, _METASTORE_PORT = 8020, 8032, 9083  # Hadoop's and Hive's defaults
_REFERENCE = re.compile(r"\$\{([^}$\s]+)\}")
_DEPTH = 20  # of references within references, as in Hadoop
_RESOURCE_MANAGER_PAGES = 8088
Address = tuple[str, int]


@dataclass(frozen=True)
class HadoopConf:
    """The properties of the configuration files that were found, later files over earlier ones."""

    folders: tuple[Path, ...]
    properties: Mapping[str, str]

    def get(self, name: str, default: str = "") -> str:
        """A property, with its ${references} to other properties and to variables (env.NAME) replaced."""
        value = self.properties.get(name, default)
        for _ in range(_DEPTH):
            replaced = _REFERENCE.sub(lambda match: self._referenced(match[1]), value)
            if replaced == value:
                break
            value = replaced
        return value.strip()

    def _referenced(self, name: str) -> str:
        if name.startswith("env."):
            variable, _, default = name.removeprefix("env.").partition(":-")
            return os.environ.get(variable, default)
        return self.properties.get(name, "").strip()

    @property
    def default_fs(self) -> str:
        """The URI of the default file system; empty if none is set."""
        return self.get("fs.defaultFS") or self.get("fs.default.name")

    @property
    def authentication(self) -> str:
        """`simple` or `kerberos`."""
        return self.get("hadoop.security.authentication", "simple").lower()

    def name_nodes(self) -> tuple[Address, ...]:
        """Of the default file system: one, or all of a name service. Empty if it is not HDFS."""
        uri = urlsplit(self.default_fs)
        if uri.scheme != "hdfs" or not uri.hostname:
            return ()
        service = uri.netloc
        if names := _words(self.get(f"dfs.ha.namenodes.{service}")):
            places = [self.get(f"dfs.namenode.rpc-address.{service}.{name}") for name in names]
            return tuple(address(place, _NAME_NODE_PORT) for place in places if place)
        return (address(service, _NAME_NODE_PORT),)

    def resource_managers(self) -> tuple[Address, ...]:
        """One, or all of a highly available pair; empty if yarn-site.xml names none."""
        return self._resource_managers("address", _RESOURCE_MANAGER_PORT)

    def resource_manager_pages(self) -> tuple[Address, ...]:
        """Their web pages and REST API, by http; empty if only https is served."""
        if self.get("yarn.http.policy").upper() == "HTTPS_ONLY":
            return ()
        return self._resource_managers("webapp.address", _RESOURCE_MANAGER_PAGES)

    def _resource_managers(self, which: str, port: int) -> tuple[Address, ...]:
        if self.get("yarn.resourcemanager.ha.enabled").lower() == "true":
            suffixes = [f".{name}" for name in _words(self.get("yarn.resourcemanager.ha.rm-ids"))]
        else:
            suffixes = [""]
        found = []
        for suffix in suffixes:
            place = self.get(f"yarn.resourcemanager.{which}{suffix}")
            if place and "${" not in place:
                found.append(address(place, port))
            elif host := self.get(f"yarn.resourcemanager.hostname{suffix}"):
                found.append((host, port))
        return tuple(found)

    def metastores(self) -> tuple[Address, ...]:
        """The Hive metastores; empty if hive-site.xml names none."""
        uris = _words(self.get("hive.metastore.uris") or self.get("metastore.thrift.uris"))
        return tuple(address(urlsplit(uri).netloc, _METASTORE_PORT) for uri in uris)


def read_hadoop_conf(environ: Mapping[str, str]) -> HadoopConf | None:
    """The configuration in HADOOP_CONF_DIR and beside it (YARN_CONF_DIR, SPARK_CONF_DIR); None without HADOOP_CONF_DIR.

    Raises SettingsError if the folder does not exist, or a file is not XML.
    """
    if Path(_IN_CONTAINER).is_dir():
        environ = {"HADOOP_CONF_DIR": _IN_CONTAINER}
    if not environ.get("HADOOP_CONF_DIR"):
        return None
    folders = tuple(dict.fromkeys(Path(environ[name]) for name in _FOLDERS if environ.get(name)))
    if not folders[0].is_dir():
        raise SettingsError(
            f"HADOOP_CONF_DIR={folders[0]} is no folder", "name the one with the cluster's core-site.xml, yarn-site.xml"
        )
    files = [folder / name for folder in reversed(folders) for name in _FILES if (folder / name).is_file()]
    properties: dict[str, str] = {}
    for file in files:
        properties |= _read(file)
    used = {file.parent for file in files}
    return HadoopConf(tuple(folder for folder in folders if folder in used or folder == folders[0]), properties)


def _read(path: Path) -> dict[str, str]:
    try:
        root = ElementTree.parse(path).getroot()
        ElementInclude.include(root, base_url=str(path))
    except (ElementTree.ParseError, ElementInclude.FatalIncludeError, OSError) as error:
        raise SettingsError(f"{path}: cannot be read: {error}", "is it a configuration file of Hadoop?") from None
    texts = ((item.findtext("name", ""), item.findtext("value", "")) for item in root.iter("property"))
    return {name.strip(): value for name, value in texts if name.strip()}


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[,\s]+", text) if word]


def address(text: str, port: int) -> Address:
    """host[:port], the port if it is omitted."""
    parts = urlsplit(f"//{text}")
    try:
        return parts.hostname or text, parts.port or port
    except ValueError:
        return text, port
