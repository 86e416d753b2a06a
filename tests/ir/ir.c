/* Graphs: golden dumps, the verifier, memory, and what a step costs. */
#include <criterion/criterion.h>
#include <glob.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "ir/branches.h"
#include "ir/graph.h"
#include "ir/ir.h"
#include "ir/kernels.h"
#include "ir/memory.h"
#include "ir/ops.h"
#include "ir/summary.h"
#include "syntax/parse.h"

static Ir *graph_for(Arena *arena, const Source *source, int block) {
    Interner *names = interner_new(arena);
    Diagnostics *diagnostics = diagnostics_new(arena);
    const File *file = parse_file(arena, names, diagnostics, source);
    AnalyseOptions options = {0};
    const Program *program = diag_errors(diagnostics) ? NULL : analyse(arena, names, diagnostics, file, &options);
    if (!program) diag_print(diagnostics, stderr, DIAG_TEXT, 0);
    cr_assert_not_null(program, "%s is not a right program", source->path);
    return ir_build(arena, program, (KernelHost){.block = block});
}

static Ir *graph_of(Arena *arena, const Source *source) { return graph_for(arena, source, strstr(source->path, "blocked") ? 8 : 0); }

static Ir *graph_of_text(Arena *arena, const char *text) { return graph_of(arena, source_from_text(arena, "x.mml", text, strlen(text))); }

static Ir *graph_of_file(Arena *arena, const char *path) {
    const Source *source = source_read(arena, path);
    cr_assert_not_null(source, "%s can't be read", path);
    return graph_of(arena, source);
}

static const char *vector_program(Arena *arena, const char *encoder) {
    return arena_printf(arena,
        "use encoders\n"
        "data files = csv(\"a.csv\", label = last, test = every(4, 3))\n"
        "modality a : vector[16] { input = files.a\n encoder = %s }\n"
        "target kind : class[4] = files.label\n"
        "train { optimizer = sgd(lr = 0.1)\n stage unimodal { epochs = 1 } }\n", encoder);
}

/* ---- Golden pairs: x.mml beside x.ir; blocked*.mml with vectors of 8 floats ---- */

static void check_golden(const char *path) {
    Arena *arena = arena_new();
    Ir *ir = graph_of_file(arena, path);
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);
    ir_print(ir, out);
    fclose(out);
    char *golden = arena_copy(arena, path, strlen(path));
    strcpy(strrchr(golden, '.'), ".ir");
    const Source *expected = source_read(arena, golden);
    cr_assert_not_null(expected, "%s is missing", golden);
    cr_expect_str_eq(printed, expected->text, "%s differs; `mmlc --emit ir` shows what it is now:\n%s", golden, printed);
    free(printed);
    arena_free(arena);
}

static void for_each(const char *pattern, void (*check)(const char *path)) {
    glob_t found;
    cr_assert_eq(glob(pattern, 0, NULL, &found), 0, "nothing matches %s", pattern);
    for (size_t i = 0; i < found.gl_pathc; i++) check(found.gl_pathv[i]);
    globfree(&found);
}

Test(ir, dumps_are_the_golden_ones) { for_each(MML_SOURCE_DIR "/tests/ir/*.mml", check_golden); }

/* ---- The verifier ---- */

static void check_verifies(const char *path) {
    Arena *arena = arena_new();
    for (int block = 0; block <= 16; block = block ? 2 * block : 4) {
        const Source *source = source_read(arena, path);
        cr_assert_not_null(source, "%s can't be read", path);
        Ir *ir = graph_for(arena, source, block);
        for (int s = 0; s < ir->steps.count; s++) ir_verify(ir->steps.items[s]);
    }
    arena_free(arena);
}

Test(verify, accepts_every_step_of_every_example) {
    for_each(MML_SOURCE_DIR "/examples/*.mml", check_verifies);
    for_each(MML_SOURCE_DIR "/tests/programs/*.mml", check_verifies);
    for_each(MML_SOURCE_DIR "/tests/ir/*.mml", check_verifies);
}

static Step *broken(Arena *arena) {
    return graph_of_text(arena, vector_program(arena, "linear(8) -> gelu -> linear(4)"))->steps.items[0];
}

static Tensor *live_tensor(Step *step, int nth) {
    for (int t = 0; t < step->tensors.count; t++) {
        Tensor *tensor = &step->tensors.items[t];
        if (tensor->store == STORE_ARENA && !tensor->fixed && tensor->alias < 0 && nth-- == 0) return tensor;
    }
    return NULL;
}

Test(verify, breaks_off_when_memory_overlaps, .exit_code = 70) {
    Step *step = broken(arena_new());
    live_tensor(step, 0)->offset = live_tensor(step, 1)->offset;
    ir_verify(step);
}

