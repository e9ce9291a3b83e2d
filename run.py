"""python run.py optimizer=agent_reinforce task=math budget=cost"""

import sys
from pathlib import Path

from tts_search.main import main

if __name__ == "__main__":
    sys.exit(main(Path(__file__).resolve().parent / "conf"))
