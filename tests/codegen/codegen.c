/* What code generation leaves on disk, and what it says when it can't. */
#define _GNU_SOURCE
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <llvm-c/Core.h>
#include "codegen/codegen.h"
#include "syntax/parse.h"

typedef struct { Arena *arena; Diagnostics *diagnostics; const Program *program; char folder[64]; } Work;

static const char text[] =
    "use policies\n"
    "param share = 0.5\n"
    "data files = csv(\"a.csv\", \"b.csv\", label = last, test = every(4, 3))\n"
    "modality a : vector[3] { input = files.a\n encoder = linear(4) -> relu }\n"
    "modality b : vector[3] { input = files.b\n encoder = linear(4) -> tanh }\n"
    "target kind : class[3] = files.label\n"
    "fusion = concat -> linear(classes)\n"
    "method own() {\n"
    "  loss = ce(joint) + share * ce(head[a])\n"
    "}\n"
    "policy mine(most = 3) {\n"
    "  state best = 0.0\n"
    "  on probe(p) {\n"
    "    if p.total > best {\n"
    "      only(argmin(p.mutual))\n"
    "    }\n"
    "    best = max(best, p.total)\n"
    "  }\n"
    "}\n"
    "train {\n"
    "  optimizer = sgd(lr = 0.1)\n"
    "  stage unimodal { epochs = 1\n probe = pid(every = 1 epochs)\n policy = mine() }\n"
    "  stage joint { epochs = 1\n method = own()\n probe = pid(every = 1 epochs)\n policy = fastpid() }\n"
    "}\n";

static void open_work(Work *w, const char *source_text) {
    *w = (Work){.arena = arena_new()};
    w->diagnostics = diagnostics_new(w->arena);
    strcpy(w->folder, P_tmpdir "/mml-codegen-XXXXXX");
    cr_assert_not_null(mkdtemp(w->folder));
    Interner *names = interner_new(w->arena);
    const Source *source = source_from_text(w->arena, "work/x.mml", source_text, strlen(source_text));
    AnalyseOptions options = {0};
    w->program = analyse(w->arena, names, w->diagnostics, parse_file(w->arena, names, w->diagnostics, source), &options);
    if (!w->program) diag_print(w->diagnostics, stderr, DIAG_TEXT, 0);
    cr_assert_not_null(w->program);
}

static void close_work(Work *w) {
    cr_expect_eq(rmdir(w->folder), 0, "something was left in the folder");
    arena_free(w->arena);
}

static const char *path_in(Work *w, const char *name) { return arena_printf(w->arena, "%s/%s", w->folder, name); }

static CodegenOptions options_with(int optimize, const char *cpu) {
    return (CodegenOptions){.optimize = optimize, .cpu = cpu, .compiler = "mmlc test", .flags = "-O2"};
}

/* The file's bytes (a NUL behind); the file is removed. */
static const char *emitted(Work *w, EmitKind kind, const CodegenOptions *options, size_t *size) {
    const char *path = path_in(w, "out");
    int fine = codegen_file(w->arena, w->diagnostics, w->program, options, kind, path);
    if (!fine) diag_print(w->diagnostics, stderr, DIAG_TEXT, 0);
    cr_assert(fine);
    FILE *in = fopen(path, "rb");
    cr_assert_not_null(in);
    struct stat about;
    cr_assert_eq(fstat(fileno(in), &about), 0);
    char *bytes = arena_alloc(w->arena, (size_t)about.st_size + 1);
    cr_assert_eq(fread(bytes, 1, (size_t)about.st_size, in), (size_t)about.st_size);
    fclose(in);
    remove(path);
    if (size) *size = (size_t)about.st_size;
    return bytes;
}

static const char *diagnostics_text(Work *w) {
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    diag_print(w->diagnostics, out, DIAG_TEXT, 0);
    fclose(out);
    const char *copy = arena_copy(w->arena, printed, size);
    free(printed);
    return copy;
}

/* ---- Files ---- */

Test(codegen, an_object_file_is_one_and_the_same_for_the_same_program) {
    Work w;
    open_work(&w, text);
    CodegenOptions options = options_with(2, "native");
    size_t first_size, second_size;
    const char *first = emitted(&w, EMIT_OBJECT, &options, &first_size), *second = emitted(&w, EMIT_OBJECT, &options, &second_size);
    cr_expect_arr_eq(first, "\177ELF", 4);
    cr_assert_eq(first_size, second_size);
    cr_expect_arr_eq(first, second, first_size);
    close_work(&w);
}

Test(codegen, every_level_of_optimisation_gives_code) {
    Work w;
    open_work(&w, text);
    for (int level = 0; level <= 3; level++) {
        CodegenOptions options = options_with(level, "native");
        cr_expect_not_null(strstr(emitted(&w, EMIT_ASSEMBLY, &options, NULL), "mml_linear_backward"));
    }
    close_work(&w);
}

static const char *const abi[] = {
#define MML_KERNEL(name, scratch) "mml_" #name,
#define MML_RULE(name, result, arguments) "mml_" #name,
#include "mml/abi.def"
#undef MML_KERNEL
#undef MML_RULE
    "mml_main",
};

