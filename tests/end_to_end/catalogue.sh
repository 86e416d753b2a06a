# Every diagnostic of the catalogue has a golden message. Left out are conditions of the machine
# that no program brings about: E0402 (tests/codegen writes into a folder that isn't there),
# E0403 (LLVM without this machine), E0404 (a runtime of another version).
. "$(dirname "$0")/lib.sh"

"$MMLC" --target-cpu skylaek "$tests/programs/one_encoder.mml" -o x 2>got.err
if diff got.err "$tests/codegen/unknown_processor.err"; then ok "an unknown processor"; else failed "an unknown processor"; fi

codes=$(grep -ohE '^DIAGNOSTIC\([EW][0-9]+' "$project"/compiler/support/diagnostics_*.def | sed 's/.*(//' | sort -u)
for code in $codes; do
    case $code in E0402|E0403|E0404) continue ;; esac
    grep -rqF "[$code]" --include='*.err' "$tests" || failed "$code has no golden message"
done
[ "$failures" -eq 0 ] && ok "$(wc -w <<<"$codes") diagnostics, each with its golden message"
finish
