"""Write the model of a text-to-speech experiment to a folder: python -m espnet2_decodec.bin.tts_export --help"""

import argparse

from espnet2_decodec.data.settings import run


def main(cmd=None):
    """Command line of `export`."""
    parser = argparse.ArgumentParser(description="Write the model of an experiment to a folder for decodec say.")
    parser.add_argument("--train_config", required=True, help="config.yaml of the experiment")
    parser.add_argument("--model_file", required=True, help="its weights, e.g. valid.loss.best.pth")
    parser.add_argument("folder", help="to write config.json and model.safetensors to")
    args = parser.parse_args(cmd)
    from espnet2_decodec.espnet.tts_task import export

    export(args.train_config, args.model_file, args.folder)
    print("wrote", args.folder)


if __name__ == "__main__":
    run(main)
