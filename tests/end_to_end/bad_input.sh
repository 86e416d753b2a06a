# Whatever is wrong with the input: one clear message, the exit code of the table, nothing half-written.
. "$(dirname "$0")/lib.sh"

program=$tests/programs/one_encoder.mml
idx_set good 40 20 8 4
check "mmlc one_encoder" "$MMLC" "$program" -o one
with() { rm -rf bad; cp -r good bad; }

with; head -c 500 good/train-images-idx3-ubyte >bad/train-images-idx3-ubyte
fails_with "truncated IDX"        3 'train-images-idx3-ubyte' ./one --root bad --out r1
with; { be32 2052; tail -c +5 good/train-images-idx3-ubyte; } >bad/train-images-idx3-ubyte
fails_with "wrong magic"          3 'magic' ./one --root bad --out r2
with; idx_labels bad/train-labels-idx1-ubyte 40 9
fails_with "labels out of range"  3 'label' ./one --root bad --out r3
with; idx_labels bad/train-labels-idx1-ubyte 39 4
fails_with "images and labels of different count" 3 '39' ./one --root bad --out r4
with; idx_images bad/train-images-idx3-ubyte 0 8 8; idx_labels bad/train-labels-idx1-ubyte 0 4
fails_with "zero samples"         3 'no samples|0 samples|empty' ./one --root bad --out r5
with; idx_images bad/train-images-idx3-ubyte 40 9 9; idx_images bad/t10k-images-idx3-ubyte 20 9 9
fails_with "images of another size" 3 '\[1, 9, 9\]' ./one --root bad --out r6
with; gzip bad/train-images-idx3-ubyte; truncate -s 1000 bad/train-images-idx3-ubyte.gz
fails_with "truncated gzip"       3 'train-images-idx3-ubyte.gz' ./one --root bad --out r7
with; rm bad/t10k-labels-idx1-ubyte
fails_with "a missing file"       3 't10k-labels-idx1-ubyte' ./one --root bad --out r8
fails_with "a missing folder"     3 'nowhere' ./one --root nowhere --out r9
for i in 1 2 3 4 5 6 7 8 9; do [ -e "r$i" ] && [ -n "$(find "r$i" -name '*.safetensors')" ] && failed "r$i: weights after a data error"; done

cat >table.mml <<'P'
param root : path = "."
data rows = csv("{root}/a.csv", "{root}/b.csv", label = last, test = every(2, 1))
modality a : vector[2] {
  input   = rows.a -> normalize(train)
  encoder = linear(4)
}
modality b : vector[1] {
  input   = rows.b
  encoder = linear(4)
}
target y : class[2] = rows.label
fusion = concat -> linear(classes)
train {
  batch     = 4
  optimizer = sgd(lr = 0.1)
  stage joint { epochs = 1 }
}
P
check "mmlc table.mml" "$MMLC" table.mml -o table
good_csv() { printf 'x,y,c\n1,2,0\n2,3,1\n3,4,0\n4,5,1\n5,6,0\n6,7,1\n' >a.csv; printf 'z,c\n1,0\n2,1\n3,0\n4,1\n5,0\n6,1\n' >b.csv; }
good_csv; check "csv trains" ./table --out t0 --quiet
good_csv; sed -i '3s/3/three/' a.csv;   fails_with "text in a number"       3 'a.csv:3' ./table --out t1
good_csv; sed -i '4s/,4//' a.csv;       fails_with "ragged rows"            3 'a.csv:4' ./table --out t2
good_csv; sed -i '2s/^1/nan/' a.csv;    fails_with "NaN in data"            3 'a.csv:2' ./table --out t3
good_csv; sed -i '2s/0$/1/' b.csv;      fails_with "labels that disagree"   3 'b.csv'   ./table --out t4
good_csv; sed -i '$d' b.csv;            fails_with "files of different length" 3 'b.csv' ./table --out t5
good_csv; printf '' >a.csv;             fails_with "an empty file"          3 'a.csv'   ./table --out t6
good_csv; sed -i '2s/0$/7/' a.csv b.csv; fails_with "a label out of range"  3 '7'       ./table --out t7
good_csv; sed -i '2s/0$/0.5/' a.csv b.csv; fails_with "a label that is no class" 3 '0\.5' ./table --out t8
good_csv

sed 's/every(2, 1)/every(100, 99)/' table.mml >untested.mml; "$MMLC" untested.mml -o untested
check "no row is a test row" ./untested --out u1 --quiet
grep -q '"best": {"accuracy": null' u1/summary.json && ok "no best accuracy without a test split" || failed "best of no samples: $(grep best u1/summary.json)"

fails_with "an unknown option"         2 'epochs|option'   ./one --root good --epoch 3
fails_with "an option near a known one" 2 '\-\-seed'       ./one --root good --sead 3
fails_with "an unknown setting"        2 'train.joint.epochs' ./one --root good --set train.joint.epoch=3
fails_with "a value of the wrong type" 2 'epochs'          ./one --root good --set train.joint.epochs=soon
fails_with "a hexadecimal number"      2 'lr'              ./one --root good --set train.joint.optimizer.lr=0x10
fails_with "a number out of range"     2 'lr'              ./one --root good --set train.joint.optimizer.lr=-1
fails_with "an unknown device"         2 'device|cuda'     ./one --root good --device tpu
fails_with "mmlc: an unknown option"   2 'option'          "$MMLC" --wat "$program"
if grep -q avx512f /proc/cpuinfo; then
    skip "code for another machine: this one has AVX-512"
