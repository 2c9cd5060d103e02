"""Write the codec of an ESPnet experiment to a folder: python -m espnet2_decodec.bin.export --help"""

import argparse

from espnet2_decodec.espnet.checkpoint import export


def main(cmd=None):
    """Command line of `export`."""
    parser = argparse.ArgumentParser(description=export.__doc__.split("\n\n")[0])
    parser.add_argument("--train_config", required=True, help="config.yaml of the experiment")
    parser.add_argument("--model_file", required=True, help="its weights, e.g. valid.distance.best.pth")
    parser.add_argument("--half", action="store_true", help="store the weights in half precision")
    parser.add_argument("folder", help="to write config.json and model.safetensors to")
    args = parser.parse_args(cmd)
    export(args.train_config, args.model_file, args.folder, args.half)
    print("wrote", args.folder)


if __name__ == "__main__":
    main()
