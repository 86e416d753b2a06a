# Shared by the end-to-end scripts: a scratch folder, checks that print
# "ok: …" or "FAILED: …", and small IDX files made with printf.
# Expects MMLC, the compiler under test.
set -uo pipefail
export MML_CACHE=off              # nothing of the user's is read or written; tests/driver/cache.sh has caches of its own
: "${MMLC:?set MMLC to the mmlc under test}"
tests=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
project=$(cd "$tests/.." && pwd)
shared=$project/../shared
fashion=/usr/share/datasets/fashion-mnist
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"
failures=0

ok()     { printf 'ok: %s\n' "$*"; }
failed() { printf 'FAILED: %s\n' "$*"; failures=$((failures + 1)); }
skip()   { printf 'skipped: %s\n' "$*"; }
finish() { [ "$failures" -eq 0 ]; exit; }

# check NAME COMMAND…: passes when the command succeeds; shows its output when not.
check() {
    local name=$1; shift
    if "$@" >check.log 2>&1; then ok "$name"; else failed "$name (exit $?): $*"; tail -n 25 check.log; fi
}

# fails_with NAME CODE PATTERN COMMAND…: the exit code is CODE, standard error
# has the pattern, and the error is one message (one line that starts with NAME: error or the program's name).
fails_with() {
    local name=$1 code=$2 pattern=$3; shift 3
    "$@" >fails.out 2>fails.err </dev/null
    local got=$?
    if [ "$got" -ne "$code" ]; then
        failed "$name: exit $got, expected $code"; tail -n 15 fails.err
    elif ! grep -Eq -- "$pattern" fails.err; then
        failed "$name: no '$pattern' in the message"; tail -n 15 fails.err
    elif [ "$(grep -c 'error' fails.err)" -gt 1 ]; then
        failed "$name: more than one error"; tail -n 15 fails.err
    else
        ok "$name"
    fi
}

# same NAME FILE FILE: equal but for times (keys "seconds", "samples_per_second" and what they hold).
without_times() { sed -E 's/seconds": ?(\{[^}]*\}|[0-9.eE+-]+)//g' "$1"; }
same() {
    if diff <(without_times "$2") <(without_times "$3") >same.log; then ok "$1"; else failed "$1"; head -n 10 same.log; fi
}

byte() { printf "\\x$(printf %02x "$1")"; }
be32() { byte $(($1 >> 24 & 255)); byte $(($1 >> 16 & 255)); byte $(($1 >> 8 & 255)); byte $(($1 & 255)); }
# idx_images FILE COUNT HEIGHT WIDTH: random pixels.   idx_labels FILE COUNT CLASSES: labels in turn.
idx_images() { { be32 2051; be32 "$2"; be32 "$3"; be32 "$4"; head -c $(($2 * $3 * $4)) /dev/urandom; } >"$1"; }
idx_labels() {
    { be32 2049; be32 "$2"
      awk -v n="$2" -v k="$3" 'BEGIN { for (i = 0; i < n; i++) printf "\\x%02x", i % k }' | xargs -0 printf '%b'; } >"$1"
}
# idx_set FOLDER TRAIN TEST SIZE CLASSES
idx_set() {
    mkdir -p "$1"
    idx_images "$1/train-images-idx3-ubyte" "$2" "$4" "$4"; idx_labels "$1/train-labels-idx1-ubyte" "$2" "$5"
    idx_images "$1/t10k-images-idx3-ubyte"  "$3" "$4" "$4"; idx_labels "$1/t10k-labels-idx1-ubyte"  "$3" "$5"
}

le16() { byte $(($1 & 255)); byte $(($1 >> 8 & 255)); }
le32() { le16 $(($1 & 65535)); le16 $(($1 >> 16 & 65535)); }
# tone FILE HZ SAMPLES: 16 bit, mono, 8 kHz.
tone() {
    { printf RIFF; le32 $((36 + 2 * $3)); printf 'WAVEfmt '; le32 16; le16 1; le16 1; le32 8000; le32 16000; le16 2; le16 16
      printf data; le32 $((2 * $3))
      awk -v hz="$2" -v n="$3" 'BEGIN { for (i = 0; i < n; i++) { v = int(16000 * sin(6.283185307179586 * hz * i / 8000)); if (v < 0) v += 65536
                                        printf "\\x%02x\\x%02x", v % 256, int(v / 256) } }' | xargs -0 printf '%b'; } >"$1"
}
