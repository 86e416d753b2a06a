# mmlc's own command line: options, exit codes, where results go, what is left when something fails.
. "$(dirname "$0")/../end_to_end/lib.sh"

program=$tests/programs/one_encoder.mml
prints() {        # NAME PATTERN COMMAND…: succeeds, and standard output has the pattern
    local name=$1 pattern=$2; shift 2
    if "$@" >prints.out 2>prints.err && grep -Eq -- "$pattern" prints.out; then ok "$name"; else failed "$name: $*"; tail -n 5 prints.out prints.err; fi
}
exits() {         # NAME CODE COMMAND…
    local name=$1 code=$2 got; shift 2
    "$@" >exits.log 2>&1 </dev/null; got=$?
    [ "$got" -eq "$code" ] && ok "$name" || { failed "$name: exit $got, expected $code"; tail -n 5 exits.log; }
}
left() { find . -mindepth 1 | sort; }

# --- texts
prints "--version names the version"         '^mmlc [0-9]+\.[0-9]+\.[0-9]+ \(LLVM 19'  "$MMLC" --version
prints "--help has every command"            'run FILE.mml'                    "$MMLC" --help
for option in --cache --tune --output --define --set --emit -O --target-cpu -g --include --color --time --json --explain --check; do
    prints "--help has $option"              "^ .*${option}\b"                 "$MMLC" --help
done
prints "check --help has its own options"    '--explain'                       "$MMLC" check --help
"$MMLC" check --help | grep -q -- '--emit' && failed "check --help has --emit" || ok "check --help leaves out what it doesn't know"
prints "explain CODE shows the repair"       'momentum = 0.9'                  "$MMLC" explain E0110
prints "explain takes a code without E"      'syntax error'                    "$MMLC" explain 0110
prints "explain lists the catalogue"         '^E0110  syntax error'            "$MMLC" explain
for code in $("$MMLC" explain | cut -c1-5); do "$MMLC" explain "$code" >/dev/null || failed "mmlc explain $code"; done

# --- wrong calls
fails_with "nothing at all"                  2 'no program'                    "$MMLC"
fails_with "an option near a known one"      2 '`--output`'                    "$MMLC" --outputs x "$program"
fails_with "an ambiguous option"             2 'more than one'                 "$MMLC" --e ir "$program"
fails_with "an option without its value"     2 'needs a value'                 "$MMLC" "$program" -o
fails_with "a value for an option without"   2 'takes no value'                "$MMLC" --time=3 "$program"
fails_with "an unknown stage to emit"        2 '`llvm`'                        "$MMLC" --emit llvn "$program"
fails_with "an unknown time for colours"     2 '`always`'                      "$MMLC" --color alway "$program"
fails_with "a level out of range"            2 '0 to 3'                        "$MMLC" -O4 "$program"
fails_with "a param without value"           2 'NAME=VALUE'                    "$MMLC" -D half "$program"
fails_with "an unknown processor"            2 'skylake'                       "$MMLC" --target-cpu skylaek "$program" -o x
fails_with "two programs"                    2 'one file'                      "$MMLC" "$program" "$program"
fails_with "--emit has no meaning for check" 2 'check'                         "$MMLC" check --emit ir "$program"
prints "the trainer of mmlc run says how it is called" 'Usage: mmlc run .*one_encoder\.mml -- ' "$MMLC" run "$program" -- --help
fails_with "arguments behind -- for a build" 2 'mmlc run'                      "$MMLC" "$program" -- --seed 1
fails_with "trainer's options without --"    2 'behind `--`'                   "$MMLC" run "$program" --epochs 3
fails_with "an unknown diagnostic"           2 'E0999'                         "$MMLC" explain E0999
fails_with "--tune for another processor"    2 'another'                       "$MMLC" --tune --target-cpu x86-64-v2 "$program"
fails_with "--tune without code"             2 'stops before'                  "$MMLC" --tune --emit ast "$program"
fails_with "--tune without a cache"          3 'no folder'                     "$MMLC" --tune --cache off "$program"