else
    fails_with "mmlc run: code for another machine" 2 'x86-64-v4' "$MMLC" run "$program" --target-cpu x86-64-v4 -- --root good --out v4
fi
fails_with "mmlc: an unknown param"    1 'nope|param'      "$MMLC" -D nope=3 "$program" -o no
fails_with "mmlc: no such file"        3 'missing.mml'     "$MMLC" missing.mml
fails_with "mmlc: an output folder that isn't there" 3 'no/such' "$MMLC" "$program" -o no/such/one
mkdir -p taken; fails_with "mmlc: the output is a folder" 3 'taken' "$MMLC" "$program" -o taken
fails_with "mmlc: no linker"           3 'cc'              env PATH=/nonexistent "$MMLC" "$program" -o unlinked
[ -e unlinked ] && failed "mmlc: something left where linking failed" || ok "nothing left where linking failed"
printf 'data = = idx(\n' >wrong.mml
"$MMLC" wrong.mml -o wrong >/dev/null 2>wrong.err; [ $? -eq 1 ] && [ ! -e wrong ] && ok "a wrong program gives exit 1 and no file" || failed "a wrong program"

check "a run to take weights from" ./one --root good --out weights --quiet
check "a run that skips every stage" ./one --root good --out skipped --quiet --set train.joint.epochs=0
check "what wasn't trained isn't reported" grep -q '"accuracy": null' skipped/summary.json
check "--eval of its own weights" ./one --root good --eval weights/last.safetensors
sed 's/linear(16)/linear(8)/' "$program" >other.mml; "$MMLC" other.mml -o other
fails_with "weights of another model"  3 'gray'            ./other --root good --eval weights/last.safetensors
head -c 300 weights/last.safetensors >cut.safetensors
fails_with "truncated weights"         3 'cut.safetensors' ./one --root good --eval cut.safetensors
fails_with "no weights"                3 'none.safetensors' ./one --root good --eval none.safetensors
if [ -c /dev/full ]; then
    full() { "$@" >/dev/full; }
    fails_with "standard output that is full" 3 'standard output' full ./one --root good --out f1 --json
    fails_with "help into a full output"      3 'standard output' full ./one --help
else
    skip "a full output: there is no /dev/full"
fi
./one --root good --out c1 <&- >&- 2>&-
[ -s c1/metrics.jsonl ] && ! grep -qv '^{' c1/metrics.jsonl c1/probes.jsonl && ok "closed standard streams leave the logs alone" || failed "something else in the logs of closed streams"
mkfifo pipe; ln -s elsewhere.csv link
fails_with "predictions into a folder" 3 'bad is not a regular file' ./one --root good --out p1 --predict bad
fails_with "predictions into a pipe"   3 'pipe is not a regular file' ./one --root good --out p2 --predict pipe
fails_with "predictions into a link"   3 'link is not a regular file' ./one --root good --eval weights/last.safetensors --predict link
[ -p pipe ] && [ -L link ] && ok "pipe and link stand as they were" || failed "--predict replaced what is no regular file"
fails_with "an output folder with a run in it" 2 'weights' ./one --root good --out weights

if [ "$(id -u)" -eq 0 ] && mkdir -p small && mount -t tmpfs -o size=64k tmpfs small 2>/dev/null; then
    fails_with "a full disk"           3 'space|full|room' ./one --root good --out small/run
    umount small
else
    skip "a full disk: can't mount a tmpfs here"
fi
: >plainfile
fails_with "an output folder below a file" 3 'plainfile' ./one --root good --out plainfile/run
if [ "$(id -u)" -eq 0 ] && mkdir -p locked && mount -t tmpfs -o ro,size=64k tmpfs locked 2>/dev/null; then
    fails_with "a read-only output folder" 3 'locked' ./one --root good --out locked/run
    umount locked
else
    skip "a read-only folder: can't mount one here"
fi
awk 'BEGIN { print "x1,x2,y"; for (i = 0; i < 120; i++) print i / 7 "," i % 3 "," i % 2 }' >real.csv
"$MMLC" pid real.csv >/dev/null 2>real.err; grep -q 'warning.*x1 has 120 values' real.err && ok "mmlc pid warns of columns that aren't binned" || failed "no warning of real numbers as bins"
cat >nan.mml <<'P'
param root : path
data digits = idx(root)
modality gray : image[1, 8, 8] {
  input   = digits.image -> scale(1e30)
  encoder = conv(8, 3) -> relu -> avgpool -> linear(16)
}
target digit : class[4] = digits.label
fusion = concat -> linear(classes)
train {
  batch     = 16
  optimizer = sgd(lr = 1e20)
  stage joint { epochs = 3 }
}
P
check "mmlc nan.mml" "$MMLC" nan.mml -o nan
fails_with "an infinite loss names epoch, batch and layer" 1 'epoch .*batch' ./nan --root good --out nan-run
finish
