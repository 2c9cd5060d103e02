"""The step of the recipe that packs recordings into tar files."""

from argparse import ArgumentParser, Namespace

from espnet2_decodec.arguments import job_part, output_folder, positive_int


def shards_arguments(parser: ArgumentParser) -> None:
    """Add the options of `shards`."""
    parser.add_argument("--data", required=True, help="Kaldi folder of recordings of one sample rate")
    parser.add_argument("--out", type=output_folder, required=True, help="output folder; shards that it has are kept")
    parser.add_argument("--per_shard", type=positive_int, default=1000, help="recordings of each shard (default: 1000)")
    parser.add_argument("--part", type=job_part, help="K/N: write the K-th of N parts only, and no list of shards")


def shards(args: Namespace) -> None:
    """Write the tar files, and without --part the list of them."""
    from espnet2_decodec.data.sampler import CLASS_WEIGHTS, NOISY_WEIGHT
    from espnet2_decodec.data.shard_writing import finish_shards, write_shards
    from espnet2_decodec.data.shards import ShardedRecordings

    written = write_shards(args.data, args.out, args.per_shard, args.part or (1, 1), CLASS_WEIGHTS, NOISY_WEIGHT)
    print(f"{written} shards written to {args.out}")
    if not args.part:
        count = finish_shards(args.out)
        found = ShardedRecordings(args.out / "shards.json")
        print(f"{args.out / 'shards.json'}: {count} recordings in {len(found.files)} shards")
