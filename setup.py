"""A source distribution that has castro_spark's links to conf, jobs and sql as links, as a checkout has them.

setuptools alone would pack each of their files twice, and a change of one would not reach the other. All else is in
pyproject.toml.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from setuptools import setup
from setuptools.command.sdist import sdist

PACKAGE = Path("castro_spark")


class LinkingSdist(sdist):
    """`sdist`, but a link to a folder stays one."""

    def make_release_tree(self, base_dir: str, files: Sequence[str]) -> None:
        """Writes the release's folder, from which the archive is packed."""
        links = [path for path in PACKAGE.iterdir() if path.is_symlink()]
        super().make_release_tree(base_dir, [file for file in files if not any(p in Path(file).parents for p in links)])
        for link in links:
            Path(base_dir, link).symlink_to(link.readlink(), target_is_directory=True)


setup(cmdclass={"sdist": LinkingSdist})
