# mmlc repl < script: definitions, expressions, decompositions, replays, training and commands; errors change nothing.
. "$(dirname "$0")/../end_to_end/lib.sh"

program=$tests/programs/one_encoder.mml
# says NAME PATTERN SCRIPT [ARGS…]: all goes well, and standard output has the pattern.
says() {
    local name=$1 pattern=$2 script=$3; shift 3
    if printf '%b' "$script" | "$MMLC" repl "$@" >says.out 2>says.err && grep -Eq -- "$pattern" says.out; then ok "$name"
    else failed "$name"; tail -n 5 says.out says.err; fi
}
# errs NAME PATTERN SCRIPT [ARGS…]: exit 1, one error that has the pattern, and the session goes on: a last line gives 42.
errs() {
    local name=$1 pattern=$2 script=$3; shift 3
    printf '%b\n40 + 2\n' "$script" | "$MMLC" repl "$@" >errs.out 2>errs.err; local got=$?
    if [ "$got" -eq 1 ] && grep -Eq -- "$pattern" errs.err && [ "$(grep -cE '^(mmlc: )?error: |: error\[' errs.err)" -eq 1 ] && [ "$(tail -n 1 errs.out)" = "42 : int" ]; then ok "$name"
    else failed "$name: exit $got"; tail -n 5 errs.out errs.err; fi
}

# --- expressions
says "arithmetic"                    '^7 : int$'                         '1 + 2 * 3\n'
says "reals and functions"           '^8\.0 : real$'                     'pow(2.0, 3)\n'
says "units"                         '^0\.5 s : time$'                   '100 ms + 0.4 s\n'
says "a binding"                     '^6 : int$'                         'x = 3\nx * 2\n'
says "let is the same"               '^6 : int$'                         'let x = 3\nx * 2\n'
says "a binding by itself"           '^x = 4 : int$'                     'x = 3\nx = x + 1\n'
says "a text with a value in it"     '^"x is 3" : string$'               'x = 3\n"x is {x}"\n'
says "a line that ends in an operator goes on" '^3 : int$'               '1 +\n2\n'
says "an open bracket goes on"       '^5 : int$'                         'max(\n3,\n\n5\n)\n'
{ printf 'max(\n3,\n'; printf '# ) %s\n' {1..30}; printf '# %s\n' {1..20000}; printf '5)\n'; } | "$MMLC" repl >long.out 2>&1
[ "$(cat long.out)" = "5 : int" ] && ok "however long it is, and whatever comments close" || failed "a long input: $(head -c 300 long.out)"
{ head -c 17000000 /dev/zero | tr '\0' a; printf '\nmax(\n'; head -c 17000000 /dev/zero | tr '\0' ' ' | fold -w 100000; printf '\n40 + 2\n'; } | "$MMLC" repl >long.out 2>long.err
[ "$(cat long.out)" = "42 : int" ] && [ "$(grep -c 'longer than 16 MiB' long.err)" -eq 2 ] && ok "a line of 17 MB, and 170 lines that make up as much, are left out" || { failed "inputs too long"; tail -n 3 long.err; }
{ printf 'x = [\n'; for i in $(seq 9000); do printf '[[%d, 1], [0, 1]],\n' "$i"; done; printf '[[1, 0], [1, 1]]]\n40 + 2\n'; } | "$MMLC" repl >long.out 2>&1
grep -q '^x = distribution of 9001 x 2 x 2' long.out && [ "$(tail -n 1 long.out)" = "42 : int" ] && ok "a table of 9,001 lines" || failed "a table of many lines: $(tail -n 2 long.out)"
{ head -c 100000 /dev/urandom; printf '\n'; printf '}%.0s\n' {1..300}; printf '40 + 2\n'; } | "$MMLC" repl >bytes.out 2>bytes.err; code=$?
[ "$code" -eq 1 ] && [ "$(tail -n 1 bytes.out)" = "42 : int" ] && ok "any bytes, and the session goes on" || failed "any bytes: exit $code, $(tail -n 1 bytes.out)"
says "else may begin a line"         '^2 : int$'                         'if 1 > 2 then 1\nelse 2\n'
says "a comment alone is nothing"    '^3 : int$'                         '# why\n\n1 + 2 # so\n'
says "lines may end as on Windows"   '^3 : int$'                         '1 +\r\n2\r\n:time\r\n'
errs "a NUL byte"                    'a NUL byte stands'                 '1\0000 + 1'
errs "an unknown name"               '`nobody`'                          'nobody + 1'
errs "a type error"                  'E03'                               '1 s + 2 epochs'
printf 'pid(xor).redundance\n' | "$MMLC" repl 2>field.err >/dev/null
check "the whole message of a field that isn't there" diff "$tests/driver/prompt_field.err" field.err
errs "a syntax error"                'prompt:1:5: error\[E0110\]'        '1 + *'
errs "a bracket too many"            'closes nothing'                    '1 )'
errs "a param that reads itself"     'depend on itself'                  'param a = a + 1'
says "an error leaves a binding"     '^3 : int$'                         'x = 3\nx\n'
printf 'x = 3\nx = y\nx\n' | "$MMLC" repl >left.out 2>/dev/null; [ "$(tail -n 1 left.out)" = "3 : int" ] && ok "a binding that fails leaves the old one" || failed "a binding that fails"

