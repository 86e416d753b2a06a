/* Programs of any bytes: analysis ends with a program or with a message, never with both or neither. */
#include <stdlib.h>
#include "sema/program.h"
#include "syntax/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    Arena *arena = arena_new();
    Interner *names = interner_new(arena);
    Diagnostics *diagnostics = diagnostics_new(arena);
    const char *text = arena_copy(arena, (const char *)bytes, count);
    const File *file = parse_file(arena, names, diagnostics, source_from_text(arena, "fuzz.mml", text, count));
    AnalyseOptions options = {0};
    const Program *program = analyse(arena, names, diagnostics, file, &options);
    if ((program != NULL) == (diag_errors(diagnostics) > 0)) abort();
    FILE *out = fopen("/dev/null", "w");
    if (!out) abort();
    diag_print(diagnostics, out, DIAG_TEXT, 0);
    fclose(out);
    arena_free(arena);
    return 0;
}
