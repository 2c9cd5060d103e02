"""`python -m espnet2_decodec -m MODULE`."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["espnet_none", "espnet2_decodec.none", "none.none"])
def test_modules_that_do_not_exist(module):
    done = subprocess.run([sys.executable, "-m", "espnet2_decodec", "-m", module], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr.splitlines()[-1] == f"decodec: error: there is no module {module}."
    assert "Traceback" not in done.stderr
