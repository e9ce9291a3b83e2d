"""python -m benchmarks                            all of them
python -m benchmarks NAME [its own options]     one, e.g. python -m benchmarks graders --data DIR"""

import sys
from importlib import import_module

NAMES = (
    *("reuse", "overhead", "simulation", "forecast", "racing", "scheduling", "sandbox", "graders"),
    *("engine", "endpoint", "vllm"),
)

if __name__ == "__main__":
    own = sys.argv[1:2]
    if own and own[0] not in NAMES:
        sys.exit(f"error: there is no benchmark {own[0]}; choose one of: {', '.join(NAMES)}")
    del sys.argv[1:2]  # what is left belongs to the benchmark
    for name in own or NAMES:
        import_module(f"benchmarks.{name}").main()
