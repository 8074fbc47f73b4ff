"""What is skipped is told as a failure where all is to be tested."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_TESTS = {
    "test_mark.py": "import pytest\n@pytest.mark.skipif(True, reason='apt-get install it')\ndef test_it(): pass\n",
    "test_call.py": "import pytest\ndef test_it(): pytest.skip('apt-get install it')\n",
    "test_file.py": "import pytest\npytest.skip('apt-get install it', allow_module_level=True)\n",
    "test_expected.py": "import pytest\n@pytest.mark.xfail\ndef test_it(): assert False\n",
    "test_sound.py": "def test_it(): pass\n",
}


@pytest.mark.parametrize(("variable", "outcome"), [("", "1 passed, 3 skipped, 1 xfailed"), ("1", "1 failed, 1 passed, 1 xfailed, 2 errors")])
def test_a_skip_is_a_failure_where_all_is_tested(tmp_path: Path, variable: str, outcome: str) -> None:
    for name, text in _TESTS.items():
        (tmp_path / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.skips", "-p", "no:cacheprovider", "--rootdir", str(tmp_path)]
    command += ["--continue-on-collection-errors", str(tmp_path)]
    environ = os.environ | {"CASTRO_TEST_ALL": variable, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, check=False, env=environ, cwd=tmp_path, capture_output=True, text=True)
    assert outcome in done.stdout
    assert (done.returncode != 0) == bool(variable)
    assert ("apt-get install it" in done.stdout) == bool(variable)
