"""Is `oe.py` in the archive: what `import oe` finds with the archive on `sys.path`. Gives way to the package."""
import sys
from importlib import import_module

del sys.modules[__name__]
exec(__loader__.get_code("__main__"), {"__name__": "oe.start", "__loader__": __loader__})  # type: ignore[name-defined]
import_module("oe")
