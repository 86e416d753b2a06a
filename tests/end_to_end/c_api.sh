# The C API as somebody outside uses it: installed, found by pkg-config, the example built and run.
. "$(dirname "$0")/lib.sh"

build=$(cd "$(dirname "$MMLC")/.." && pwd)
check "cmake --install"                      cmake --install "$build" --prefix "$scratch/prefix"
export PKG_CONFIG_PATH=$scratch/prefix/lib/pkgconfig
nm "$build/runtime/libmml.a" 2>/dev/null | grep __asan_ >asan.log && export CFLAGS=-fsanitize=address,undefined
check "pkg-config knows mml"                 pkg-config --exists mml
cp -r "$project/examples/c_api" example
check "the example builds outside the tree"  make -C example
check "certificate and gradient hold"        ./example/decompose
grep -q 'source 1 of the table has -3 bins' check.log && ok "a wrong call says what is wrong" || failed "a wrong call: $(cat check.log)"
check "libraries before the file will do"    sh -c 'cc $CFLAGS $(pkg-config --cflags --libs mml) example/decompose.c -o before && ./before'
for header in "$scratch"/prefix/include/mml/*.h; do
    printf '#include <mml/%s>\n' "$(basename "$header")" >alone.c
    check "$(basename "$header") stands alone" sh -c 'cc -Wall -Werror $(pkg-config --cflags mml) -fsyntax-only alone.c'
done
check "the installed mmlc runs"              "$scratch/prefix/bin/mmlc" --version
printf '{"counts": [[[3, 1], [0, 2]], [[1, 1], [2, 0]]]}' >counts.json
check "and decomposes"                       "$scratch/prefix/bin/mmlc" pid counts.json --json
finish
