"""The YAML loader of configs and of --set."""

import pytest

from espnet2_decodec.data.config import check_keys, load_yaml, parse_yaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("5e-4", 5e-4), ("1E3", 1e3), ("-2.5e+1", -25.0), (".5e1", 5.0), ("3.e2", 300.0), ("0.1", 0.1), ("7", 7),
        ("e5", "e5"), ("5e", "5e"), ("1e-", "1e-"), ("true", True), ("[-5, 1e1]", [-5, 10.0]),
    ],
)  # fmt: skip
def test_values(text, value):
    parsed = parse_yaml(text, "x")
    assert parsed == value and type(parsed) is type(value)


def test_a_file_with_its_sections(tmp_path):
    path = tmp_path / "a.yaml"
    path.write_bytes(b"\xef\xbb\xbfoptim_conf:\n  lr: 1e-3\nsnr: [-5, 1e1]\n")
    assert load_yaml(path) == {"optim_conf": {"lr": 1e-3}, "snr": [-5, 10.0]}
    path.write_text("")
    assert load_yaml(path) == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a: 1\nb: .nan\n", "line 2: .nan is not a finite number"),
        (b"a: 1\nb: 1e999\n", "line 2: 1e999 is not a finite number"),
        (b"a: 1\nb: 2\na: 3\n", "line 3: the key 'a' occurs twice"),
        (b"a: 1\n  b: [\n", "line 2"),
        (b"\xff\xfe", "not UTF-8"),
        (b"- a\n- b\n", "lines KEY: VALUE"),
        (b"a: 1\nb: !!python/object:os.x {}\n", "line 2"),
        (b"a: \x00", "is not YAML"),
    ],
)
def test_wrong_files_are_refused_with_file_and_line(tmp_path, content, message):
    path = tmp_path / "a.yaml"
    path.write_bytes(content)
    with pytest.raises(ValueError) as error:
        load_yaml(path)
    assert "a.yaml" in str(error.value) and message in str(error.value) and "\n" not in str(error.value)


def test_the_nearest_name_is_suggested():
    with pytest.raises(ValueError, match="conf.yaml has no option 'optim_cnf'. Did you mean optim_conf?"):
        check_keys(["seed", "optim_cnf"], ["optim_conf", "seed"], "conf.yaml")
    with pytest.raises(ValueError, match="There are optim_conf, seed."):
        check_keys(["xyz"], ["optim_conf", "seed"], "conf.yaml")
