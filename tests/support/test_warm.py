"""Scripts in forks behave as scripts in processes of their own, and know nothing of each other."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import warm

PACKAGE = "import os\nCOLOR = os.environ.get('COLOR')\nSEEN = []\n"


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Iterator[warm.Python]:
    """A Python that imported two packages, both reading a variable while they are imported."""
    place = tmp_path_factory.mktemp("packages")
    (place / "early.py").write_text(PACKAGE)
    (place / "late.py").write_text(PACKAGE.replace("COLOR", "SIZE"))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(place), "COLOR": "red", "SIZE": "small"}
    python = warm.Python(Path(sys.executable), ["early", "late"], environment, anew=["late"])
    yield python
    python.close()


def start(python: warm.Python, code: str, *arguments: str, folder: Path, typed: str = "", **own: str) -> warm.Script:
    """A script with variables of its own."""
    return python.start(code, *arguments, environment=python.environment | own, folder=folder, typed=typed)


def test_a_script_has_what_a_process_has(python: warm.Python, tmp_path: Path) -> None:
    code = (
        "import os, sys; print(os.getcwd(), sys.argv[1:], sys.stdin.read(), os.environ['OWN'], __name__); sys.exit(7)"
    )
    done = start(python, code, "a", "b c", folder=tmp_path, typed="said", OWN="mine").finish(30)
    assert (done.returncode, done.stdout, done.stderr) == (7, f"{tmp_path} ['a', 'b c'] said mine __main__\n", "")
    code = "import atexit, threading, time\natexit.register(print, 'last')\n"
    code += "threading.Thread(target=lambda: (time.sleep(0.1), print('thread'))).start()\n1 / 0"
    done = start(python, code, folder=tmp_path).finish(30)
    assert (done.returncode, done.stdout.split()) == (1, ["thread", "last"])
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


def test_scripts_do_not_meet(python: warm.Python, tmp_path: Path) -> None:
    code = (
        "import early, os, random; early.SEEN.append(1); os.environ['LEFT'] = 'x'; print(early.SEEN, random.random())"
    )
    said = [start(python, code + "; assert 'LEFT' in os.environ", folder=tmp_path).finish(30).stdout for _ in range(2)]
    assert [line.split()[0] for line in said] == ["[1]", "[1]"]
    assert said[0] != said[1], "each has random numbers of its own"
    assert start(python, "import os; print(os.environ.get('LEFT'))", folder=tmp_path).finish(30).stdout == "None\n"


def test_what_was_read_at_import_cannot_differ(python: warm.Python, tmp_path: Path) -> None:
    done = start(python, "import late; print(late.SIZE)", folder=tmp_path, SIZE="large").finish(30)
    assert done.stdout == "large\n", "it is imported anew"
    with pytest.raises(ValueError, match="COLOR"):
        start(python, "import early", folder=tmp_path, COLOR="blue")


def test_nothing_is_left_running(python: warm.Python, tmp_path: Path) -> None:
    code = "import subprocess; print(subprocess.Popen(['sleep', '600']).pid, flush=True)\n"
    done = start(python, code, folder=tmp_path).finish(30)
    assert gone(int(done.stdout))
    late = start(python, code + "import time; time.sleep(600)", folder=tmp_path)
    with pytest.raises(subprocess.TimeoutExpired) as error:
        late.finish(3)
    assert late.poll() == -9
    assert gone(int(error.value.output))

    left = start(python, code + "import time; time.sleep(600)", folder=tmp_path)
    left.reports.close()  # as when the process that started it is killed
    assert gone(left.pid)


def gone(pid: int) -> bool:
    """Whether a process has ended or does within ten seconds; init may not have taken note of it yet."""
    stat = Path(f"/proc/{pid}/stat")
    for _ in range(200):
        if not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] in "ZX":
            return True
        time.sleep(0.05)
    return False
