/* Branches that run side by side give the numbers of one thread, to the last bit: the fusion of these programs is too
 * small to be split, so that nothing else depends on the number of threads. With more threads than branches, or a paused
 * modality, the batch may be split instead: then they are those of one thread but for rounding, and the same in every run. */
#include <math.h>
#include <pthread.h>
#include <string.h>
#include "compiled.h"

#define BATCH 32

/* Encoders whose layers alone would split their work over the threads. */
#define PLAIN "linear(96) -> relu -> linear(96) -> relu -> linear(8)"
#define LAYERS "linear(64) -> batchnorm -> relu -> dropout(0.3) -> linear(64) -> layernorm -> gelu -> linear(8) -> normalize"
#define IMAGES "conv(4, 3) -> batchnorm -> relu -> maxpool(2, stride = 2) -> conv(8, 3) -> relu -> avgpool -> linear(8)"

#define CONCAT "concat -> linear(classes)"
#define HEADS  "ce(joint) + sum(m in modalities: ce(head[m]))"

static Compiled compile_modalities(int count, const char *type, const char *encoder, const char *fusion, const char *loss) {
    Arena *arena = arena_new();
    const char *modalities = "";
    for (int m = 0; m < count; m++)
        modalities = arena_printf(arena, "%smodality m%d : %s { input = files.x%d\n encoder = %s }\n", modalities, m, type, m, encoder);
    Compiled c = compile("branches.mml", arena_printf(arena,
        "use encoders\ndata files = npz(\"train.npz\", test = \"test.npz\")\n%s"
        "target kind : class[4] = files.label\nfusion = %s\nmethod own() { loss = %s }\n"
        "train { batch = %d\n optimizer = sgd(lr = 0.1)\n stage unimodal { epochs = 1 }\n stage joint { epochs = 1\n method = own() } }\n",
        modalities, fusion, loss, BATCH));
    arena_free(arena);
    return c;
}

static Bench bench_on(const Compiled *c, const MmlStep *step, int threads, const i64 *active) {
    Bench b = bench_new(c, step, BATCH - 3, BATCH, 5);
    cr_assert_eq(mml_threads_new(threads, &b.frame.threads), MML_OK);
    b.frame.scratch = MML_NEW(b.memory, char *, threads);
    for (int t = 0; t < threads; t++) b.frame.scratch[t] = mml_arena_alloc(b.memory, (size_t)step->thread_bytes + 64);
    for (i64 m = 0; active && m < c->experiment->modality_count; m++) b.active[m] = active[m];
    return b;
}

static void free_bench(Bench *b) {
    mml_threads_free(b->frame.threads);
    bench_free(b);
}

static void results_near(const float *a, const float *b, i64 count, int exact, const char *what, const char *step) {
    cr_assert_eq(!a, !b);
    if (!a) return;
    for (i64 i = 0; i < count; i++) {
        int fine = exact ? !memcmp(&a[i], &b[i], sizeof a[i]) : fabsf(a[i] - b[i]) <= 2e-5f * (1 + fabsf(a[i]));
        cr_assert(fine, "%s: %s[%lld] is %.9g, and %.9g on one thread", step, what, (long long)i, b[i], a[i]);
    }
}

static void same_results(const Bench *a, const Bench *b, int exact) {
    const MmlExperiment *e = a->experiment;
    const char *step = a->step->name;
    float losses[] = {(float)a->frame.loss, (float)b->frame.loss};
    results_near(&losses[0], &losses[1], 1, exact, "loss", step);
    results_near(a->frame.gradients, b->frame.gradients, e->parameter_floats, exact, "gradients", step);
    results_near(a->frame.statistics, b->frame.statistics, e->statistic_floats, exact, "statistics", step);
    for (i64 m = 0; m < e->modality_count; m++) {
        results_near(a->features[m], b->features[m], a->frame.batch * e->modalities[m].width, exact, "features", step);
        results_near(a->logits[m], b->logits[m], a->frame.batch * e->target.classes, exact, "logits", step);
    }
}

static void same_step(const Compiled *c, const MmlStep *step, const i64 *active) {
    Bench one = bench_on(c, step, 1, active);
    bench_run(&one);
    for (int threads = 2; threads <= 3; threads++) {
        Bench first = bench_on(c, step, threads, active);
        bench_run(&first);
        same_results(&one, &first, threads == 2 && !active);
        for (int again = 0; again < 5; again++) {
            Bench other = bench_on(c, step, threads, active);
            bench_run(&other);
            same_results(&first, &other, 1);
            free_bench(&other);
        }
        free_bench(&first);
    }
    free_bench(&one);
}

/* Both stages' steps and evaluations; with all modalities, and with the first one paused. */
static void check(int count, const char *type, const char *encoder, const char *fusion, const char *loss) {
    Compiled c = compile_modalities(count, type, encoder, fusion, loss);
    const i64 paused[MML_MAX_MODALITIES] = {0, 1, 1, 1};
    for (int s = 0; s < 2; s++) {
        const MmlStep *steps[] = {c.experiment->stages[s].train, c.experiment->stages[s].evaluate};
        for (int i = 0; i < 2; i++) {
            same_step(&c, steps[i], NULL);
            same_step(&c, steps[i], paused);
        }
    }
    compiled_free(&c);
}

