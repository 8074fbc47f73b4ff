"""The YARN application that this process is a part of, as operators find it."""

from __future__ import annotations

import logging
from typing import Any

from py4j.protocol import Py4JError
from pyspark.sql import SparkSession

from castro_spark.errors import first_line
from castro_spark.observe.instance import YARN

log = logging.getLogger(__name__)


def tracking_url(spark: SparkSession) -> str | None:
    """The application's link at the resource manager (or its web proxy); None if it does not run on YARN.

    It is made from the cluster's configuration: a driver on the cluster may not ask the resource manager where Kerberos
    is on. With several resource managers it is the link at the first, which leads to the active one.
    """
    context: Any = spark.sparkContext
    application = str(context.applicationId)
    if not application.startswith(YARN):
        return None
    try:
        configuration = context._jvm.org.apache.hadoop.yarn.conf.YarnConfiguration()
        web = context._jvm.org.apache.hadoop.yarn.webapp.util.WebAppUtils
        server = web.getProxyHostsAndPortsForAmFilter(configuration)[0]
        return f"{web.getHttpSchemePrefix(configuration)}{server}/proxy/{application}/"
    except (Py4JError, IndexError) as error:  # the stream runs without it
        log.warning("the link of %s is unknown: %s", application, first_line(error))
        return None
