# What Python runs before the first line of approved code, in place of any `sitecustomize.py` in the workspace. The
# workspace comes into the path only now, behind the standard library: were it named in PYTHONPATH, files that lie there
# (`sitecustomize.py`, `encodings/`) would run although nobody saw them.
import os
import sys


def _begin():
    here = os.path.dirname(os.path.abspath(__file__))
    work = os.path.abspath(os.environ.get("HOME", "."))
    sys.path[:] = [p for p in sys.path if os.path.abspath(p or ".") not in (here, work)]
    from importlib import util
    from importlib.machinery import PathFinder

    # The machine's own ones, where it has them; otherwise a blank that cannot be replaced.
    for name in ("sitecustomize", "usercustomize"):
        spec = PathFinder.find_spec(name, sys.path)
        if spec is None or spec.loader is None:
            sys.modules[name] = type(sys)(name)
            continue
        sys.modules[name] = util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    packages = [n for n, p in enumerate(sys.path) if p.rstrip("/").endswith(("site-packages", "dist-packages"))]
    sys.path.insert(packages[0] if packages else len(sys.path), work)


_begin()
