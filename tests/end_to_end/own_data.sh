# Data of one's own: sounds by class, and sounds beside pictures of the same name, in a folder for each class.
. "$(dirname "$0")/lib.sh"

pictures=$tests/data/files/pictures
mkdir -p own/high own/low
for take in 1 2 3 4 5 6 7 8 9; do
    tone own/low/take-$take.wav $((500 + 20 * take)) $((300 + 40 * take))
    tone own/high/take-$take.wav $((2000 + 20 * take)) $((340 + 40 * take))
    cp "$pictures/gray.png" own/low/take-$take.png; cp "$pictures/rgb.png" own/high/take-$take.png
done
cat >both.mml <<'P'
use policies, methods
data own = folder("own", test = every(3, 2), skip = 10 %)
modality sound : spectrogram[1, 33, 11] {
  input   = own.wav -> mono(8 kHz) -> fit(50 ms) -> stft(window = 64, hop = 32) -> log -> standardize
  encoder = flatten -> linear(8)
}
modality photo : image[3, 12, 12] { input = own.image -> resize(12, 12) -> scale(1 / 255); encoder = flatten -> linear(8) }
target pitch : class[2] = own.label
fusion = concat -> linear(classes)
train {
  batch     = 4
  optimizer = sgd(lr = 0.01, momentum = 0.9)
  stage unimodal { epochs = 4; probe = pid(every = 2 epochs, bins = kmeans(2, pca = 2)); policy = fastpid() }
  stage joint { epochs = 4 }
}
P
grep -v '^modality photo' both.mml | sed '/stage unimodal/d' >sound.mml
check "mmlc sound.mml" "$MMLC" sound.mml -o sound
check "sounds of several lengths by class train" ./sound --out s1 --quiet
check "two pitches are told apart" grep -q '"accuracy": 1,' s1/summary.json
check "mmlc both.mml" "$MMLC" both.mml -o both
./both --out b1 >b1.out 2>&1; check "sounds beside pictures train" test -s b1/summary.json
check "a name is a sample" grep -q '12 train, 6 test' b1.out
check "its classes are in the log" grep -q '"classes": *\[ *"high", *"low" *\]' <(tr -d '\n' <b1/run.json)
./both --out b2 --threads 1 --cache kept --quiet >/dev/null 2>&1
same "one thread and a cache give the same numbers" b1/metrics.jsonl b2/metrics.jsonl

mv own/low/take-3.png own/low/other.png
fails_with "a sound without its picture" 3 "2 of the 19 samples of data.own .*1 sample has no picture of its name: .own/low/take-3.wav" ./both --out b3
./both --set 'data.own.skip=20 %' --out b4 >b4.out 2>&1
check "is skipped and named" grep -q "1 sample has no picture of its name: 'own/low/take-3.wav'" b4.out
check "as is a picture without its sound" grep -q "1 sample has no sound of its name: 'own/low/other.png'" b4.out
check "check --data tells it before anything is trained" grep -q '2 skipped' <("$MMLC" check --data both.mml -- --set 'data.own.skip=20 %' 2>&1)
finish
