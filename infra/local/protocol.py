"""Starts a plugin with the engine's protocol alone: the whole SDK would cost every plugin process half a second.

`python -m infra.local.protocol MODULE ARGUMENTS…` is `python -m MODULE ARGUMENTS…` in which `pulumi.runtime.proto` can
be imported without what `pulumi` itself imports.
"""

import importlib.util
import runpy
import sys
from types import ModuleType


def leave_out_the_sdk() -> None:
    """Put empty packages where `pulumi` and `pulumi.runtime` would be; the modules below them stay importable."""
    for name in ("pulumi", "pulumi.runtime"):
        spec = importlib.util.find_spec(name)
        if spec is None or spec.submodule_search_locations is None:
            raise ModuleNotFoundError(f"the package {name} is not installed; run `make setup`")
        package = ModuleType(name, "Only its protocol is loaded in this process.")
        package.__path__ = list(spec.submodule_search_locations)
        package.__spec__ = spec
        sys.modules[name] = package


if __name__ == "__main__":
    leave_out_the_sdk()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
