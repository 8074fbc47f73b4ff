"""The side bar: below a page, in this order, those pages; tests/docs holds that no page is missing.

A pattern stands for the other pages of a folder, also new ones. A page that is not there is left out.
"""

from __future__ import annotations

NAVIGATION: dict[str, list[tuple[str, str]]] = {
    "docs/index": [
        ("Start", "README docs/tutorials/index docs/how-to/index"),
        ("Look up", "docs/reference/index"),
        ("Understand", "docs/explanation/index docs/design docs/speed docs/performance"),
        ("The project", "CHANGELOG CONTRIBUTING"),
    ],
    "docs/tutorials/index": [("", "docs/tutorials/first_run docs/tutorials/fourth_stream docs/tutorials/*")],
    "docs/how-to/index": [
        ("", "docs/use docs/how-to/*"),
        ("On a cluster", "docs/cluster docs/kerberos docs/security docs/sizing"),
        ("Schedulers", "docs/scheduling docs/celery docs/containers"),
    ],
    "docs/reference/index": [
        ("", "docs/reference/command-line docs/reference/settings docs/reference/environment docs/reference/*"),
        ("By hand", "docs/metrics docs/glossary docs/data docs/features docs/page sql/README"),
    ],
    "docs/explanation/index": [("", "docs/explanation/how-it-works docs/explanation/*")],
    "docs/design": [("", "docs/design/*")],
}
