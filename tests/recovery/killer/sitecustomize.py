"""On a process's PYTHONPATH: kills it (SIGKILL) at the Nth call of the function that CASTRO_TEST_KILL names.

CASTRO_TEST_KILL=module:qualified.name:N[:after|:half]   before the call's body; with `after` when it has returned; with
`half` when it has returned from doing the first half of what its first argument, a list, names (lists of one count not)
"""

import importlib.abc
import importlib.machinery
import os
import signal
import sys


class _Patch(importlib.abc.MetaPathFinder):
    def __init__(self, module: str, name: str, count: str, how: str) -> None:
        self.module, self.name, self.left, self.how = module, name, int(count), how

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
            setattr(owner, last, self.killing(getattr(owner, last)))

        spec.loader.exec_module = exec_module
        return spec

    def killing(self, original):
        def patched(*arguments, **named):
            if self.how == "half":
                this, what, *others = arguments
                if not isinstance(what, list) or len(what) < 2:
                    return original(*arguments, **named)
                if self.left == 1:
                    arguments = [this, what[: len(what) // 2], *others]
            self.left -= 1
            if self.left == 0 and not self.how:
                os.kill(os.getpid(), signal.SIGKILL)
            result = original(*arguments, **named)
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return patched


if os.environ.get("CASTRO_TEST_KILL"):
    _module, _name, _count, *_rest = os.environ["CASTRO_TEST_KILL"].split(":")
    sys.meta_path.insert(0, _Patch(_module, _name, _count, "".join(_rest)))
