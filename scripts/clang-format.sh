#!/bin/bash
# scripts/clang-format.sh [--check] — formats the C++ sources, or with --check only says whether they are formatted.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in
  --check) options=(--dry-run --Werror) ;;
  '') options=(-i) ;;
  *)
    echo "usage: $0 [--check]" >&2
    exit 2
    ;;
esac

find csrc -path csrc/generated -prune -o \( -name '*.cc' -o -name '*.h' \) -print0 |
  xargs -0 -r clang-format "${options[@]}"
