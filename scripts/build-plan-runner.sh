#!/bin/bash
# Builds csrc/fuzz/plan_runner.cc, the hosted interpreter with sanitizers, unless it is newer than its sources.
# The sanitizers are linked statically: it also runs where there is no compiler.
set -euo pipefail
cd "$(dirname "$0")/.."
out=.cache/plan-runner
mkdir -p "$out"
[ -f csrc/generated/steps.h ] || node scripts/generate.mjs > /dev/null
if [ -z "$(find csrc scripts/build-plan-runner.sh -newer "$out/plan_runner" -print -quit 2>&1)" ]; then exit 0; fi
flags=(-std=c++20 -O1 -g -fno-exceptions -fno-rtti -fno-omit-frame-pointer -DOCI_HOSTED
  -fsanitize=address,undefined -static-libasan -static-libubsan -fno-sanitize-recover=all -Wall -Wextra -Werror)
sources=(csrc/fuzz/plan_runner.cc csrc/addon/clone.S)
for source in csrc/init/*.cc; do
  case $source in */main.cc | */memory.cc) ;; *) sources+=("$source") ;; esac
done
printf '%s\n' "${sources[@]}" |
  xargs -P "$(nproc)" -I{} sh -c '"$0" "$@" -c {} -o '"$out"'/$(basename {}).o' "${CXX:-g++}" "${flags[@]}"
objects=()
for source in "${sources[@]}"; do objects+=("$out/$(basename "$source").o"); done
"${CXX:-g++}" "${flags[@]}" -o "$out/plan_runner.new" "${objects[@]}"
mv "$out/plan_runner.new" "$out/plan_runner"
