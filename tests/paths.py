"""Where the repository is, whose scripts and drills the tests run."""

from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]
EXAMPLES = REPOSITORY / "scripts" / "examples"
DRILLS = REPOSITORY / "tests" / "drills"
