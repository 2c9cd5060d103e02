"""Every module of the package can be imported, with whichever release of ESPnet is installed."""

from importlib import import_module
from pkgutil import walk_packages

import pytest

import espnet2_decodec

pytestmark = pytest.mark.compat
MODULES = [found.name for found in walk_packages(espnet2_decodec.__path__, "espnet2_decodec.")]


@pytest.mark.parametrize("module", [name for name in MODULES if not name.endswith("__main__")])
def test_module_is_imported(module):
    if module.startswith("espnet2_decodec.app."):
        pytest.importorskip("gradio", reason="the extra app is not installed")
    assert import_module(module).__doc__