Test(codegen, of_the_runtime_only_the_abi_list_is_called) {
    Work w;
    open_work(&w, text);
    CodegenOptions options = options_with(2, "native");
    const char *at = emitted(&w, EMIT_LLVM, &options, NULL);
    int declared = 0;
    while ((at = strstr(at, "\ndeclare "))) {
        const char *name = strchr(at, '@') + 1;
        size_t length = strcspn(name, "(");
        at++;
        if (strncmp(name, "mml_", 4)) continue;
        int known = 0;
        for (size_t i = 0; i < sizeof abi / sizeof *abi; i++) known |= strlen(abi[i]) == length && !strncmp(abi[i], name, length);
        cr_expect(known, "%.*s is not in mml/abi.def", (int)length, name);
        declared++;
    }
    cr_expect_gt(declared, 10);
    close_work(&w);
}

Test(codegen, the_cpu_can_be_named) {
    Work w;
    open_work(&w, text);
    CodegenOptions options = options_with(2, "x86-64-v2");
    cr_expect_not_null(strstr(emitted(&w, EMIT_ASSEMBLY, &options, NULL), "main"));
    close_work(&w);
}

/* ---- Errors ---- */

Test(codegen, an_unknown_cpu_is_named_with_the_nearest) {
    Work w;
    open_work(&w, text);
    CodegenOptions options = options_with(2, "skylaek");
    cr_expect_eq(codegen_file(w.arena, w.diagnostics, w.program, &options, EMIT_OBJECT, path_in(&w, "out")), 0);
    const char *said = diagnostics_text(&w);
    cr_expect_not_null(strstr(said, "error[E0401]: there is no processor `skylaek`"), "%s", said);
    cr_expect_not_null(strstr(said, "did you mean `skylake`?"), "%s", said);
    close_work(&w);
}

Test(codegen, a_place_that_can_not_be_written_is_named_and_left_clean) {
    Work w;
    open_work(&w, text);
    CodegenOptions options = options_with(0, "native");
    cr_expect_eq(codegen_file(w.arena, w.diagnostics, w.program, &options, EMIT_OBJECT, path_in(&w, "no/such/out")), 0);
    const char *said = diagnostics_text(&w);
    cr_expect_not_null(strstr(said, "error[E0402]: can't write"), "%s", said);
    cr_expect_not_null(strstr(said, "No such file or directory"), "%s", said);
    close_work(&w);
}

Test(codegen, a_folder_in_the_place_of_the_result_is_left_as_it_is) {
    Work w;
    open_work(&w, text);
    CodegenOptions options = options_with(0, "native");
    cr_expect_eq(codegen_file(w.arena, w.diagnostics, w.program, &options, EMIT_OBJECT, w.folder), 0);
    cr_expect_not_null(strstr(diagnostics_text(&w), "E0402"));
    close_work(&w);
}

/* ---- Debug information ---- */

Test(codegen, debug_information_has_the_lines_of_rules) {
    Work w;
    open_work(&w, text);
    CodegenOptions options = options_with(0, "native");
    options.debug = 1;
    const char *module = emitted(&w, EMIT_LLVM, &options, NULL);
    cr_expect_not_null(strstr(module, "!DIFile(filename: \"work/x.mml\", directory: \"/"));
    cr_expect_not_null(strstr(module, "!DISubprogram(name: \"train.unimodal.policy.on_probe\""));
    cr_expect_not_null(strstr(module, "!DILocation(line: 15,"), "the line of `only`");
    cr_expect_not_null(strstr(module, "!DILocation(line: 17,"), "the line of `best = …`");
    cr_expect_not_null(strstr(module, "!DIFile(filename: \"<policies>\""), "the library's own file");
    options.debug = 0;
    cr_expect_null(strstr(emitted(&w, EMIT_LLVM, &options, NULL), "!DILocation"));
    close_work(&w);
}

Test(codegen, debug_information_survives_optimisation) {
    Work w;
    open_work(&w, text);
    CodegenOptions options = options_with(2, "native");
    options.debug = 1;
    size_t size;
    const char *object = emitted(&w, EMIT_OBJECT, &options, &size);
    cr_expect_not_null(memmem(object, size, ".debug_line", 11));
    close_work(&w);
}

/* ---- The hash ---- */

static const char *hash_of(const char *source_text, const char *compiler, const char *flags) {
    static char hash[17];
    Work w;
    open_work(&w, source_text);
    CodegenOptions options = {.optimize = 0, .cpu = "native", .compiler = compiler, .flags = flags};
    const char *at = emitted(&w, EMIT_LLVM, &options, NULL);
    /* the one text of 16 hexadecimal digits */
    while ((at = strstr(at, "c\""))) {
        at += 2;
        if (strspn(at, "0123456789abcdef") == 16 && !strncmp(at + 16, "\\00", 3)) break;
    }
    cr_assert_not_null(at);
    memcpy(hash, at, 16);
    close_work(&w);
    return hash;
}

Test(codegen, the_hash_names_text_compiler_and_flags) {
    char first[17], other[sizeof text];
    strcpy(first, hash_of(text, "mmlc 1", "-O2"));
    cr_expect_str_eq(hash_of(text, "mmlc 1", "-O2"), first);
    cr_expect_str_neq(hash_of(text, "mmlc 2", "-O2"), first);
    cr_expect_str_neq(hash_of(text, "mmlc 1", "-O3"), first);
    strcpy(other, text);
    *strstr(other, "0.5") = '1';
    cr_expect_str_neq(hash_of(other, "mmlc 1", "-O2"), first);
}
