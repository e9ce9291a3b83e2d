"""python run.py optimizer=agent_reinforce task=math budget=cost"""

import sys
from pathlib import Path

import hydra

from tts_search.config import register_schema
from tts_search.main import job, report_errors

if __name__ == "__main__":
    register_schema()
    conf = str(Path(__file__).resolve().parent / "conf")
    command = hydra.main(version_base="1.3", config_path=conf, config_name="config")(job)
    sys.exit(report_errors(command))