# --- decompositions: Bertschinger et al. 2014, table 1
says "pid(xor) is synergy"           '^  synergy +1\.000000  [█#]+$'     'pid(xor)\n'
says "pid(and) has 0.311 redundancy" '^  redundancy +0\.311278'          'pid(and)\n'
says "pid(or) has half a bit of synergy" '^  synergy +0\.500000'         'pid(or)\n'
says "pid(copy) is unique"           '^  unique x2 +1\.000000'           'pid(copy)\n'
says "pid(unq) is unique to x1"      '^  unique x1 +1\.000000'           'pid(unq)\n'
says "a table"                       '^  redundancy +1\.000000'          'pid([[[1, 0], [0, 0]], [[0, 0], [0, 1]]])\n'
says "a table by name"               '^  synergy +1\.000000'             't = [[[1, 0], [0, 1]], [[0, 1], [1, 0]]]\npid(t)\n'
says "three sources"                 '^  unique x3'                      'pid([[[[1, 0], [0, 1]], [[0, 1], [1, 0]]], [[[0, 1], [1, 0]], [[1, 0], [0, 1]]]])\n'
says "a table is shown with its cells" '^  1     1     1     0\.25 '     'and\n'
says "a field of a decomposition"    '^1\.5 : real$'                     'p = pid(unq)\np.unique[0] + 0.5\n'
says "in a policy's argument"        'tau = 2'                           'p = pid(unq)\nfastpid(tau = p.unique[0] + 1)\n'
printf 'x1,x2,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n' >xor.csv
says "a file"                        '^  synergy +1\.000000'             'pid("xor.csv")\n'
errs "a file that isn't there"       'nowhere.csv'                       'pid("nowhere.csv")'
errs "a ragged table"                'ragged'                            'pid([[[1, 0], [0]], [[0, 1], [1, 0]]])'
errs "a negative weight"             'not negative'                      'pid([[[-1, 0], [0, 1]], [[0, 1], [1, 0]]])'
errs "an unknown field"              'did you mean `synergy`'            'pid(xor).synrgy'
errs "no distribution"               'no distribution'                   'pid(nothing)'

# --- definitions
eager='policy eager(tau = 2.0) {\n  state best = -1.0\n\n  on probe(p) {\n    if p.synergy < 0.9 * best and best > 0 { finish("over") }\n    best = max(best, p.synergy)\n  }\n}\n'
says "a policy in several lines"     '^policy eager$'                    "$eager"
says "it is a value"                 '^eager\(tau = 1\.5\), on probe : policy$' "${eager}eager(tau = 1.5)\n"
says "one of the library"            '^fastpid\(tau = 5, '               'fastpid()\n'
says "its own in place of the library's" '^fastpid\(\), on epoch : policy$' 'policy fastpid() {\non epoch(e) { all() }\n}\nfastpid()\n'
errs "a wrong policy"                'E03'                               'policy bad() {\non probe(p) { nothing() }\n}'
printf "$eager"'policy eager(tau = 3.0) {\non probe(p) { nope() }\n}\neager()\n' | "$MMLC" repl >old.out 2>/dev/null
grep -q '^eager(tau = 2), on probe' old.out && ok "the old definition stays behind a wrong one" || { failed "the old definition"; cat old.out; }
errs "an argument it doesn't have"   '`taw`'                             "${eager}eager(taw = 1)"