Test(verify, breaks_off_when_a_tensor_is_read_before_it_is_written, .exit_code = 70) {
    Arena *arena = arena_new();
    Step *step = broken(arena);
    Node first = step->nodes.items[0];
    step->nodes.items[0] = step->nodes.items[1];
    step->nodes.items[1] = first;
    memory_mark(arena, step);
    ir_verify(step);
}

Test(verify, breaks_off_when_what_may_not_have_run_is_read, .exit_code = 70) {
    Step *step = broken(arena_new());
    step->nodes.items[1].guard = GUARD_NONE;
    ir_verify(step);
}

Test(verify, breaks_off_outside_of_the_arena, .exit_code = 70) {
    Step *step = broken(arena_new());
    step->sample_bytes -= 64;
    ir_verify(step);
}

/* ---- Memory ---- */

static int count_nodes(const Step *step, IrOp op) {
    int count = 0;
    for (int n = 0; n < step->nodes.count; n++) count += step->nodes.items[n].op == op;
    return count;
}

static const Step *train_step(Arena *arena, const char *encoder) { return graph_of_text(arena, vector_program(arena, encoder))->steps.items[0]; }

Test(memory, layers_that_change_no_number_have_no_node) {
    Arena *arena = arena_new();
    const Step *plain = train_step(arena, "linear(8) -> linear(4)"), *more = train_step(arena, "flatten -> linear(8) -> identity -> linear(4)");
    cr_expect_eq(plain->nodes.count, more->nodes.count);
    cr_expect_eq(plain->sample_bytes, more->sample_bytes);
    arena_free(arena);
}

Test(memory, an_activation_takes_the_place_of_its_input) {
    Arena *arena = arena_new();
    const Step *without = train_step(arena, "linear(64) -> linear(4)"), *with = train_step(arena, "linear(64) -> relu -> linear(4)");
    cr_expect_eq(count_nodes(with, IR_RELU), 2);
    cr_expect_eq(with->sample_bytes, without->sample_bytes);
    arena_free(arena);
}

Test(memory, an_input_that_the_gradient_needs_keeps_its_place) {
    Arena *arena = arena_new();
    const Step *without = train_step(arena, "linear(64) -> linear(4)"), *with = train_step(arena, "linear(64) -> gelu -> linear(4)");
    cr_expect_eq(with->sample_bytes, without->sample_bytes + 4 * 64);
    arena_free(arena);
}

Test(memory, an_evaluation_needs_no_more_than_two_layers_at_once) {
    Arena *arena = arena_new();
    const Step *step = graph_of_text(arena, vector_program(arena, "linear(64) -> tanh -> linear(64) -> tanh -> linear(64) -> tanh -> linear(16)"))->steps.items[1];
    /* two layers of 64; the feature of 16 and the logits of 4 (a line each) stay to the end */
    cr_expect_leq(step->sample_bytes, 2 * 4 * 64 + 64 + 64);
    arena_free(arena);
}

Test(memory, modalities_of_a_unimodal_step_share_their_memory) {
    Arena *arena = arena_new();
    const char *text = "data files = csv(\"a.csv\", \"b.csv\", label = last, test = every(4, 3))\n"
                       "modality a : vector[16] { input = files.a\n encoder = linear(4096) -> tanh -> linear(4) }\n"
                       "modality b : vector[16] { input = files.b\n encoder = linear(4096) -> tanh -> linear(4) }\n"
                       "target kind : class[4] = files.label\nfusion = concat -> linear(classes)\n"
                       "train { optimizer = sgd(lr = 0.1)\n stage unimodal { epochs = 1 } }\n";
    const Step *one = train_step(arena, "linear(4096) -> tanh -> linear(4)"), *two = graph_of_text(arena, text)->steps.items[0];
    cr_expect_leq(two->sample_bytes, one->sample_bytes + 2 * 64);
    arena_free(arena);
}

Test(memory, a_large_first_activation_is_not_kept_for_its_relu) {
    Arena *arena = arena_new();
    const char *text = "data digits = idx(\"digits\")\n"
                       "modality a : image[1, 28, 28] { input = digits.image\n encoder = conv(32, 5) -> relu -> maxpool(3, stride = 2, pad = 1) -> avgpool -> flatten }\n"
                       "target kind : class[4] = digits.label\n"
                       "train { optimizer = sgd(lr = 0.1)\n stage unimodal { epochs = 1 } }\n";
    const Source *source = source_from_text(arena, "x.mml", text, strlen(text));
    const Step *plain = graph_for(arena, source, 0)->steps.items[0], *blocked = graph_for(arena, source, 8)->steps.items[0];
    /* behind the pooling relu needs a quarter of the pixels, of its result and of the pooling's index */
    cr_expect_lt(blocked->sample_bytes, plain->sample_bytes);
    cr_expect_geq(blocked->sample_bytes, 4 * 32 * (28 * 28 + 14 * 14));
    arena_free(arena);
}

