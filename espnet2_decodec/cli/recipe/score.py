"""Steps of the recipe for scoring by VERSA and ESPnet."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.arguments import output_file, output_folder


def scoring_dirs_arguments(parser: ArgumentParser) -> None:
    """Add the options of `scoring_dirs`."""
    parser.add_argument("--mixtures", required=True, help="folder that the step make_mixtures wrote")
    parser.add_argument("--decoded", required=True, help="folder that the step resynthesize wrote")
    parser.add_argument("--out", type=output_folder, required=True, help="output folder")


def scoring_dirs(args: Namespace) -> None:
    """Write a data directory for each decoded stream."""
    from espnet2_decodec.data.scoring_dirs import write_scoring_dirs

    counts = write_scoring_dirs(args.mixtures, args.decoded, args.out)
    print(f"{args.out}: {', '.join(f'{count} utterances of {stream}' for stream, count in counts.items())}")


def versa_summary_arguments(parser: ArgumentParser) -> None:
    """Add the options of `versa_summary`."""
    parser.add_argument("folders", nargs="+", metavar="STREAM=FOLDER", help="folders with versa.*.txt")
    parser.add_argument("--conditions", required=True, help="table utt2snr of the mixtures")
    parser.add_argument("--out", type=output_file(".md"), required=True, help="Markdown file with the tables")


def versa_summary(args: Namespace) -> None:
    """Write the means of VERSA's scores by condition."""
    from espnet2_decodec.atomic import atomic_write
    from espnet2_decodec.data.scoring_dirs import summarize_versa

    folders = dict(word.partition("=")[::2] for word in args.folders)
    text = summarize_versa(folders, args.conditions)
    with atomic_write(args.out) as path:
        path.write_text(text, encoding="utf-8")
    print("wrote", args.out)
