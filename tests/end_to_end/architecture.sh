# Dependencies point one way: driver -> jit -> codegen -> ir -> sema -> syntax -> support,
# and train -> data, pid, nn, kernels -> tensor. The compiler sees the runtime only as mml/abi.def,
# mml/kernels.def, mml/experiment.h and mml/branches.h; jit and driver may use all of mml/*.h. The runtime never sees the compiler.
. "$(dirname "$0")/lib.sh"
cd "$project"

includes() { grep -rhoE '^ *# *include *[<"][^>"]+[>"]' "$@" 2>/dev/null | sed -E 's/.*[<"]([^>"]+)[>"]/\1/' | sort -u; }
# forbid NAME FOLDER PATTERN [EXCEPT]
forbid() {
    local found
    found=$(includes --include='*.[ch]' "$2" | grep -E "$3" | grep -vE "${4:-^\$}")
    if [ -z "$found" ]; then ok "$1"; else failed "$1: $(tr '\n' ' ' <<<"$found")"; fi
}

order=(support syntax sema ir codegen jit driver)
for i in "${!order[@]}"; do
    later=$(IFS='|'; printf '%s' "${order[*]:i+1}")
    [ -n "$later" ] && forbid "compiler/${order[i]} includes nothing behind it" "compiler/${order[i]}" "^($later)/"
done
for folder in support syntax sema; do forbid "compiler/$folder doesn't see the runtime" "compiler/$folder" '^mml/'; done
for folder in ir codegen; do forbid "compiler/$folder sees of the runtime its ABI only" "compiler/$folder" '^mml/' '^mml/((abi|kernels)\.def|experiment\.h|branches\.h|base\.h)$'; done
forbid "the compiler uses no private header of the runtime" compiler '(^|/)(tensor|nn|kernels|pid|data|train)/[a-z_]+\.h' '^driver/'
forbid "runtime/tensor stands alone"     runtime/tensor '^(nn|kernels|pid|data|train)/|^mml/(nn|pid|data|train|settings)\.h'
for folder in nn kernels pid data; do forbid "runtime/$folder doesn't see its siblings" "runtime/$folder" "^($(printf 'nn|kernels|pid|data' | sed "s/$folder//; s/||/|/; s/^|//; s/|\$//")|train)/"; done
forbid "the runtime doesn't see the compiler" runtime '^(support|syntax|sema|ir|codegen|jit|driver|llvm-c)/'

foreign=$(nm -g --defined-only "$(dirname "$MMLC")/../runtime/libmml.a" 2>/dev/null | awk 'NF == 3 && $2 != "U" { print $3 }' | grep -vE '^(mml_|__(asan|odr_asan|ubsan))' | sort -u | head -n 5)
[ -z "$foreign" ] && ok "every external symbol of the runtime begins with mml_" || failed "symbols of the runtime without mml_: $foreign"
paths=$(git grep -nIE '/(home|root)/' 2>/dev/null | head -n 5)
[ -z "$paths" ] && ok "no paths of one machine" || failed "paths of one machine: $paths"
finish