Test(branches, of_plain_layers_are_those_of_one_thread)    { check(2, "vector[64]", PLAIN, CONCAT, HEADS); }
Test(branches, of_many_layers_are_those_of_one_thread)     { check(2, "vector[64]", LAYERS, CONCAT, HEADS); }
Test(branches, of_small_images_are_those_of_one_thread)    { check(2, "image[1, 8, 8]", IMAGES, CONCAT, "ce(joint)"); }
Test(branches, of_clips_are_those_of_one_thread)           { check(2, "video[3, 1, 4, 4]", "each(flatten -> linear(48) -> relu -> linear(48) -> tanh) -> mean -> linear(8)", CONCAT, "ce(joint)"); }
Test(branches, of_a_sum_are_those_of_one_thread)           { check(2, "vector[64]", PLAIN, "sum(linear(classes))", "ce(joint) + ce(split[m1])"); }
Test(branches, that_are_pulled_together_are_those_of_one_thread) { check(2, "vector[64]", PLAIN, CONCAT, "ce(joint) + mse(feature[m0], feature[m1])"); }
Test(branches, more_than_threads_are_those_of_one_thread)  { check(4, "vector[64]", PLAIN, CONCAT, HEADS); }

/* ---- How they run ---- */

typedef struct { float values[4096]; i64 nodes[64], next, at; pthread_t thread; int elsewhere; } Heard;

static void hear(MmlFrame *frame, i64 node, const float *value, i64 count) {
    Heard *heard = frame->trace_context;
    heard->elsewhere |= !pthread_equal(heard->thread, pthread_self());
    heard->nodes[heard->next++] = node;
    for (i64 i = 0; i < count && heard->at < 4096; i++) heard->values[heard->at++] = value[i];
}

Test(branches, a_listener_hears_the_nodes_in_order_on_its_thread_and_the_same_values) {
    Compiled c = compile_modalities(2, "vector[64]", PLAIN, CONCAT, HEADS);
    static Heard heard[2];
    for (int i = 0; i < 2; i++) {
        Bench b = bench_on(&c, c.experiment->stages[1].train, i + 1, NULL);
        heard[i].thread = pthread_self();
        b.frame.trace = hear;
        b.frame.trace_context = &heard[i];
        bench_run(&b);
        cr_expect_eq(heard[i].elsewhere, 0);
        cr_assert_eq(heard[i].next, b.step->node_count);
        for (i64 n = 0; n < b.step->node_count; n++) cr_expect_eq(heard[i].nodes[n], n);
        free_bench(&b);
    }
    cr_expect_arr_eq(heard[0].values, heard[1].values, sizeof heard[0].values);
    compiled_free(&c);
}

/* Of two branches of a second and of half a second: each on its thread, the pool of neither. */
static pthread_t runner[2];
static int       pools[2];
static char     *own_scratch[2];

static void note(MmlFrame *frame, int branch) {
    runner[branch] = pthread_self();
    pools[branch]  = mml_threads_count(frame->threads);
    own_scratch[branch] = frame->scratch[0];
}
static void run_first(MmlFrame *frame)  { note(frame, 0); }
static void run_second(MmlFrame *frame) { note(frame, 1); }

static void run_pair(int threads, double barriers, const i64 *active) {
    const MmlBranchCost cost = {.split = 1e6, .barriers = barriers};
    const MmlBranch branches[] = {{.run = run_first, .group = 0, .backward = cost}, {.run = run_second, .group = 1, .backward = cost}};
    const MmlBranches pair = {2, branches};
    char memory[4], *scratch[] = {memory, memory + 1, memory + 2, memory + 3};
    MmlFrame frame = {.scratch = scratch, .capacity = 1, .batch = 1, .forward = (i64[]){1, 1}, .active = active};
    cr_assert_eq(mml_threads_new(threads, &frame.threads), MML_OK);
    mml_branches(&frame, &pair);
    mml_threads_free(frame.threads);
}

Test(branches, each_have_a_thread_and_its_scratch_where_barriers_cost_much) {
    run_pair(2, 1000, (i64[]){1, 1});
    cr_expect_not(pthread_equal(runner[0], runner[1]));
    cr_expect(pthread_equal(runner[0], pthread_self()), "the first modality stays on the caller's core");
    cr_expect_neq(own_scratch[0], own_scratch[1]);
    cr_expect_eq(pools[0] + pools[1], 2);
}

Test(branches, have_the_whole_pool_one_after_the_other_where_barriers_cost_little) {
    run_pair(3, 1, (i64[]){1, 1});
    cr_expect(pthread_equal(runner[0], pthread_self()) && pthread_equal(runner[1], pthread_self()));
    cr_expect_eq(pools[0] + pools[1], 6);
}

Test(branches, beside_a_paused_one_have_the_whole_pool_again) {
    run_pair(2, 100, (i64[]){1, 1});
    cr_expect_eq(pools[0], 1);
    run_pair(2, 100, (i64[]){1, 0});
    cr_expect_eq(pools[0], 2);
}
