"""A benchmark folder with random scores, and its parsed page."""

from html.parser import HTMLParser
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from espnet2_decodec.evaluation.report.page import write_report

VOID = {"meta", "link", "img", "input", "br"}


def load(name: str):
    """A module beside this file."""
    spec = spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Page(HTMLParser):
    """A page as elements (name, attributes, text); complains where tags do not match."""

    def __init__(self, path: Path):
        super().__init__(convert_charrefs=True)
        self.path, self.folder, self.text = path, path.parent, path.read_text(encoding="utf-8")
        self.elements, self.stack = [], []
        self.feed(self.text)
        self.close()
        assert not self.stack, self.stack

    def handle_starttag(self, tag, attrs):
        assert len(dict(attrs)) == len(attrs)
        self.elements.append([tag, dict(attrs), ""])
        if tag not in VOID:
            self.stack.append(self.elements[-1])

    def handle_endtag(self, tag):
        assert self.stack.pop()[0] == tag

    def handle_data(self, data):
        for element in self.stack:
            element[2] += data

    def all(self, name: str, **attributes: str) -> list:
        """Elements of this name with these attributes."""
        return [e for e in self.elements if e[0] == name and attributes.items() <= e[1].items()]


@pytest.fixture(scope="session")
def fake():
    """The module that writes benchmark folders."""
    return load("fake")


@pytest.fixture(scope="session")
def read_page():
    """Page(path)."""
    return Page


@pytest.fixture(scope="session")
def comparison(fake, tmp_path_factory):
    """A benchmark folder with all conditions."""
    return fake.write_comparison(tmp_path_factory.mktemp("comparison"))


@pytest.fixture(scope="session")
def small_comparison(fake, tmp_path_factory):
    """A benchmark folder with two conditions."""
    return fake.write_comparison(tmp_path_factory.mktemp("small"), each=1, conditions=("0", "clean"))


@pytest.fixture(scope="session")
def page(comparison, tmp_path_factory):
    """Its page, as a folder."""
    return Page(write_report(comparison, tmp_path_factory.mktemp("page"), title="A <b> & C"))


@pytest.fixture(scope="session")
def single(comparison, tmp_path_factory):
    """The same page as a single file."""
    return Page(write_report(comparison, tmp_path_factory.mktemp("single") / "all.html", single=True))


@pytest.fixture(scope="session")
def examples(fake, tmp_path_factory):
    """A folder of examples."""
    return fake.write_examples(tmp_path_factory.mktemp("examples"), "Voice conversion")


@pytest.fixture(scope="session")
def page_with_examples(fake, small_comparison, examples, tmp_path_factory):
    """A page of a benchmark with two groups of examples."""
    folders = [examples, fake.write_examples(tmp_path_factory.mktemp("more"), fake.HOSTILE)]
    return Page(write_report(small_comparison, tmp_path_factory.mktemp("page"), examples=folders))
