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
# ---- folders of frames ----

pictures=$tests/data/files/pictures
for clip in cat/a cat/b dog/a dog/b; do mkdir -p pets/$clip; done
cp "$pictures"/{rgb,rgba,gray,palette}.png pets/cat/a; cp "$pictures"/{rgb,progressive,gray}.jpg pets/cat/b
cp "$pictures"/{interlaced,one_bit}.png pets/dog/a; cp "$pictures"/{cmyk,turned}.jpg pets/dog/b
cat >pets.mml <<'P'
data pets = folder("pets", skip = 50 %)
modality clip : video[2, 3, 8, 8] {
  input   = pets.frames -> frames(2, pick = random) -> random_resized_crop(8) -> flip -> normalize(imagenet)
  encoder = each(conv(8, 3) -> relu -> avgpool) -> mean -> linear(8)
}
modality first : image[3, 8, 8] {
  input   = pets.frames -> frames(1) -> resize(8, 8) -> scale(1 / 255)
  encoder = conv(8, 3) -> relu -> avgpool -> linear(8)
}
modality stacked : image[9, 8, 8] {
  input   = pets.frames -> frames(3, pick = middle) -> resize(8, 8) -> stack -> scale(1 / 255)
  encoder = conv(8, 3) -> relu -> avgpool -> linear(8)
}
target kind : class[2] = pets.label
fusion = concat -> linear(classes)
train {
  batch     = 2
  optimizer = sgd(lr = 0.02)
  stage joint { epochs = 3 }
}
P
check "mmlc pets" "$MMLC" pets.mml -o pets-program
./pets-program --out p1 >p1.out 2>&1; check "folders of frames train" test -s p1/summary.json
check "every clip is there" grep -q '4 train' p1.out
./pets-program --out p2 --threads 1 --quiet >/dev/null 2>&1
same "one thread gives the same numbers" p1/metrics.jsonl p2/metrics.jsonl
head -c 300 pets/cat/a/rgb.png >half.png; mv half.png pets/cat/a/rgb.png
./pets-program --out p3 >p3.out 2>&1
check "a picture cut in half is replaced by its neighbour and named" \
    grep -q "^replaced  1 of 11 frames, in 1 clip, by their neighbours; the first: 'pets/cat/a/rgb.png' is a damaged PNG" p3.out
check "their number is in the log" grep -q '"replaced_frames": *1' p3/run.json
for picture in gray palette; do head -c 60 pets/cat/a/$picture.png >half.png; mv half.png pets/cat/a/$picture.png; done
./pets-program --out p4 >p4.out 2>&1
check "a clip with few pictures left is skipped and named" grep -q "^skipped   'pets/cat/a/gray.png' is a damaged PNG" p4.out
sed 's/frames(1) -> resize/resize/' pets.mml >unpicked.mml
fails_with "a clip needs frames(count)" 1 'E0220.*does not fit a folder of pictures' "$MMLC" unpicked.mml
finish