/* ---- Branches ---- */

static const Region *region_at(const Step *step, int r) {
    cr_assert_gt(step->regions.count, r);
    return &step->regions.items[r];
}

static Step *pair_step(Arena *arena, const char *first, const char *second, const char *train) {
    return graph_of_text(arena, arena_printf(arena,
        "use encoders, methods\n"
        "data files = csv(\"a.csv\", \"b.csv\", label = last, test = every(4, 3))\n"
        "modality a : vector[64] { input = files.a\n encoder = %s -> linear(8) }\n"
        "modality b : vector[64] { input = files.b\n encoder = %s -> linear(8) }\n"
        "target kind : class[4] = files.label\nfusion = sum(linear(classes))\n"
        "train { optimizer = sgd(lr = 0.1)\n batch = 32\n %s }\n", first, second, train))->steps.items[0];
}

#define SMALL "linear(64) -> relu -> linear(64) -> relu"
#define JOINT "stage joint { epochs = 1\n method = concat() }"

Test(branches, small_alike_encoders_run_side_by_side_forward_and_back) {
    Arena *arena = arena_new();
    const Step *step = pair_step(arena, SMALL, SMALL, JOINT);
    cr_assert_eq(step->regions.count, 2);
    for (int r = 0; r < 2; r++) {
        cr_expect(branches_apart(region_at(step, r), 2));
        cr_expect_not(branches_apart(region_at(step, r), 1), "there is nothing to run beside");
        cr_expect_str_eq(branches_part(region_at(step, r)), r ? "backward" : "forward");
    }
    MmlBranchPlan plan = branches_plan(region_at(step, 0), 3);
    cr_expect_eq(plan.threads, 2);
    cr_expect_eq(plan.thread[0], 0);
    cr_expect_eq(plan.thread[1], 1);
    arena_free(arena);
}

Test(branches, a_unimodal_step_is_one_branch_for_each_modality) {
    Arena *arena = arena_new();
    const Step *step = pair_step(arena, SMALL, SMALL, "stage unimodal { epochs = 1 }");
    cr_assert_eq(step->regions.count, 1);
    cr_expect(branches_apart(region_at(step, 0), 2));
    cr_expect_str_eq(branches_part(region_at(step, 0)), "forward and backward");
    arena_free(arena);
}

Test(branches, what_is_unlike_or_large_splits_the_batch) {
    Arena *arena = arena_new();
    const Step *unlike = pair_step(arena, SMALL, "linear(2)", JOINT), *large = pair_step(arena, "linear(4096) -> gelu", "linear(4096) -> gelu", JOINT);
    for (int r = 0; r < 2; r++) {
        cr_expect_not(region_at(unlike, r)->apart);
        cr_expect_not(region_at(large, r)->apart);
    }
    arena_free(arena);
}

/* By hand: cycles 4, 3, 2 on two threads are 4 and 3 + 2; group 0 decides which thread is called 0. */
Test(branches, the_longest_goes_first_to_who_has_least_to_do) {
    MmlBranch branches[] = {{.group = 2, .forward = {.once = 4e6}}, {.group = 1, .forward = {.once = 3e6}}, {.group = 0, .forward = {.once = 2e6}}};
    MmlBranches all = {3, branches};
    MmlBranchPlan plan = mml_branches_plan(&all, NULL, NULL, 1, 2);
    cr_expect_eq(plan.thread[0], 1);
    cr_expect_eq(plan.thread[1], 0);
    cr_expect_eq(plan.thread[2], 0);
    cr_expect_float_eq(plan.apart, 5e6 + MML_BARRIER_CYCLES, 1);
    cr_expect_float_eq(plan.together, 9e6, 1);
    i64 forward[] = {1, 0, 0};
    plan = mml_branches_plan(&all, forward, NULL, 1, 2);
    cr_expect_eq(plan.threads, 1);
    cr_expect_float_eq(plan.apart, 2e6, 1);
}

/* Each tensor of one branch is apart from each of the other, in a region where they may run at once. */
Test(branches, side_by_side_share_no_memory) {
    Arena *arena = arena_new();
    const Step *step = pair_step(arena, SMALL, SMALL, JOINT);
    for (int r = 0; r < step->regions.count; r++) {
        const Region *region = region_at(step, r);
        int middle = region->first[1];
        for (int n = region->begin; n < middle; n++)
            for (int m = middle; m < region->end; m++)
                for (int i = 0; i < step->nodes.items[n].operand_count; i++)
                    for (int j = 0; j < step->nodes.items[m].operand_count; j++) {
                        const Node *one = &step->nodes.items[n], *other = &step->nodes.items[m];
                        if (one->operands[i] < 0 || other->operands[j] < 0 || (!node_writes(one, i) && !node_writes(other, j))) continue;
                        const Tensor *x = &step->tensors.items[one->operands[i]], *y = &step->tensors.items[other->operands[j]];
                        if (x->store != STORE_ARENA || y->store != STORE_ARENA || x->fixed || y->fixed) continue;
                        cr_expect(x->offset + memory_bytes(x) <= y->offset || y->offset + memory_bytes(y) <= x->offset);
                    }
    }
    arena_free(arena);
}

