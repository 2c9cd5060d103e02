"""Ambience, effects and music of games and instruments, listed by folder."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local.corpora import audio_files
from local.recording import Recording


@dataclass(frozen=True)
class Folder:
    """A folder of one package.

    Attributes:
        package: The Debian package.
        path: Folder inside it.
        source: Name of the source.
        background_class: ``environment``, ``music`` or ``effects``.
        split: The same for the whole package, so that train and test never share a source.
        skip: Regular expression of names to skip.
    """

    package: str
    path: str
    source: str
    background_class: str
    split: str = "train"
    skip: str = ""


SINGING = r"^Human/|^Vocals/|Beatbox"
CREATURE_VOICES = (
    r"^(human|elf|dwarf|orc|goblin|ogre|troll|mermaid|mermen|naga|lich|zombie|ghoul|yeti|drake)"
    r"-.*(hit|die|laugh|attack)"
    r"|^(groan|ugg|wail|witches-laugh|hiss-die)|zombie-attack"
)
WESNOTH = "usr/share/games/wesnoth/1.16"

FOLDERS = (
    Folder("megaglest-data", "usr/share/games/megaglest/tilesets", "megaglest", "environment"),
    Folder("widelands-data", "usr/share/games/widelands/data/sound", "widelands", "environment"),
    Folder("widelands-data", "usr/share/games/widelands/data/music", "widelands_music", "music"),
    Folder("qabcs-data", "usr/share/qabcs/abcs/all/noises", "qabcs", "environment"),
    Folder("scratch", "usr/share/scratch/Media/Sounds", "scratch", "effects", skip=SINGING),
    Folder("colobot-common-sounds", "usr/share/games/colobot/sounds", "colobot", "effects"),
    Folder("colobot-common-sounds", "usr/share/games/colobot/music", "colobot_music", "music"),
    Folder("singularity-music", "usr/share/games/singularity/music", "singularity_music", "music"),
    Folder("freedroidrpg-data", "usr/share/freedroidrpg/data/sound/music", "freedroid_music", "music"),
    Folder("asterisk-moh-opsound-g722", "usr/share/asterisk/moh", "asterisk_moh", "music"),
    Folder("sonic-pi-samples", "usr/share/sonic-pi/samples", "sonic_pi", "effects", skip="choir|burp|voxy"),
    Folder("lomiri-sounds", "usr/share/sounds/lomiri", "lomiri", "effects"),
    Folder("openclonk-data", "usr/share/games/openclonk/Music.ocg", "openclonk_music", "music"),
    Folder("hydrogen-drumkits-effects", "usr/share/hydrogen/data/drumkits", "hydrogen", "music"),
    Folder("wesnoth-1.16-data", f"{WESNOTH}/data/core/sounds", "wesnoth", "effects", "test", skip=CREATURE_VOICES),
    Folder("wesnoth-1.16-data", f"{WESNOTH}/sounds", "wesnoth_interface", "effects", "test"),
    Folder("wesnoth-1.16-music", f"{WESNOTH}/data/core/music", "wesnoth_music", "music", "test"),
    Folder("torcs-data", "usr/share/games/torcs/data/sound", "torcs", "environment", "test"),
    Folder("torcs-data", "usr/share/games/torcs/data/music", "torcs_music", "music", "test"),
    Folder("lincity-ng-data", "usr/share/games/lincity-ng/sounds", "lincity", "environment", "dev"),
    Folder("lincity-ng-data", "usr/share/games/lincity-ng/music", "lincity_music", "music", "dev"),
)
PACKAGES = tuple(dict.fromkeys(folder.package for folder in FOLDERS))
MUSIC = r"(?i)ringtones/|Music Loops/|Instruments/|^loop_|^guit_|^tabla_|^ambi_piano"
ENVIRONMENT = r"^Animal/|^Effects/|^ambient/"


def recordings(roots: dict[str, Path]) -> Iterator[Recording]:
    """All files of the table; for some, the name determines the class better than the folder."""
    for folder in FOLDERS:
        for path, name in audio_files(roots[folder.package] / folder.path, folder.skip):
            background_class = folder.background_class
            if background_class == "effects" and re.search(MUSIC, name):
                background_class = "music"
            elif background_class == "effects" and re.search(ENVIRONMENT, name):
                background_class = "environment"
            yield Recording(path, "background", folder.split, folder.source, name, background_class=background_class)
