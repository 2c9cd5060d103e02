"""Steps of the recipe for speech recognition: data sets, tokens as text, and error rates."""

from argparse import ArgumentParser, Namespace
from pathlib import Path

from espnet2_decodec.arguments import finite_float, output_folder
from espnet2_decodec.cli.recipe.options import add_nj


def asr_data_arguments(parser: ArgumentParser) -> None:
    """Add the options of `asr_data`."""
    from espnet2_decodec.data.asr import ASRDataConfig

    parser.add_argument("--speech", nargs="+", required=True, help="Kaldi directories with text")
    parser.add_argument("--background", required=True, help="Kaldi directory of backgrounds for the test sets")
    parser.add_argument("--out", type=output_folder, required=True, help="output folder")
    parser.add_argument("--speakers", nargs="*", default=[], help="speakers, or prefixes of their names (default: all)")
    parser.add_argument(
        "--snrs", nargs="+", default=list(ASRDataConfig.snrs), help="conditions of the test sets: clean, or dB"
    )
    parser.add_argument(
        "--seconds", type=finite_float, nargs=2, default=ASRDataConfig.seconds, help="shortest and longest recording"
    )
    parser.add_argument("--seed", type=int, default=0, help="random seed")


def asr_data(args: Namespace) -> None:
    """Write the data directories, and print their sizes."""
    from espnet2_decodec.data.asr import ASRDataConfig, prepare_asr

    config = ASRDataConfig(tuple(args.speakers), tuple(args.snrs), tuple(args.seconds), args.seed)
    print(*prepare_asr(args.speech, args.background, args.out, config), sep="\n")


def denoise_arguments(parser: ArgumentParser) -> None:
    """Add the options of `denoise`."""
    parser.add_argument("--sets", nargs="+", required=True, help="data directories")
    parser.add_argument(
        "--system", required=True, help="as for `decodec evaluate --systems`, e.g. gtcrn or decodec:unquantized"
    )
    parser.add_argument(
        "--out", type=output_folder, required=True, help="output folder for data directories of the same names"
    )
    add_nj(parser)


def denoise(args: Namespace) -> None:
    """Write denoised copies of data directories."""
    from espnet2_decodec.evaluation.denoise import denoise_sets

    print(denoise_sets(args.sets, args.system, args.out, args.nj), "recordings denoised to", args.out)


def asr_units_arguments(parser: ArgumentParser) -> None:
    """Add the options of `asr_units`."""
    parser.add_argument(
        "--tokens", nargs="+", required=True, help="folders that the step tokenize wrote; each gets a table `units`"
    )
    parser.add_argument("--model", help="folder of the codec (default: the model in the package)")
    parser.add_argument("--list", required=True, help="output file: the list of all units")
    parser.add_argument("--no_repeats", action="store_true", help="leave out frames that equal the one before")


def asr_units(args: Namespace) -> None:
    """Write the tables of units and the list of all units."""
    from espnet2_decodec.data.asr_tokens import token_stream, write_unit_list, write_units
    from espnet2_decodec.data.codec_options import CodecOptions

    levels = [write_units(folder, Path(folder) / "units", not args.no_repeats) for folder in args.tokens]
    codec = CodecOptions(args.model).load()
    content = token_stream(args.tokens[0]) == "content" and codec.content_quantizer
    quantizer = content or codec.speech_quantizer
    write_unit_list(args.list, levels[0], quantizer.codebook_size)
    print(f"units of {len(levels)} sets, {levels[0]} per frame")


def asr_token_list_arguments(parser: ArgumentParser) -> None:
    """Add the options of `asr_token_list`."""
    parser.add_argument("--text", required=True, help="Kaldi table of training transcripts")
    parser.add_argument("--out", type=output_folder, required=True, help="output folder for tokens.txt and bpe.model")
    parser.add_argument("--nbpe", type=int, default=0, help="size of the byte pair encoding; 0 for characters")


def asr_token_list(args: Namespace) -> None:
    """Write the token list, and print its size."""
    from espnet2_decodec.data.asr_tokens import write_token_list

    print(write_token_list(args.text, args.out, args.nbpe), "tokens")


def asr_score_arguments(parser: ArgumentParser) -> None:
    """Add the options of `asr_score`."""
    parser.add_argument("--sets", nargs="+", required=True, help="folders of the test sets, with text")
    parser.add_argument("--recognized", required=True, help="Kaldi table of hypotheses with ids SET/UTTERANCE")
    parser.add_argument(
        "--out", type=output_folder, required=True, help="output folder decode_* inside the folder of the experiment"
    )
    parser.add_argument("--command", default="", help="command line that RESULTS.md records")


def asr_score(args: Namespace) -> None:
    """Write and print the error rates of an experiment."""
    from espnet2_decodec.evaluation.asr import score_decoding, write_report

    references = {Path(name).name: Path(name, "text") for name in args.sets}
    print("scored with", score_decoding(references, args.recognized, args.out))
    print(write_report(Path(args.out).parent, {"command": args.command}), end="")


def asr_compare_arguments(parser: ArgumentParser) -> None:
    """Add the options of `asr_compare`."""
    parser.add_argument(
        "rows", nargs="+", metavar="NAME=FOLDER[,FOLDER...]", help="decode_* folders; the first row is the reference"
    )


def asr_compare(args: Namespace) -> None:
    """Print the error rates of several experiments as one table."""
    from espnet2_decodec.evaluation.asr import compare_experiments

    rows = [row.partition("=") for row in args.rows]
    print(compare_experiments({name: folders.split(",") for name, _, folders in rows}))
