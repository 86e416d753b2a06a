/* A program analysed from a text in the test. */
#ifndef TESTS_SEMA_ANALYSED_H
#define TESTS_SEMA_ANALYSED_H

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "sema/sema.h"
#include "syntax/parse.h"

typedef struct { Arena *arena; const Program *program; } Analysed;

/* defines: "NAME=VALUE" or NULL. The test fails when the text has an error. */
static inline Analysed analysed(const char *text, const char *define) {
    Analysed result = {.arena = arena_new()};
    Interner *names = interner_new(result.arena);
    Diagnostics *diagnostics = diagnostics_new(result.arena);
    const Source *source = source_from_text(result.arena, "test.mml", text, strlen(text));
    const File *file = parse_file(result.arena, names, diagnostics, source);
    Define given = {0};
    if (define) {
        size_t length = strcspn(define, "=");
        given = (Define){arena_copy(result.arena, define, length), define + length + 1};
    }
    AnalyseOptions options = {.defines = &given, .define_count = define != NULL};
    result.program = analyse(result.arena, names, diagnostics, file, &options);
    if (!result.program)
        diag_print(diagnostics, stderr, DIAG_TEXT, 0);
    cr_assert(result.program, "the text has errors");
    return result;
}

/* Modality `one` of the type and encoder given, `two` of image[3, 28, 28], ten classes,
 * the fusion, and what follows: a train block at least. */
static inline char *two_modalities(const char *type, const char *encoder, const char *two, const char *fusion, const char *rest) {
    char *text = NULL;
    int length = asprintf(&text,
        "use encoders, policies, methods\n"
        "data arrays = npz(\"arrays.npz\")\n"
        "modality one : %s { input = arrays.one\n encoder = %s }\n"
        "modality two : image[3, 28, 28] { input = arrays.two\n encoder = %s }\n"
        "target kind : class[10] = arrays.label\n"
        "fusion = %s\n"
        "%s\n", type, encoder, two, fusion, rest);
    cr_assert_gt(length, 0);
    return text;
}

#endif
