"""Start the worker as a package of its own name, with nothing of its directory on the path."""

import importlib
import importlib.util
import os
import sys


def start() -> None:
    """Serve until stdin ends.

    The directory of a started script is the first entry of `sys.path`; left there, the worker's
    module names would shadow those of the repository.
    """
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry) != here]
    name = "_locum_worker"
    spec = importlib.util.spec_from_file_location(
        name, os.path.join(here, "__init__.py"), submodule_search_locations=[here]
    )
    if spec is None or spec.loader is None:
        raise SystemExit("the worker's files are incomplete")
    package = importlib.util.module_from_spec(spec)
    sys.modules[name] = package
    spec.loader.exec_module(package)
    importlib.import_module(name + ".zygote").main()


start()
