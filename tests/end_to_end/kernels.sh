# The kernels that the compiler picks beside the reference kernels, and programs for other machines.
. "$(dirname "$0")/lib.sh"

idx_set digits 240 80 8 4
check "mmlc one_encoder" "$MMLC" "$tests/programs/one_encoder.mml" -o one
check "a run on the kernels that were picked" ./one --root digits --out fast --quiet
check "a run on the reference kernels" ./one --root digits --out reference --kernels reference --quiet
check "run.json says which" grep -q '"kernels": *"reference"' reference/run.json
check "and which by default" grep -q '"kernels": *"fast"' fast/run.json

losses() { grep -o '"loss": *[0-9.]*' "$1/metrics.jsonl" | grep -o '[0-9.]*$'; }
same_losses() {        # of two runs, but for rounding
    awk 'NR == FNR { a[FNR] = $1; next } { d = a[FNR] - $1; if (d > 1e-3 || d < -1e-3) exit 1; n++ } END { if (n < 2) exit 1 }' \
        <(losses "$1") <(losses "$2")
}
check "their losses are equal but for rounding" same_losses fast reference
check "but were computed in another way" bash -c '! cmp -s fast/last.safetensors reference/last.safetensors'

check "a resumed run stays on its kernels" ./one --root digits --resume reference --quiet
./one --root digits --resume reference --kernels fast --quiet >resume.log 2>&1
check "other kernels for it are warned of" grep -q 'began with --kernels reference' resume.log

if [ "$(uname -m)" = x86_64 ]; then
    check "mmlc --target-cpu x86-64-v4" "$MMLC" --target-cpu x86-64-v4 "$tests/programs/one_encoder.mml" -o wide
    check "mmlc --target-cpu x86-64-v2" "$MMLC" --target-cpu x86-64-v2 "$tests/programs/one_encoder.mml" -o narrow
    if grep -qw avx512vl /proc/cpuinfo; then
        check "a program for AVX-512 runs here" ./wide --root digits --out wide-run --quiet
    else
        fails_with "a program for a wider machine says so" 2 'compiled for processors with AVX-512.*--target-cpu=x86-64-v4' ./wide --root digits --out wide-run
    fi
    check "a program for a narrower machine runs" ./narrow --root digits --out narrow-run --quiet
    check "with the same losses but for rounding" same_losses fast narrow-run

    wide=$(dirname "$MMLC")/../tests/wide/compiler/mmlc          # vectors of 16 floats without AVX-512: tests/CMakeLists.txt
    if [ ! -x "$wide" ]; then
        skip "vectors of 16 floats on AVX2: the tests were not built"
    elif ! grep -qw avx2 /proc/cpuinfo; then
        skip "vectors of 16 floats on AVX2: this processor has none"
    else
        check "the compiler for vectors of 16 floats says so" \
            bash -c '"$1" check --explain "$2" | grep "on vectors of 16 floats"' _ "$wide" "$tests/programs/one_encoder.mml"
        check "a program for vectors of 16 floats" "$wide" "$tests/programs/one_encoder.mml" -o sixteen
        check "runs" ./sixteen --root digits --out sixteen-run --quiet
        check "with the same losses but for rounding" same_losses fast sixteen-run
    fi
fi
finish
