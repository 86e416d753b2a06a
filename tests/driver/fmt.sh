# mmlc fmt: files in place, standard input, --check, what is left alone. (The layout itself: tests/syntax/format.c.)
. "$(dirname "$0")/../end_to_end/lib.sh"

exits() {         # NAME CODE COMMAND…
    local name=$1 code=$2 got; shift 2
    "$@" >exits.log 2>&1 </dev/null; got=$?
    [ "$got" -eq "$code" ] && ok "$name" || { failed "$name: exit $got, expected $code"; tail -n 5 exits.log; }
}

printf 'param a=1\nparam long=2 # two\n' >messy.mml
printf 'param a    = 1\nparam long = 2  # two\n' >tidy.mml
"$MMLC" fmt - <messy.mml >out.mml && cmp -s out.mml tidy.mml && ok "from standard input to output" || failed "from standard input to output"
cp messy.mml one.mml; chmod 640 one.mml; cp tidy.mml two.mml; touch -d 2020-01-01 two.mml
exits "fmt of several files"                      0 "$MMLC" fmt one.mml two.mml
cmp -s one.mml tidy.mml && ok "a file is replaced" || failed "a file is replaced"
[ "$(stat -c %a one.mml)" = 640 ] && ok "it keeps its permissions" || failed "it keeps its permissions"
[ "$(stat -c %Y two.mml)" = "$(date -d 2020-01-01 +%s)" ] && ok "a tidy file isn't written" || failed "a tidy file is written"
cp messy.mml one.mml
exits "--check of a messy file"                   1 "$MMLC" fmt --check one.mml two.mml
grep -q '^one.mml has another layout$' exits.log && ! grep -q two.mml exits.log && ok "it names that file only" || failed "it names that file only"
cmp -s one.mml messy.mml && ok "--check writes nothing" || failed "--check writes nothing"
exits "--check of a tidy file"                    0 "$MMLC" fmt --check two.mml
ln -s one.mml link.mml; exits "fmt through a link" 0 "$MMLC" fmt link.mml
[ -L link.mml ] && cmp -s one.mml tidy.mml && ok "the link stays" || failed "the link stays"

printf 'param = 3\n' >wrong.mml; cp wrong.mml kept.mml
fails_with "a wrong program is reported"          1 'wrong.mml:1:7: error\[E0110\]' "$MMLC" fmt wrong.mml
cmp -s wrong.mml kept.mml && ok "and left alone" || failed "and left alone"
cp messy.mml one.mml
"$MMLC" fmt wrong.mml one.mml >/dev/null 2>&1; [ $? -eq 1 ] && cmp -s one.mml tidy.mml && ok "the files behind it are formatted all the same" || failed "the files behind a wrong one"
fails_with "no file"                              2 'no program'   "$MMLC" fmt
fails_with "a file that isn't there"              3 'missing.mml'  "$MMLC" fmt missing.mml
fails_with "an option that fmt doesn't have"      2 'fmt'          "$MMLC" fmt -O2 one.mml
exits "a full standard output"                    3 bash -c '"$1" fmt - <messy.mml >/dev/full' - "$MMLC"
if [ "$(id -u)" -eq 0 ] && mkdir small && mount -t tmpfs -o size=8k tmpfs small 2>/dev/null; then
    cp messy.mml small/one.mml; head -c 100k /dev/zero >small/filler 2>/dev/null
    fails_with "a full disk"                      3 'space'        "$MMLC" fmt small/one.mml
    cmp -s small/one.mml messy.mml && [ "$(ls small | wc -l)" -eq 2 ] && ok "the file is left alone on it" || failed "the file on a full disk"
    umount small; rmdir small
else
    skip "a full disk: can't mount a tmpfs here"
fi
for program in "$project"/examples/*.mml "$project"/stdlib/*.mml; do
    exits "$(basename "$program") has the layout" 0 "$MMLC" fmt --check "$program"
done
finish