# --- commands
says ":help lists functions"         'replay\('                          ':help\n'
says ":type doesn't act"             '^decomposition$'                   ':type pid(xor)\n'
says ":type of a policy"             '^policy$'                          ':type fastpid()\n'
says ":list"                         '^policy eager'                     "${eager}:list\n"
says ":ir of a policy"               'define .*on_probe'                 ':ir fastpid()\n'
says ":asm of a policy"              'mml_rule_only'                     ':asm fastpid()\n'
says ":ir of the experiment"         'conv_forward'                      ':ir\n' "$program"
says ":time shows times"             '^[0-9.]+ ms$'                      ':time\n1 + 1\n'
says ":quit leaves"                  '^2 : int$'                         '1 + 1\n:quit\nnonsense(\n'
errs "an unknown command"            'did you mean :list'                ':lits'
says ":save writes and :load reads"  '^eager\(tau = 2\)'                 "${eager}x = 3\n:save kept.mml\n:load kept.mml\neager()\n"
check "what it writes has the layout" "$MMLC" fmt --check kept.mml
says ":load in a new session"        '^eager\(tau = 3\), on probe'       ':load kept.mml\neager(tau = x)\n'
errs ":load of nothing"              'missing.mml'                       ':load missing.mml'
errs ":save where there is no folder" 'no/such'                          ':save no/such/kept.mml'
grep -q 'help: make the folder first, or name another file$' errs.err && ok "and its remedy" || failed "the remedy for :save"
fails_with "a program that isn't there" 3 'missing.mml'                  "$MMLC" repl missing.mml
printf 'fusion = ->\n' >wrong.mml
fails_with "a wrong program"         1 'wrong.mml:1:10'                  "$MMLC" repl wrong.mml
says "-D counts"                     '^7\.5 : real$'                     'tau + 0.5\n' -D tau=7.0 <(printf 'param tau = 5.0\n')

