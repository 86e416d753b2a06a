#include "compiled.h"

#include <stdio.h>
#include <string.h>
#include "sema/program.h"
#include "syntax/parse.h"

Compiled compile_with(const char *name, const char *text, const char *const *given) {
    Compiled c = {.arena = arena_new(), .memory = mml_arena_new()};
    Interner *names = interner_new(c.arena);
    Diagnostics *diagnostics = diagnostics_new(c.arena);
    const Source *source = source_from_text(c.arena, name, text, strlen(text));
    const File *file = parse_file(c.arena, names, diagnostics, source);
    AnalyseOptions options = {0};
    const Program *program = diag_errors(diagnostics) ? NULL : analyse(c.arena, names, diagnostics, file, &options);
    CodegenOptions how = {.optimize = 2, .cpu = "native", .compiler = "mmlc test", .flags = ""};
    if (program) c.jit = jit_compile(c.arena, diagnostics, program, &how);
    if (!c.jit) diag_print(diagnostics, stderr, DIAG_TEXT, 0);
    cr_assert_not_null(c.jit, "%s does not compile", name);
    c.program    = program;
    c.experiment = jit_experiment(c.jit);
    cr_assert_eq(mml_settings_new(c.memory, c.experiment, &c.settings), MML_OK, "%s", mml_message());
    for (; given && *given; given++) {
        const char *equals = strchr(*given, '=');
        const MmlSetting *setting = mml_setting_find(c.experiment, arena_copy(c.arena, *given, (size_t)(equals - *given)));
        cr_assert_not_null(setting, "no setting for %s", *given);
        cr_assert_eq(mml_setting_give(&c.settings, setting, equals + 1), MML_OK, "%s", mml_message());
    }
    cr_assert_eq(mml_settings_finish(&c.settings), MML_OK, "%s", mml_message());
    return c;
}

Compiled compile(const char *name, const char *text) { return compile_with(name, text, NULL); }

void compiled_free(Compiled *c) {
    jit_free(c->jit);
    arena_free(c->arena);
    mml_arena_free(c->memory);
}

/* ---- Frames ---- */

#define FENCE 64
#define FENCE_BYTE 0x5a

static void draw(Bench *b, u64 seed) {
    MmlRandom random = mml_random(seed, MML_STREAM_RULE, 0, 0);
    for (i64 m = 0; m < b->experiment->modality_count; m++)
        for (i64 i = 0; i < b->frame.capacity * b->experiment->modalities[m].size; i++) b->inputs[m][i] = (float)mml_random_normal(&random);
    for (i64 i = 0; i < b->frame.capacity; i++) {
        b->labels[i]  = (i64)(mml_random_u32(&random) % (u32)b->experiment->target.classes);
        b->samples[i] = i;
    }
}

/* All clusters found, with spread 1. */
static void draw_clusters(Bench *b, u64 seed) {
    MmlRandom random = mml_random(seed, MML_STREAM_RULE, 1, 0);
    if (!b->experiment->cluster_floats) return;
    b->frame.clusters = MML_NEW(b->memory, float, b->experiment->cluster_floats);
    for (i64 i = 0; i < b->experiment->cluster_floats; i++) b->frame.clusters[i] = (float)(0.7 * mml_random_normal(&random));
    for (i64 s = 0; s < b->experiment->stage_count; s++)
        for (i64 c = 0; c < b->experiment->stages[s].clustering_count; c++) {
            const MmlClustering *clustering = &b->experiment->stages[s].clusterings[c];
            b->frame.clusters[clustering->offset]     = (float)clustering->bins;
            b->frame.clusters[clustering->offset + 1] = 1;
        }
    cr_assert_eq(mml_decomposer_new(64, 32, &b->decomposer), MML_OK);
    b->frame.decomposer = b->decomposer;
}

Bench bench_new(const Compiled *c, const MmlStep *step, i64 batch, i64 capacity, u64 seed) {
    const MmlExperiment *e = c->experiment;
    Bench b = {.experiment = e, .step = step, .memory = mml_arena_new()};
    b.labels  = MML_NEW(b.memory, i64, capacity);
    b.samples = MML_NEW(b.memory, i64, capacity);
    for (i64 m = 0; m < e->modality_count; m++) b.inputs[m] = MML_NEW(b.memory, float, capacity * e->modalities[m].size);
    char **scratch = MML_NEW(b.memory, char *, 1);
    scratch[0] = mml_arena_alloc(b.memory, (size_t)step->thread_bytes + 64);
    b.frame = (MmlFrame){
        .arena = mml_arena_alloc(b.memory, (size_t)(step->fixed_bytes + capacity * step->sample_bytes + FENCE)), .scratch = scratch,
        .capacity = capacity, .batch = batch,
        .parameters = MML_NEW(b.memory, float, e->parameter_floats + 16), .gradients = MML_NEW(b.memory, float, e->parameter_floats + 16),
        .statistics = MML_NEW(b.memory, float, e->statistic_floats + 16), .labels = b.labels, .samples = b.samples,
        .settings = c->settings.values, .state = MML_NEW(b.memory, MmlValue, 64), .seed = seed, .step = 3};
    memset(b.frame.arena + step->fixed_bytes + capacity * step->sample_bytes, FENCE_BYTE, FENCE);
    for (i64 g = 0; g <= e->modality_count; g++) b.forward[g] = b.active[g] = b.training[g] = 1;
    mml_initialise(e, seed, NULL, b.frame.parameters, b.frame.statistics);
    draw(&b, seed);
    draw_clusters(&b, seed);
    return b;
}

static i64 arena_bytes(const Bench *b) { return b->step->fixed_bytes + b->frame.capacity * b->step->sample_bytes; }

void bench_run(Bench *b) {
    b->frame.inputs   = (const float *const *)b->inputs;
    b->frame.forward  = b->forward;
    b->frame.active   = b->active;
    b->frame.training = b->training;
    b->frame.features = b->features;
    b->frame.logits   = b->logits;
    memset(b->frame.arena, 0xff, (size_t)arena_bytes(b));     /* NaN: what is read before it is written shows */
    b->step->run(&b->frame);
    const char *behind = b->frame.arena + arena_bytes(b);
    for (int i = 0; i < FENCE; i++) cr_assert_eq(behind[i], FENCE_BYTE, "%s writes behind its arena", b->step->name);
}

void bench_free(Bench *b) {
    mml_decomposer_free(b->decomposer);
    mml_arena_free(b->memory);
}

const MmlParameter *parameter_named(const MmlExperiment *experiment, const char *name) {
    for (i64 p = 0; p < experiment->parameter_count; p++)
        if (!strcmp(experiment->parameters[p].name, name)) return &experiment->parameters[p];
    cr_assert(0, "no parameter %s", name);
    return NULL;
}

/* ---- Fixtures ---- */

json_t *fixtures(void) {
    json_error_t error;
    json_t *root = json_load_file(MML_SHARED_DIR "/fixtures/methods.json", 0, &error);
    if (!root) fprintf(stderr, "skipped: no %s\n", MML_SHARED_DIR "/fixtures/methods.json");
    return root;
}

json_t *fixture_case(json_t *root, const char *id) {
    size_t i;
    json_t *at;
    json_array_foreach(json_object_get(root, "cases"), i, at)
        if (!strcmp(json_string_value(json_object_get(at, "id")), id)) return at;
    cr_assert(0, "no fixture %s", id);
    return NULL;
}
