#!/bin/bash
# fuzz.sh [SECONDS] — fuzzes the decoder of plans (default: 60 seconds). New inputs are kept in .cache/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
out=.cache/fuzz
mkdir -p "$out/corpus" "$out/seeds"
node scripts/generate.mjs > /dev/null
node scripts/fuzz-seeds.mjs "$out/seeds"
${FUZZ_CXX:-clang++} -std=c++20 -O1 -g -fno-exceptions -fno-rtti -fno-omit-frame-pointer -DOCI_HOSTED \
  -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all -Wall -Wextra \
  -o "$out/plan_fuzzer" csrc/fuzz/plan_fuzzer.cc csrc/init/decode.cc
exec "$out/plan_fuzzer" -max_total_time="$seconds" -max_len=65536 -timeout=10 -print_final_stats=1 \
  -artifact_prefix="$out/" "$out/corpus" "$out/seeds"
