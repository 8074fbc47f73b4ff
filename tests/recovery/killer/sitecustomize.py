"""On a process's PYTHONPATH: kills it (SIGKILL) at the Nth call of the function that CASTRO_TEST_KILL names.

CASTRO_TEST_KILL=module:qualified.name:N[:after]   before the call's body, or with `after` when it has returned
"""

import importlib.abc
import importlib.machinery
import os
import signal
import sys


class _Patch(importlib.abc.MetaPathFinder):
    def __init__(self, module: str, name: str, count: str, after: bool) -> None:
        self.module, self.name, self.left, self.after = module, name, int(count), after

    def find_spec(self, fullname, path, target=None):
        if fullname != self.module:
            return None
        sys.meta_path.remove(self)
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        load = spec.loader.exec_module

        def exec_module(module):
            load(module)
            *owners, last = self.name.split(".")
            owner = module
            for part in owners:
                owner = getattr(owner, part)
            original = getattr(owner, last)

            def killing(*arguments, **named):
                self.left -= 1
                if self.left == 0 and not self.after:
                    os.kill(os.getpid(), signal.SIGKILL)
                result = original(*arguments, **named)
                if self.left == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return result

            setattr(owner, last, killing)

        spec.loader.exec_module = exec_module
        return spec


if os.environ.get("CASTRO_TEST_KILL"):
    _module, _name, _count, *_rest = os.environ["CASTRO_TEST_KILL"].split(":")
    sys.meta_path.insert(0, _Patch(_module, _name, _count, bool(_rest)))
