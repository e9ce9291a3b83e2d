"""python -m benchmarks            all of them
python -m benchmarks reuse      one of: engine, overhead, reuse"""

import sys
from importlib import import_module

NAMES = ("reuse", "overhead", "sandbox", "graders", "engine")

if __name__ == "__main__":
    for name in sys.argv[1:] or NAMES:
        if name not in NAMES:
            sys.exit(f"error: there is no benchmark {name}; choose one of: {', '.join(NAMES)}")
        import_module(f"benchmarks.{name}").main()
