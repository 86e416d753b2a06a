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
  optimizer = sgd(lr = 0.05, momentum = 0.9)
  stage unimodal { epochs = 1 }
  stage joint { epochs = 2 }
}
P
    check "mmlc $1" "$MMLC" "$1.mml" -o "$1"
}

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
finish