# --- the system
fails_with "no such program"                 3 'missing.mml'                   "$MMLC" missing.mml
fails_with "a folder as program"             3 'directory'                     "$MMLC" /tmp
truncate -s 17M large.mml; fails_with "too large a program" 3 '16 MiB'         "$MMLC" check large.mml; rm large.mml
fails_with "an output folder that isn't there" 3 'no/such'                     "$MMLC" "$program" -o no/such/one
mkdir taken; fails_with "a folder as output" 3 'folder'                        "$MMLC" "$program" -o taken
fails_with "a device as output"              3 'regular file'                  "$MMLC" "$program" -o /dev/null
[ -c /dev/null ] && ok "/dev/null is left alone" || failed "/dev/null was replaced"
cp "$program" same; fails_with "the program as output" 3 'overwrite'           "$MMLC" same
cmp -s same "$program" && ok "the program is left alone" || failed "the program was overwritten"
ln -s same link; fails_with "a link to the program as output" 3 'overwrite'    "$MMLC" same -o link; rm link same
fails_with "no linker"                       3 '`cc`'                          env PATH=/nonexistent "$MMLC" "$program" -o unlinked
mkdir bin; printf '#!/bin/sh\necho "the linker says this" >&2\nexit 1\n' >bin/cc; chmod +x bin/cc
fails_with "a linker that fails is quoted"   3 'the linker says this'          env PATH="$PWD/bin:$PATH" "$MMLC" "$program" -o unlinked
fails_with "no folder for temporary files"   3 'TMPDIR'                        env TMPDIR=/nonexistent "$MMLC" --emit asm "$program"
if "$MMLC" --emit ast "$program" >/dev/full 2>full.err; then failed "a full standard output"; else
    grep -q 'standard output' full.err && ok "a full standard output is said" || failed "a full standard output isn't said"; fi
if [ "$(id -u)" -eq 0 ] && mkdir small && mount -t tmpfs -o size=8k tmpfs small 2>/dev/null; then
    fails_with "a full disk"                 3 'space'                         "$MMLC" "$program" -o small/one
    fails_with "a full disk under an object" 3 'space'                         "$MMLC" --emit obj "$program" -o small/one.o
    [ -z "$(ls small)" ] && ok "nothing is left on a full disk" || failed "left on a full disk: $(ls small)"
    umount small; rmdir small
else
    skip "a full disk: can't mount a tmpfs here"
