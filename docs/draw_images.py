"""Draw the pictures of the manual anew, by the commands of its pages: `make images`."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

DOCS = Path(__file__).parent
#: What each demo draws, and its name in docs/images.
DEMOS = {
    "mdmkit": {"margin.png": "demo-margin.png", "thresholds.png": "demo-thresholds.png"},
    "maskomaly": {
        "margin.png": "maskomaly-margin.png",
        "thresholds.png": "maskomaly-thresholds.png",
        "queries.png": "maskomaly-queries.png",
    },
}


def commands(page: str) -> list[list[str]]:
    """The commands that a page shows, in their order."""
    blocks = re.findall(r"^```\n(mdmkit .*?)^```", page, re.MULTILINE | re.DOTALL)
    lines = "\n".join(blocks).replace("\\\n", " ").splitlines()
    return [shlex.split(line, comments=True) for line in lines if line.startswith("mdmkit ")]


def run(words: list[str], folder: Path) -> None:
    """Run a command of mdmkit or maskomaly in a folder."""
    command = [sys.executable, "-m", *words]
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def main() -> None:
    """Draw all of them."""
    shown = commands((DOCS / "thresholds.md").read_text(encoding="utf-8"))
    wanted = [words for words in shown if words[1] == "demo" or "--figure" in words]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for tool, pictures in DEMOS.items():
            run([tool, "demo", "--output", tool], folder)
            for drawn, picture in pictures.items():
                shutil.copy(folder / tool / drawn, DOCS / "images" / picture)
        for words in wanted:
            run(words, folder)
        shutil.copy(folder / "ranges.png", DOCS / "images" / "requirements.png")


if __name__ == "__main__":
    main()
