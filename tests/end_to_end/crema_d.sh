# crema_d: the canon's cremad.mml, unchanged, on a tree of six emotions made here.
. "$(dirname "$0")/lib.sh"

le32() { byte $(($1 & 255)); byte $(($1 >> 8 & 255)); byte $(($1 >> 16 & 255)); byte $(($1 >> 24 & 255)); }
le16() { byte $(($1 & 255)); byte $(($1 >> 8 & 255)); }
# wav FILE SAMPLES: noise, 16 bits, one channel of 16 kHz.
wav() {
    { printf RIFF; le32 $((36 + 2 * $2)); printf 'WAVEfmt '; le32 16; le16 1; le16 1; le32 16000; le32 32000; le16 2; le16 16
      printf data; le32 $((2 * $2)); head -c $((2 * $2)) /dev/urandom; } >"$1"
}

pictures=$tests/data/files/pictures
mkdir -p CREMA-D/AudioWAV CREMA-D/VideoFlash CREMA-D/Image-01-FPS
cd CREMA-D
actor=1001
for emotion in NEU HAP SAD FEA DIS ANG; do
    for list in train test; do
        clip=${actor}_DFA_${emotion}_XX; actor=$((actor + 1))
        printf '%s,%s\r\n' "$clip" "$emotion" >>$list.csv
        wav "AudioWAV/$clip.wav" $((30000 + actor % 7 * 1000))
        mkdir "Image-01-FPS/$clip"
        cp "$pictures/rgb.jpg" "Image-01-FPS/$clip/00000.jpg"; cp "$pictures/progressive.jpg" "Image-01-FPS/$clip/00029.jpg"
    done
done
cd ..

program=$project/examples/cremad.mml
[ -f "$shared/specs/examples/cremad.mml" ] && program=$shared/specs/examples/cremad.mml
check "mmlc cremad" "$MMLC" "$program" -o cremad
short=(--root CREMA-D --set train.unimodal.epochs=1 --set train.joint.epochs=1)
./cremad "${short[@]}" --set train.batch=6 --out c1 >c1.out 2>&1; check "the canon trains" test -s c1/summary.json
check "it tells the splits" grep -q 'data  *6 train, 6 test' c1.out
check "both heads and the fused one have an accuracy" grep -Eq '"head": \{"audio": [0-9.]+, "visual": [0-9.]+\}' c1/summary.json
check "the run tells the emotions" grep -qs '"classes": *\["NEU", *"HAP", *"SAD", *"FEA", *"DIS", *"ANG"\]' c1/run.json

checked=(--root CREMA-D --check)
rm CREMA-D/AudioWAV/1003_DFA_HAP_XX.wav
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 3\n' >CREMA-D/AudioWAV/1005_DFA_SAD_XX.wav
rm -r CREMA-D/Image-01-FPS/1002_DFA_NEU_XX
./cremad "${checked[@]}" --set "data.clips.skip=30 %" --set train.batch=2 >skip.out 2>&1
check "rows without sound or frames are counted" grep -q '3 skipped' skip.out
check "and named: a sound that is missing" grep -q "skipped.*AudioWAV/1003_DFA_HAP_XX.wav': No such file" skip.out
check "a git-lfs pointer"                  grep -q "skipped.*AudioWAV/1005_DFA_SAD_XX.wav' is a git-lfs pointer" skip.out
check "a folder of frames that is missing" grep -q "skipped.*Image-01-FPS/1002_DFA_NEU_XX': No such file" skip.out
fails_with "more is skipped than may be" 3 '3 of the 12 clips of data.clips .*skip = 1 %' ./cremad "${checked[@]}"
for sound in CREMA-D/AudioWAV/*.wav; do printf 'version https://git-lfs.github.com/spec/v1\n' >"$sound"; done
fails_with "a clone without git-lfs" 3 'of the 12 clips .*git-lfs pointer in place of the sound .git lfs pull' ./cremad "${checked[@]}" --set 'data.clips.skip=100 %'
mv CREMA-D/Image-01-FPS pictures; rmdir CREMA-D/VideoFlash
fails_with "no frames: how to take them out of the videos" 3 'no folder Image-NN-FPS.*ffmpeg' ./cremad "${checked[@]}"
mv CREMA-D/train.csv .
fails_with "no list" 3 'no list of train clips' ./cremad "${checked[@]}"
finish
