"""Commands that die at a request of our choice, in a process of their own."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parents[2]

# A command that kills itself before or after the request named, or the nth of those that change anything:
# the ledger then knows of the attempt, and not of its result.
MORTAL = """
import sys
import psutil
from botocore.client import BaseClient
from webhook_lab.cli import main

point, moment, seen, request = sys.argv[1], sys.argv[2], 0, BaseClient._make_api_call

def mortal(self, operation, parameters):
    global seen
    if operation.startswith(("Get", "List", "Describe", "Tag", "Filter")):
        return request(self, operation, parameters)
    seen += 1
    if moment == "before" and point in (operation, str(seen)):
        psutil.Process().kill()
    answer = request(self, operation, parameters)
    if moment == "after" and point in (operation, str(seen)):
        psutil.Process().kill()
    return answer

BaseClient._make_api_call = mortal
main(sys.argv[3:])
"""


def killed(point: str, moment: str, *arguments: str) -> bool:
    """Run a command that is to die there, and say whether it got there."""
    command = [sys.executable, "-c", MORTAL, point, moment, *arguments]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0 or not done.stderr.count("Traceback"), done.stderr
    return done.returncode != 0