fi
mkdir temporary; export TMPDIR=$PWD/temporary
printf '#!/bin/sh\necho $$ >"%s/linking"\nexec sleep 20\n' "$PWD" >bin/cc
PATH="$PWD/bin:$PATH" "$MMLC" "$program" -o interrupted >/dev/null 2>&1 &
process=$!
for i in $(seq 100); do [ -s linking ] && break; sleep 0.1; done
kill -TERM "$process"; wait "$process" 2>/dev/null
[ -z "$(ls temporary; ls | grep interrupted)" ] && ok "a signal leaves no temporary file" || failed "a signal leaves $(ls . temporary)"
kill "$(cat linking)"
"$MMLC" --emit llvm "$program" 2>/dev/null | head -n 1 >/dev/null
[ -z "$(ls temporary)" ] && ok "a closed pipe leaves no temporary file" || failed "a closed pipe leaves $(ls temporary)"
unset TMPDIR
rm -rf linking bin temporary taken ./*.err ./*.out ./*.log
[ -z "$(left)" ] && ok "nothing is left behind by what failed" || failed "left behind: $(left | tr '\n' ' ')"

# --- results
check "an executable named after the file"   "$MMLC" "$program"
check "it runs"                              ./one_encoder --version
check "-oFILE"                               "$MMLC" "$program" -oother
check "an existing file is replaced"         "$MMLC" "$program" -o other
ln -s other link; "$MMLC" "$program" -o link; [ -L link ] && ok "behind a link its target is replaced" || failed "a link was replaced"
prints "--emit tokens"                       '`modality`'                      "$MMLC" --emit tokens "$program"
prints "--emit ast"                          '^  \(modality gray'              "$MMLC" --emit ast "$program"
prints "--emit ir"                           'conv_forward'                    "$MMLC" --emit ir "$program"
prints "--emit llvm"                         'mml_experiment_data'             "$MMLC" --emit llvm "$program"
prints "--emit asm"                          '\.text'                          "$MMLC" --emit asm "$program"
check "--emit obj"                           "$MMLC" --emit obj "$program"; check "goes to NAME.o" test -s one_encoder.o
check "--emit into -o"                       "$MMLC" --emit ast -o tree.txt "$program"; check "it is there" grep -q '^(file' tree.txt
for level in 0 1 2 3; do check "-O$level"    "$MMLC" -O$level "$program" -o level; done
check "-g"                                   "$MMLC" -g "$program" -o debug
check "--target-cpu x86-64-v2"               "$MMLC" --target-cpu x86-64-v2 "$program" -o older
check "the older processor's program runs"   ./older --version
if [ -e "$(cc -print-file-name=libopenblas.a)" ] && [ -e "$(cc -print-file-name=libgfortran.a)" ]; then
    check "--static-blas"                    "$MMLC" --static-blas "$program" -o static
    check "it needs no shared OpenBLAS"      bash -c '! ldd ./static | grep openblas'
else
    skip "--static-blas: no libopenblas.a or libgfortran.a here"
fi
"$MMLC" check --time "$program" 2>time.err
"$MMLC" --time "$program" -o timed 2>>time.err
for pass in syntax types graph module optimisation code link total; do grep -q "$pass" time.err && ok "--time has $pass" || failed "--time lacks $pass"; done
cp one_encoder moved_elsewhere; check "the executable runs after moving" ./moved_elsewhere --help

# --- check
check "check says nothing about a right program" bash -c '[ -z "$("$1" check "$2" 2>&1)" ]' - "$MMLC" "$program"
printf 'fusion = concat ->\ndata d = idx(3 4)\n' >wrong.mml
exits  "a wrong program gives 1"             1 "$MMLC" check wrong.mml
"$MMLC" check wrong.mml 2>wrong.err; grep -q '^wrong.mml:2:16: error\[E0110\]: expected `)` or `,`, found `4`$' wrong.err && ok "FILE:LINE:COLUMN: error[CODE]: text" || { failed "the form of a message"; cat wrong.err; }
"$MMLC" check --json wrong.mml 2>wrong.json
[ "$(wc -l <wrong.json)" -ge 2 ] && [ "$(grep -cE '^\{"severity": "error", "code": "E[0-9]{4}", .*"begin": [0-9]+, "end": [0-9]+, .*\}$' wrong.json)" -eq "$(wc -l <wrong.json)" ] &&
    ok "--json: one object a line" || failed "--json: one object a line"
"$MMLC" check --color always wrong.mml 2>color.err; grep -q $'\033' color.err && ok "--color always" || failed "--color always"
"$MMLC" check --color never wrong.mml 2>color.err;  grep -q $'\033' color.err && failed "--color never" || ok "--color never"
"$MMLC" check wrong.mml 2>color.err;                grep -q $'\033' color.err && failed "colours without a terminal" || ok "no colours without a terminal"
prints "check --explain"                     '^stage joint'                    "$MMLC" check --explain "$program"
# conv 3x3 of one channel to 8 with bias, then 8 to 16 with bias: 80 and 144
prints "check --explain names what has no value" '^  train\.joint\.load$' "$MMLC" check --explain "$program"
prints "and what else"                       '^  train\.optimizer\.clip$'        "$MMLC" check --explain "$program"
prints "check --explain shows the kernels"   'reference [0-9.]+ times that'    "$MMLC" check --explain "$program"
views=$tests/../examples/two_views.mml          # two small encoders: side by side where there are two threads
prints "check --explain shows how branches run" '^  branches +forward and backward, fourier (beside|then) zernike: ' "$MMLC" check --explain "$views"
prints "and --json with the cycles"          '"part":"backward","modalities":\["(fourier","zernike|zernike","fourier)"\],"side_by_side":(true|false),"cycles_side_by_side":[0-9.]+,' "$MMLC" check --explain --json "$views"
prints "and --emit ir with the nodes"        '^  branch fourier$'              "$MMLC" --emit ir "$views"
prints "check --explain --json is one object" '^\{"name":"one_encoder",.*"kind":"conv",[^{}]*"parameters":80,.*"kind":"linear",[^{}]*"parameters":144,.*\}$' "$MMLC" check --explain --json "$program"
printf 'param tau = 5.0\n' | cat - "$program" >with_param.mml
prints "-D shows as origin"                  '-D tau=7'                        "$MMLC" check --explain -D tau=7 with_param.mml
prints "--set shows as origin"               '--set train.joint.epochs=9'      "$MMLC" check --explain --set train.joint.epochs=9 "$program"
fails_with "-D with a wrong expression"      1 '-D tau:1'                      "$MMLC" check -D 'tau=1 +' with_param.mml
mkdir modules; printf 'encoder tiny() { return conv(8, 3) }\n' >modules/small.mml
sed 's/^use encoders, methods/use encoders, methods, small/; s/conv(8, 3)/tiny()/' "$program" >uses.mml
fails_with "a module that isn't there"       1 'small'                         "$MMLC" check uses.mml
check "-I finds it"                          "$MMLC" check -I modules uses.mml

check "options may stand before the command" "$MMLC" -D tau=3 --color never check with_param.mml

# --- run
idx_set digits 40 20 8 4
check "run trains"                           "$MMLC" run "$program" -- --root digits --out jit --quiet
check "it leaves a summary"                  test -s jit/summary.json
fails_with "the trainer's code comes through" 3 'nowhere'                      "$MMLC" run "$program" -- --root nowhere
check "check --data reads the data"          "$MMLC" check --data "$program" -- --root digits
fails_with "check --data names what is missing" 3 'nowhere'                    "$MMLC" check --data "$program" -- --root nowhere
finish