# --- replay
two=$tests/programs/losses.mml
idx_set digits 60 20 8 4
cat >two.mml <<'END'
use encoders, policies, methods
data digits = idx("digits")
modality left : image[1, 8, 4] {
  input   = digits.image -> scale(1 / 255) -> cols(0, 4)
  encoder = flatten -> linear(6)
}
modality right : image[1, 8, 4] {
  input   = digits.image -> scale(1 / 255) -> cols(4, 4)
  encoder = flatten -> linear(6)
}
target digit : class[4] = digits.label
fusion = concat -> linear(classes)
policy turns(margin = 0.0) {
  state count = 0
  on probe(p) {
    count = count + 1
    say("probe {count}, {p.synergy}")
    if count mod 2 == 1 { only(left) } else { only(right) }
  }
  on epoch(e) { if e.index == 5 { all() } }
  on end_epoch(e) { if e.loss[left] + e.accuracy[left] + e.validation[left] > 1e9 { finish("never") } }
}
train {
  batch = 16
  optimizer = sgd(lr = 1e-2, momentum = 0.9)
  stage unimodal {
    epochs = 7
    probe  = pid(every = 1 epochs, bins = kmeans(4, pca = 2))
    policy = turns()
    watch  = [pid(every = 2 epochs, bins = argmax)]
  }
  stage joint { epochs = 2 }
}
END
check "a run to replay" "$MMLC" run two.mml -- --out run --threads 2 --quiet
says "a run under its own policy is the same" '^unimodal: the same at every one of 6 probes$' 'replay("run", turns())\n' two.mml
says "its probes.jsonl too"          '^unimodal: the same at every one of 6 probes$' 'replay("run/probes.jsonl", turns())\n' two.mml
says "another policy parts"          'part at epoch 2'                   'replay("run", always())\n' two.mml
says "a policy that ends the stage"  'replayed: the stage ends after 1 epoch: enough' 'policy brief() {\non probe(p) { finish("enough") }\n}\nreplay("run", brief())\n'
says "decisions beside each other"   'turns\(\): 0 of 6 differ'          'compare("run", turns(), always(), fastpid())\n' two.mml
says "and a page with them"          '^written to run/compare\.html$'     'compare("run", turns(), fastpid(tau = 2))\n' two.mml
check "the page names each policy" grep -q '<th>fastpid(tau = 2)</th>' run/compare.html
check "it tells how often a policy differs" grep -q '<td class="number">0 of 6</td>' run/compare.html
check "it has no scripts and loads nothing" sh -c '! grep -Eiq "<script|https?:|src=" run/compare.html'
mkdir -p kept/compare.html && cp run/*.json* kept/
says "no page can be written: said, no more" '^note: no page was written: '   'compare("kept", turns())\n' two.mml
says "a log's probes in a table"      '^7 ( +-?[0-9.]+){6} +[0-9.]+e-[0-9]+$' 'pid("run")\n'
logged=$(grep -v '"watch' run/probes.jsonl | tail -n 1 | sed -E 's/.*"redundancy": *(-?[0-9.e+-]+).*/\1/')
says "whose last is the value"       "^$logged : real\$"                 'p = pid("run/probes.jsonl")\np.redundancy\n'
says "with what was watched"         '^unimodal, watch'                  'pid("run")\n'
errs "a folder without a log"        'digits/probes.jsonl'               'pid("digits")'
mkdir cut; head -c $(($(wc -c <run/probes.jsonl) - 40)) run/probes.jsonl >cut/probes.jsonl
says "a log cut in a line is noted"  '^note: cut/probes.jsonl is cut in line' 'replay("cut", turns())\n' two.mml
says "and replayed up to there"      'the same at every one of'          'replay("cut", turns())\n' two.mml
says "and shown up to there"         '^note: cut/probes.jsonl is cut in line' 'pid("cut/probes.jsonl")\n'
sed '2s/^/x/' run/probes.jsonl >cut/probes.jsonl
errs "a log damaged in the middle"   'probes.jsonl, line 2'              'replay("cut", fastpid())'
sed '1s/"epoch": 2/"epoch": 9000000000000000000/' run/probes.jsonl >cut/probes.jsonl
errs "an epoch beyond any run"       'line 1: "epoch" is 9000000000000000000, not one of 0 to' 'replay("cut", fastpid())'
errs "a log that isn't there"        'nowhere'                           'replay("nowhere", fastpid())'
errs "a log and no policy"           'not a policy'                      'replay("run", 3)'
errs "a requires that doesn't hold"  'requires'                          'replay("run", fastpid(tau = 0.5))'

# --- training
numbers() { sed -nE 's/  \| lr .*//; s/  [0-9.]+ s$//; /^(unimodal|joint) [0-9]|^(unimodal|joint) ends|^  (fused|left|right)/p' "$1"; }
"$MMLC" run two.mml -- --out whole --threads 2 >whole.out
sed 's/stage joint { epochs = 2 }/stage joint { epochs = 2; method = concat() }/' two.mml >concat.mml
"$MMLC" run concat.mml -- --threads 2 >concat.out
grep -q '^  left .* by its own head, trained up to stage unimodal$' concat.out && grep -q '^  left .* by its own head$' whole.out && \
    ok "a head that the last stage doesn't train is told apart" || failed "heads in the summary"
