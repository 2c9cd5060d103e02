"""Corpora by name in the recipe: paths from db.sh, data directories, mixtures, and errors with stage and corpus."""

import pytest

from espnet2_decodec.data.kaldi import read_table
from espnet2_decodec.data.shards import ShardedRecordings

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recipe(tmp_path_factory, new_recipe, write_corpus):
    """A recipe folder with a Kaldi directory of speech, and ESC-50."""
    folder = tmp_path_factory.mktemp("corpora")
    write_corpus(folder, count=2)
    voices = sorted((folder / "speech").glob("*/*.wav"))
    (folder / "talks").mkdir()
    names = {f"{path.parent.name}-{path.stem}": path for path in voices}
    for table, value in (("wav.scp", "{path}"), ("utt2spk", "{path.parent.name}"), ("text", "Ding, dong!")):
        lines = (f"{name} {value.format(path=path)}\n" for name, path in names.items())
        (folder / "talks" / table).write_text("".join(lines))
    lines = ["filename,fold,target,category,esc10,src_file,take\n"]
    for name in ("audio", "meta"):
        (folder / "ESC-50-master" / name).mkdir(parents=True)
    for number, path in enumerate(sorted((folder / "background").glob("*/*.wav"))[:5], start=1):
        path.rename(folder / "ESC-50-master" / "audio" / f"{number}-{number}-A-0.wav")
        lines.append(f"{number}-{number}-A-0.wav,{number},0,dog,True,{number},A\n")
    (folder / "ESC-50-master" / "meta" / "esc50.csv").write_text("".join(lines))
    shared = ["--speech", f"kaldi:{folder / 'talks'}", "--background", "esc50", "--nj", "2", "--per_condition", "1"]
    shared += ["--shards", "true"]
    return new_recipe(folder, [*shared, "--stop_stage", "3"], "", {"ESC50": str(folder)}).started()


def test_data_and_mixtures_of_corpora_by_name(recipe):
    data = recipe.folder / "data" / "talks-esc50"
    assert set(read_table(data / "speech_train" / "text").values()) == {"Ding, dong!"}
    assert len(read_table(data / "background_test" / "wav.scp")) == 1
    assert len(read_table(recipe.folder / "dump" / "talks-esc50" / "test" / "mixture.scp")) == 7
    assert "esc50: 5 recordings of background" in recipe.first
    assert {path.name for path in (data / "log").iterdir()} == {"convert.1.log", "convert.2.log"}
    assert not (data / "recordings.jsonl").exists()
    for name, count in (("speech_train", 2), ("background_train", 3)):
        folder = recipe.folder / "dump" / "talks-esc50" / name
        assert len(ShardedRecordings(folder / "shards" / "shards.json")) >= count


def test_an_unknown_protocol_is_refused(recipe):
    done = recipe.run("--protocol", "papers")
    assert done.returncode == 1 and "there is no protocol 'papers'; there is: paper." in done.stderr


def test_a_wrong_corpus_stops_stage_1_with_one_line(recipe):
    for options, message in (
        (["--background", "musan"], "error: musan: its path is not known; set MUSAN in db.sh."),
        (["--background", "esc50:x"], "error: esc50: it has no parts to choose, such as 'x'."),
        (["--background", ""], "give both, --speech and --background"),
        (["--protocol", "paper", "--speech", ""], "error: libritts: its path is not known; set LIBRITTS in db.sh."),
    ):
        done = recipe.run("--corpora_name", "other", "--stop_stage", "1", *options)
        assert done.returncode == 1 and message in done.stderr
        assert "Traceback" not in done.stderr and "Stage 1" in done.stderr.splitlines()[-1]
