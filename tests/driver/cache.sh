# The cache of compiled code: what it holds gives the same bytes, what is damaged is made again, what differs has another key.
. "$(dirname "$0")/../end_to_end/lib.sh"

program=$tests/programs/one_encoder.mml
export MML_CACHE=$scratch/cache
count() { ls "$MML_CACHE" 2>/dev/null | grep -c '\.object$'; }
holds() { [ "$(count)" -eq "$2" ] && ok "$1" || failed "$1: $(count) objects, expected $2"; }
bytes() { cmp -s "$2" "$3" && ok "$1" || failed "$1"; }
made_of() { "$MMLC" --time "$program" -o "$1" 2>&1 | grep -oE 'cached code|machine code'; }
from() { local got; got=$(made_of "$3"); [ "$got" = "$2" ] && ok "$1" || failed "$1: $got"; }

from "the first time LLVM makes the code"       'machine code'   one
from "the second time it comes from the cache"  'cached code'    two
bytes "both are the same file" one two
holds "one object is kept" 1
MML_CACHE=off from "MML_CACHE=off makes it again" 'machine code' three
bytes "without a cache it is the same file" one three

ran() { "$MMLC" run --time "$program" -- --version 2>&1 | grep -oE 'cached code|optimisation'; }
[ "$(ran)" = optimisation ] && ok "mmlc run makes its code the first time" || failed "mmlc run makes its code the first time"
[ "$(ran)" = 'cached code' ] && ok "and takes it from the cache the second" || failed "mmlc run takes its code from the cache"
holds "what is run has an object of its own" 2
rm "$MML_CACHE"/*.object; "$MMLC" "$program" -o two

entry=$(ls "$MML_CACHE"/*.object)
truncate -s 100 "$entry"
from "a truncated entry is made again" 'machine code' two
bytes "into the same file" one two
printf 'x' | dd of="$entry" bs=1 seek=2000 conv=notrunc 2>/dev/null
from "a changed byte is noticed" 'machine code' two
bytes "and gives the same file" one two
: >"$entry"; from "an empty entry is made again" 'machine code' two
holds "still one object is kept" 1

sed 's/epochs *= *[0-9]*/epochs = 17/' "$program" >other.mml
"$MMLC" --cache off -O0 "$program" -o three;         holds "--cache off keeps nothing" 1
cmp -s "$program" other.mml && failed "the program for comparison is the same"
"$MMLC" other.mml -o three;                          holds "another number in the program has another key" 2
"$MMLC" -O1 "$program" -o three;                     holds "another level has another key" 3
"$MMLC" --target-cpu x86-64-v2 "$program" -o three;  holds "another processor has another key" 4
"$MMLC" -g "$program" -o three;                      holds "debug information has another key" 5
"$MMLC" --emit llvm "$program" -o three.ll;          holds "text isn't kept" 5
"$MMLC" --emit obj "$program" -o three.o;            holds "--emit obj has the object of an executable" 5

# A byte of its build id (of the section's 36, the last) makes another mmlc of a copy.
mkdir -p changed/compiler && ln -s "$(dirname "$MMLC")/../runtime" changed/runtime && cp "$MMLC" changed/compiler/mmlc
offset=$(readelf -SW "$MMLC" 2>/dev/null | awk '$2 == ".note.gnu.build-id" { print $5 } $3 == ".note.gnu.build-id" { print $6 }')
if [ -n "$offset" ]; then
    byte $((0x$(tail -c +$((0x$offset + 36)) "$MMLC" | head -c 1 | od -An -tx1 | tr -d ' ') ^ 1)) |
        dd of=changed/compiler/mmlc bs=1 seek=$((0x$offset + 35)) conv=notrunc 2>/dev/null
    changed/compiler/mmlc "$program" -o three;       holds "another build of mmlc has another key" 6
else
    skip "another build of mmlc: it has no build id, or there is no readelf"
fi

rm -rf "$MML_CACHE"
for i in 1 2 3 4; do "$MMLC" "$program" -o "four$i" & done; wait
for i in 1 2 3 4; do cmp -s one "four$i" || failed "four at once: $i differs"; done
holds "four at once keep one object" 1
[ -z "$(ls "$MML_CACHE" | grep part)" ] && ok "nothing unfinished is left" || failed "left: $(ls "$MML_CACHE")"

quiet() { local name=$1; shift; if "$@" >quiet.log 2>&1 && [ ! -s quiet.log ]; then ok "$name"; else failed "$name: $(head -n 3 quiet.log)"; fi }
quiet "without HOME nothing is kept"             env -u MML_CACHE -u HOME -u XDG_CACHE_HOME "$MMLC" "$program" -o five
quiet "a HOME that can't be written is no harm"  env -u MML_CACHE -u XDG_CACHE_HOME HOME=/proc/none "$MMLC" "$program" -o five
bytes "and gives the same file" one five
: >file
"$MMLC" --cache file "$program" -o five 2>said && grep -q 'warning: the cache .*file: ' said && ok "a cache that was asked for and can't be used is said" || failed "a cache that can't be used"
fails_with "--cache without a folder" 2 'needs a folder' "$MMLC" --cache= "$program"
if [ "$(id -u)" -eq 0 ] && mkdir small && mount -t tmpfs -o size=12k,mode=700 tmpfs small 2>/dev/null; then
    quiet "a full disk under the cache is no harm" "$MMLC" --cache small "$program" -o five
    bytes "and gives the same file there" one five
    [ -z "$(ls small)" ] && ok "nothing is left on it" || failed "left: $(ls small)"
    umount small
else
    skip "a full disk: can't mount a tmpfs here"
fi
finish
