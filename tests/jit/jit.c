/* jit_compile's own behaviour. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "compiled.h"
#include "syntax/parse.h"

static const char text[] =
    "data files = csv(\"a.csv\", label = last, test = every(4, 3))\n"
    "modality a : vector[3] { input = files.a\n encoder = linear(4) -> relu }\n"
    "target kind : class[3] = files.label\n"
    "train { optimizer = sgd(lr = 0.1)\n stage unimodal { epochs = 1 } }\n";

static const Program *program_of(Arena *arena, Diagnostics *diagnostics) {
    Interner *names = interner_new(arena);
    AnalyseOptions options = {0};
    const Source *source = source_from_text(arena, "x.mml", text, strlen(text));
    return analyse(arena, names, diagnostics, parse_file(arena, names, diagnostics, source), &options);
}

Test(jit, an_unknown_cpu_is_a_diagnostic) {
    Arena *arena = arena_new();
    Diagnostics *diagnostics = diagnostics_new(arena);
    CodegenOptions options = {.optimize = 2, .cpu = "no-such-cpu", .compiler = "", .flags = ""};
    cr_expect_null(jit_compile(arena, diagnostics, program_of(arena, diagnostics), &options));
    cr_expect_eq(diag_errors(diagnostics), 1);
    arena_free(arena);
}

Test(jit, programs_live_beside_each_other_and_are_freed_in_any_order) {
    Compiled one = compile("one.mml", text), two = compile("two.mml", text);
    cr_expect_str_eq(one.experiment->file, "one.mml");
    cr_expect_str_eq(two.experiment->file, "two.mml");
    cr_expect_neq(one.experiment, two.experiment);
    compiled_free(&one);
    Bench b = bench_new(&two, two.experiment->stages[0].train, 2, 2, 1);
    bench_run(&b);
    cr_expect_gt(b.frame.loss, 0);
    bench_free(&b);
    compiled_free(&two);
}

Test(jit, the_experiment_describes_the_program) {
    Compiled c = compile("described.mml", text);
    const MmlExperiment *e = c.experiment;
    cr_expect_eq(e->abi, MML_ABI_VERSION);
    cr_expect_str_eq(e->name, "described");
    cr_expect_str_eq(e->text, text);
    cr_expect_eq(strlen(e->hash), 16);
    cr_expect_eq(e->modality_count, 1);
    cr_expect_str_eq(e->modalities[0].name, "a");
    cr_expect_str_eq(e->modalities[0].type, "vector[3]");
    cr_expect_eq(e->modalities[0].size, 3);
    cr_expect_eq(e->modalities[0].width, 4);
    cr_expect_eq(e->target.classes, 3);
    cr_expect_str_eq(e->sources[0].kind, "csv");
    cr_expect_eq(e->stage_count, 1);
    cr_expect_str_eq(e->stages[0].path, "train.unimodal");
    cr_expect_null(e->stages[0].policy);
    const MmlParameter *weight = parameter_named(e, "encoder.a.0.weight");
    cr_expect_eq(weight->shape.rank, 2);
    cr_expect_eq(weight->shape.size[0], 4);
    cr_expect_eq(weight->shape.size[1], 3);
    cr_expect_eq(weight->count, 12);
    compiled_free(&c);
}
