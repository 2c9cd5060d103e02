"""python -m espnet2_decodec.cli: the command `decodec` where it is not installed."""

import sys

from espnet2_decodec.cli import main

sys.exit(main())