Test(verify, breaks_off_when_branches_share_memory, .exit_code = 70) {
    Step *step = pair_step(arena_new(), SMALL, SMALL, JOINT);
    const Region *region = region_at(step, 0);
    int a = node_role(&step->nodes.items[region->begin], 'y'), b = node_role(&step->nodes.items[region->first[1]], 'y');
    step->tensors.items[memory_root(step, b)].offset = step->tensors.items[memory_root(step, a)].offset;
    ir_verify(step);
}

/* ---- Cost ---- */

Test(summary, counts_a_multiply_add_as_two_and_three_products_a_layer) {
    Arena *arena = arena_new();
    StepSummary train = step_summary(train_step(arena, "linear(32) -> linear(8)"));
    const int64_t first = 2 * 16 * 32, second = 2 * 32 * 8, head = 2 * 8 * 4, loss = 5 * 4;
    cr_expect_eq(train.forward_flops, first + second + head + loss, "%lld", (long long)train.forward_flops);
    cr_expect_eq(train.flops, 2 * first + 3 * second + 3 * head + 2 * loss, "%lld", (long long)train.flops);   /* nothing flows into the input */
    cr_expect_eq(train.parameters, 16 * 32 + 32 + 32 * 8 + 8 + 8 * 4 + 4);
    arena_free(arena);
}

/* ---- Kernels by measurement ---- */

/* 64 to 64 channels, 3 x 3 at 56 x 56: Winograd by the estimates. */
static const Attribute conv_64[12] = {{64}, {56}, {56}, {64}, {3}, {3}, {1}, {1}, {1}, {1}, {56}, {56}};

static KernelChoice choice_of(double direct, double winograd, double reference) {
    static KernelTime row;
    static KernelTimes times;
    row = (KernelTime){.forward = {[ALGORITHM_DIRECT] = direct / 3, [ALGORITHM_WINOGRAD] = winograd / 3, [ALGORITHM_REFERENCE] = reference / 3},
                       .backward = {[ALGORITHM_DIRECT] = direct / 1.5, [ALGORITHM_WINOGRAD] = winograd / 1.5, [ALGORITHM_REFERENCE] = reference / 1.5}};
    for (int i = 0; i < 12; i++) row.shape[i] = conv_64[i].i;
    times.rows.items = &row;
    times.rows.count = 1;
    return kernel_choice(conv_64, (KernelHost){8, &times});
}

Test(kernels, are_the_measured_fastest_ones) {
    cr_assert_eq(kernel_choice(conv_64, (KernelHost){.block = 8}).algorithm, ALGORITHM_WINOGRAD);
    KernelChoice choice = choice_of(1e-3, 2e-3, 3e-3);
    cr_assert_eq(choice.algorithm, ALGORITHM_DIRECT);
    cr_assert_eq(choice.estimated, ALGORITHM_WINOGRAD);
    cr_assert_not_null(choice.measured);
    cr_assert_eq(choice_of(2e-3, 3e-3, 1e-3).algorithm, ALGORITHM_REFERENCE);
}

Test(kernels, stay_the_estimated_ones_within_the_doubt_of_a_measurement) {
    cr_assert_eq(choice_of(1e-3, 1.09e-3, 3e-3).algorithm, ALGORITHM_WINOGRAD);
    cr_assert_eq(choice_of(1e-3, 1.12e-3, 3e-3).algorithm, ALGORITHM_DIRECT);
}

Test(kernels, are_estimated_where_not_all_were_measured_or_another_shape_was) {
    KernelChoice choice = choice_of(1e-3, INFINITY, 3e-3);
    cr_assert_eq(choice.algorithm, ALGORITHM_WINOGRAD);
    cr_assert_null(choice.measured);
    Attribute other[12];
    memcpy(other, conv_64, sizeof other);
    other[11].i = 55;
    KernelTimes times = {.rows = {.items = &(KernelTime){{0}, {0}, {0}}, .count = 1}};
    cr_assert_null(kernel_choice(other, (KernelHost){8, &times}).measured);
    cr_assert_eq(choice_of(1e-3, 2e-3, 3e-3).measured->shape[11], 56);
}

Test(kernels, are_reference_kernels_alone_without_vectors) {
    KernelTimes none = {.rows = {.count = 0}};
    cr_assert_eq(kernel_choice(conv_64, (KernelHost){0, &none}).algorithm, ALGORITHM_REFERENCE);
}
