# Clips: each(f) -> mean from npz to a trained run, whose weights are those of f alone.
. "$(dirname "$0")/lib.sh"

# program NAME TYPE FIELD ENCODER
program() {
    cat >"$1.mml" <<P
data clips = npz("clips.npz", test = every(3, 2))
modality clip : $2 {
  input   = clips.$3 -> scale(1 / 255)
  encoder = $4
}
modality picture : image[1, 6, 6] {
  input   = clips.picture -> scale(1 / 255)
  encoder = conv(8, 3) -> relu -> avgpool -> linear(8)
}
target kind : class[2] = clips.label
fusion = concat -> linear(classes)
train {
  batch     = 8
  optimizer = sgd(lr = 0.02, momentum = 0.9)
  stage unimodal {
    epochs = 2
    probe  = pid(every = 1 epochs, bins = kmeans(2, pca = 0))
  }
  stage joint { epochs = 10 }
}
P
}

cp "$tests/data/files/clips.npz" .
cnn='conv(8, 3) -> batchnorm -> relu -> avgpool -> flatten'
program clips   'video[3, 1, 6, 6]' clip    "each($cnn) -> mean -> linear(8)"
program stills  'image[1, 6, 6]'    picture "($cnn) -> identity -> linear(8)"
program moving  'video[3, 1, 6, 6]' clip    'each(conv(8, 3) -> flatten) -> linear(8)'
check "mmlc clips" "$MMLC" clips.mml -o clips
check "mmlc stills" "$MMLC" stills.mml -o stills
fails_with "each(f) without a mean doesn't compile" 1 'E0343.*is followed by `-> mean`' "$MMLC" moving.mml

check "the clips train" ./clips --out c1
check "they are told apart" grep -q '"accuracy": 1,' c1/summary.json
check "and so in memory" "$MMLC" run clips.mml -- --out c2 --quiet
same  "with the same numbers" c1/summary.json c2/summary.json
check "and on the reference kernels" ./clips --out c3 --kernels reference --quiet
check "--explain shows the frames" grep -q '3 x \[8, 6, 6\]' <("$MMLC" check --explain clips.mml)
check "--explain --json too" grep -q '"frames": *3' <("$MMLC" check --explain --json clips.mml)
check "fmt leaves the chain as it is" grep -q "  encoder = each($cnn) -> mean -> linear(8)" <("$MMLC" fmt - <clips.mml)

names() { head -c 4000 "$1" | grep -ao '"encoder\.clip\.[^"]*"' | sort; }
check "the stills train" ./stills --out s1 --quiet
names c1/last.safetensors >clips.names; names s1/last.safetensors >stills.names
check "the parameters have f's own names" bash -c 'test -s clips.names && diff clips.names stills.names'
./clips --init s1/last.safetensors --out c4 >init.log 2>&1
check "weights of f alone load into each(f)" grep -q ' 18 tensors loaded, 0 not in the file, 0 of another shape' init.log
finish
