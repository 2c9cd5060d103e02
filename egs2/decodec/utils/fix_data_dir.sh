#!/usr/bin/env bash
# Sort the tables of a Kaldi data directory and keep only the utterances that wav.scp and utt2spk both have.
set -euo pipefail
export LC_ALL=C

if [ $# -ne 1 ]; then
    echo "Usage: $0 <data-dir>" >&2
    exit 1
fi
dir=$1
utils=$(dirname "$0")
for table in wav.scp utt2spk; do
    if [ ! -s "${dir}/${table}" ]; then
        echo "$0: ${dir}/${table} is missing or empty: prepare the data again (stage 1)." >&2
        exit 1
    fi
done

tmp=$(mktemp -d)
trap 'rm -rf "${tmp}"' EXIT

"${utils}/filter_scp.py" "${dir}/utt2spk" < "${dir}/wav.scp" | cut -d' ' -f1 > "${tmp}/ids"
if [ ! -s "${tmp}/ids" ]; then
    echo "$0: no utterance of ${dir} is both in wav.scp and in utt2spk." >&2
    exit 1
fi
for table in wav.scp utt2spk utt2dur utt2class text; do
    [ -f "${dir}/${table}" ] || continue
    "${utils}/filter_scp.py" "${tmp}/ids" < "${dir}/${table}" | sort > "${tmp}/${table}"
    if [ -s "${tmp}/${table}" ]; then
        mv "${tmp}/${table}" "${dir}/${table}"
    else
        rm "${dir}/${table}"
    fi
done
"${utils}/utt2spk_to_spk2utt.py" < "${dir}/utt2spk" > "${dir}/spk2utt"