train() { printf '%b' "$1" | "$MMLC" repl two.mml -- --threads 2 >train.out 2>train.err; }
same_training() { numbers whole.out >a; numbers train.out >b; if [ -s a ] && cmp -s a b; then ok "$1"; else failed "$1"; diff a b | head -n 5; tail -n 3 train.err; fi; }
train 'train()\n';                                              same_training "train() is the trainer"
train 'train(epochs = 3)\ntrain(epochs = 1)\ntrain()\n';        same_training "epochs by epochs too"
train 'step(6)\nstep()\nstep(9)\ntrain()\n';                    same_training "batches by batches too"
train 'step(5)\nsave(here)\nprobe()\nrestore(here)\ntrain()\n'; same_training "a probe and a way back change nothing"
train 'train(turns(), epochs = 2)\nrestore(start)\ntrain(turns())\n'
numbers train.out | sed -n '1,/unimodal 2.*test/!p' >b; numbers whole.out >a
cmp -s a b && ok "its own policy, given by hand, from the start" || { failed "its own policy, given by hand"; diff a b | head -n 5; tail -n 3 train.err; }
train 'train(epochs = 3)\nsave("state.safetensors")\n'; [ -s state.safetensors ] && ok "a state in a file" || failed "a state in a file"
train 'train()\nsave("trained.safetensors")\n'
weights() { "$MMLC" run two.mml -- --threads 2 --init "$1" --set train.unimodal.epochs=0 --set train.joint.epochs=0 --out "$2" --quiet; }
weights trained.safetensors prompts-weights && weights whole/last.safetensors trainers-weights
check "its weights are the trainer's to the last bit" cmp prompts-weights/last.safetensors trainers-weights/last.safetensors
"$MMLC" run two.mml -- --threads 2 --set train.unimodal.epochs=0 --set train.joint.epochs=0 --out first-weights --quiet
check "and not those of the beginning" sh -c '! cmp -s prompts-weights/last.safetensors first-weights/last.safetensors'
says "it is read back"               '^restored state.safetensors: unimodal, after epoch 3' 'restore("state.safetensors")\n' two.mml -- --threads 2
says "a policy is tried, and another from the same state" '^restored a: unimodal, after epoch 1' 'train(epochs = 1)\nsave(a)\ntrain(always(), epochs = 1)\nrestore(a)\ntrain(fastpid(), epochs = 1)\n' two.mml
says "a probe"                       '^  unique left '                   'train(epochs = 1)\nprobe()\n' two.mml
says "a number of a probe"           ' : real$'                          'train(epochs = 1)\nq = probe()\nq.total\n' two.mml
errs "nothing to train"              'no experiment'                     'train()'

# --- a disk that fills while saving: one message, the old file stands, the session goes on
full() {        # NAME FOLDER LIMIT: into FOLDER; LIMIT: of file sizes, in KiB
    cp two.mml "$2/kept.mml"
    { cat two.mml; for i in $(seq 60); do printf "$eager" | sed "s/eager/eager$i/"; done; } >large.mml
    (ulimit -f "$3"; errs "$1: definitions" 'kept.mml: (No space|File too large)' ":save $2/kept.mml" large.mml; exit "$failures") || failures=$?
    (ulimit -f "$3"; errs "$1: a state" 'cannot write .*kept.safetensors: (No space|File too large).*; (free|raise)' "train(epochs = 1)\nsave(\"$2/kept.safetensors\")" two.mml; exit "$failures") || failures=$?
    cmp -s two.mml "$2/kept.mml" && [ "$(ls "$2" | grep -cv '^filler$')" -eq 1 ] && ok "$1: the old file stands, and nothing else" || failed "$1: what is left: $(ls -l "$2")"
}
mkdir limited; full "a limit of file sizes" limited 4
if [ "$(id -u)" -eq 0 ] && mkdir -p small && mount -t tmpfs -o size=64k tmpfs small 2>/dev/null; then
    head -c 56k /dev/zero >small/filler
    full "a full disk" small unlimited
    umount small
else
    skip "a full disk at the prompt: can't mount a tmpfs here"
fi
errs "a state that isn't there"      'did you mean `start`'              'restore(stark)' two.mml
errs "a state's folder isn't there"  'no/such'                           'save("no/such/state.safetensors")' two.mml
errs "epochs of none"                'at least 1'                        'train(epochs = 0)' two.mml
errs "an argument train doesn't have" 'did you mean `epochs`'            'train(epoch = 1)' two.mml
errs "data that aren't there"        'nowhere'                           'data digits = idx("nowhere")\ntrain()' two.mml
finish
