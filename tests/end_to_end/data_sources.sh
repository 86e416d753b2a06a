# Every source with a reader trains, and says in one message what is wrong with its files.
. "$(dirname "$0")/lib.sh"

# train_with NAME DATA MODALITIES TARGET: compiles NAME.mml with two epochs on that data.
program() {
    cat >"$1.mml" <<P
param root : path = "."
$2
$3
$4
fusion = concat -> linear(classes)
train {
  batch     = 8
  optimizer = sgd(lr = 0.01, momentum = 0.9)
  stage unimodal { epochs = 1 }
  stage joint { epochs = 2 }
}
P
    check "mmlc $1" "$MMLC" "$1.mml" -o "$1"
}

# ---- csv with class names ----

awk 'BEGIN { print "x,y,kind"; for (i = 0; i < 60; i++) print i % 7 "," i % 5 "," (i % 2 ? "sour" : "sweet") }' >fruit.csv
program fruit 'data fruit = csv("{root}/fruit.csv", label = "kind", test = 25 %)' 'modality taste : vector[2] {
  input   = fruit.fruit -> normalize(train)
  encoder = linear(4)
}' 'target kind : class[2] = fruit.label'
check "csv with class names trains" ./fruit --out s1 --quiet
grep -rqs '"classes": *\["sour", *"sweet"\]' s1 && ok "the run tells the classes' names" || failed "no names of classes: $(grep -rh classes s1 | head -n 3)"
check "the report's confusion matrix has the classes' names" grep -q '<th class="number">sweet</th>' s1/report.html
sed -i '5s/sour\|sweet/ripe/' fruit.csv
fails_with "csv: a class too many" 3 'fruit.csv:.*label 2 is not below the 2 classes' ./fruit --out s2

# ---- npz ----

cp "$tests/data/files/numpy.npz" .
program arrays 'data arrays = npz("{root}/numpy.npz", test = every(4, 3), holdout = 10 %)' '
modality x    : vector[4]      { input = arrays.x -> normalize(train)
                                 encoder = linear(8) }
modality wide : image[1, 2, 2] { input = arrays.wide -> scale(0.1)
                                 encoder = flatten -> linear(8) }' 'target kind : class[3] = arrays.labels'
check "npz trains" ./arrays --out n1 --quiet
./arrays --out n7 >n7.out 2>&1; check "npz tells the splits" grep -q '16 train, 2 validation, 6 test' n7.out
fails_with "npz: a missing file"      3 'nowhere/numpy.npz.*--root' ./arrays --root nowhere --out n2
mkdir -p cut text; head -c 1000 numpy.npz >cut/numpy.npz; echo "no archive" >text/numpy.npz
fails_with "npz: a truncated archive" 3 'cut/numpy.npz'  ./arrays --root cut --out n3
fails_with "npz: no archive"          3 'text/numpy.npz' ./arrays --root text --out n4
sed 's/arrays.labels/arrays.half/' arrays.mml >half.mml; "$MMLC" half.mml -o half
fails_with "npz: a label that is none" 3 'has 2 axes' ./half --out n5
sed 's/arrays.x /arrays.rows /' arrays.mml >rows.mml; "$MMLC" rows.mml -o rows
fails_with "npz: an array that isn't there" 3 'no array rows .*x, wide, half, flags, labels, big' ./rows --out n6

# ---- folder ----

pictures=$tests/data/files/pictures
mkdir -p pets/cat pets/dog
cp "$pictures"/{rgb,rgba,gray,palette,interlaced}.png pets/cat
cp "$pictures"/{rgb,progressive,gray,cmyk,turned}.jpg "$pictures/jpeg_named.png" pets/dog
program animals 'data pets = folder("{root}/pets", test = every(3, 2), skip = 20 %)' '
modality small : image[3, 8, 8]   { input = pets.image -> resize(8, 8) -> normalize(imagenet)
                                    encoder = conv(4, 3) -> relu -> avgpool -> linear(8) }
modality gray  : image[1, 11, 13] { input = pets.image -> gray -> flip -> scale(1 / 255)
                                    encoder = conv(4, 3) -> relu -> avgpool -> linear(8) }' 'target kind : class[2] = pets.label'
