"""A key store of Hadoop's credential provider, as `hadoop credential create` writes it."""

from __future__ import annotations

from collections.abc import Sequence

from castro_spark.hadoop.jvm import hadoop_jvm


def put_credential(uri: str, alias: str, secret: str, login: Sequence[str] = ()) -> None:
    """Adds a credential; makes the store at `uri` (localjceks://file/PATH, jceks://hdfs@HOST:PORT/PATH) if it is missing.

    SPARK_HOME, and for a store on HDFS HADOOP_CONF_DIR, must be in the environment.
    """
    with hadoop_jvm(login) as jvm:
        conf = jvm.org.apache.hadoop.conf.Configuration()
        conf.set("hadoop.security.credential.provider.path", uri)
        [store] = jvm.org.apache.hadoop.security.alias.CredentialProviderFactory.getProviders(conf)
        store.createCredentialEntry(alias, jvm.java.nio.CharBuffer.allocate(len(secret)).put(secret).array())
        store.flush()
