"""Lets the tests of this folder import their helper `known_fits`, and the lies."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.append(str(Path(__file__).parents[1] / "lies"))