./animals --out f1 >f1.out 2>&1; check "folder trains" test -s f1/summary.json
check "folder tells the splits" grep -q '8 train, 3 test' f1.out
mkfifo pets/cat/pipe.png; ln -s nowhere pets/dog/link.jpg
timeout 20 ./animals --out f0 >f0.out 2>&1
grep -q '2 skipped' f0.out && grep -q "skipped.*pipe.png' is a device or pipe" f0.out && grep -q "skipped.*link.jpg': No such file" f0.out && ok "a pipe and a link to nothing are skipped and named" || failed "a pipe and a link: $(cat f0.out)"
rm pets/cat/pipe.png pets/dog/link.jpg
head -c 300 pets/cat/rgb.png >half.png; mv half.png pets/cat/rgb.png
./animals --out f2 >f2.out 2>&1
grep -q '7 train, 3 test, 1 skipped' f2.out && grep -q "skipped.*cat/rgb.png' is a damaged PNG" f2.out && ok "a PNG cut in half is skipped and named" || failed "a PNG cut in half: $(cat f2.out)"
fails_with "folder: more is skipped than may be" 3 'cat/rgb.png.* is a damaged PNG' ./animals --set data.pets.skip=0 --out f3
fails_with "folder: a missing folder" 3 'nowhere/pets.*--root' ./animals --root nowhere --out f4
cp "$pictures/rgb.png" pets/cat; printf 'P6 1 1 255\n123' >pets/dog/small.ppm
fails_with "folder: a picture of another format" 3 'dog/small.ppm. is neither PNG nor JPEG' ./animals --set data.pets.skip=0 --out f5
rm pets/dog/small.ppm; mkdir pets/eel; cp "$pictures/gray.png" pets/eel
fails_with "folder: a class too many" 3 'eel/gray.png: label 2 .*class\[3\]' ./animals --out f6

# ---- colored_mnist ----

if [ -d "$shared/data/cgmnist-mini" ]; then
    program colored 'param file : path = "../cgmnist-mini/mnist_10color_jitter_var_0.030.npy"
data digits = colored_mnist(root, file, limit = 200, test_limit = 100, holdout = 20 %)' '
modality gray  : image[1, 28, 28] { input = digits.gray -> scale(1 / 255) -> normalize(0.1307, 0.3081)
                                    encoder = conv(8, 3, stride = 2) -> relu -> avgpool -> linear(8) }
modality color : image[3, 28, 28] { input = digits.color -> scale(1 / 255)
                                    encoder = conv(8, 3, stride = 2) -> relu -> avgpool -> linear(8) }' 'target digit : class[10] = digits.label'
    ./colored --root "$shared/data/mnist" --out c1 >c1.out 2>&1; check "colored_mnist trains" test -s c1/summary.json
    check "colored_mnist tells the splits" grep -q '160 train, 40 validation, 100 test' c1.out
    check "colored_mnist of today's NumPy" ./colored --root "$shared/data/mnist" --file ../cgmnist-mini/py3-pickle-20rows.npy --out c2 --quiet
    printf '\x93NUMPY\x01\x00\x46\x00%-69s\n\x80\x02cos\nsystem\nU\x08touch gotq\x01\x85q\x02Rq\x03.' "{'descr': '|O', 'fortran_order': False, 'shape': (), }" >evil.npy
    fails_with "colored_mnist: a foreign GLOBAL" 3 "names 'os system'" ./colored --root "$shared/data/mnist" --file "$PWD/evil.npy" --out c3
    head -c 3000000 "$shared/data/cgmnist-mini/mnist_10color_jitter_var_0.030.npy" >cut.npy
    fails_with "colored_mnist: a truncated container" 3 'cut.npy' ./colored --root "$shared/data/mnist" --file "$PWD/cut.npy" --out c4
    fails_with "colored_mnist: a missing container" 3 'nowhere.npy.*--file' ./colored --root "$shared/data/mnist" --file nowhere.npy --out c5
else
    skip "colored_mnist: no ../shared"
fi
finish
