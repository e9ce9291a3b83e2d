"""python -m tts_search.compare --help"""

import sys

from tts_search.compare.command import main

if __name__ == "__main__":
    sys.exit(main())
