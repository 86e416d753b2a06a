#include <criterion/criterion.h>
#include <math.h>
#include <string.h>

#include "mml/pid.h"
#include "mml/random.h"
#include "pid/synergy.h"

enum { MOST = 4000 };

/* Samples whose modality m has bin x[m]: a feature at one of well separated points. */
typedef struct {
    int   n, modalities, classes;
    float features[5][2 * MOST];
    i64   label[MOST];
} Samples;

static void place(Samples *s, int m, int i, int x, int bins) {
    s->features[m][2 * i] = (float)cos(2 * M_PI * x / bins);
    s->features[m][2 * i + 1] = (float)sin(2 * M_PI * x / bins);
}

static MmlProbeResult probe(const Samples *s, const MmlProbeOptions *options, MmlArena *arena) {
    const float *features[5];
    const int width[] = {2, 2, 2, 2, 2};
    for (int m = 0; m < 5; m++) features[m] = s->features[m];
    MmlProbeResult result;
    cr_assert_eq(mml_probe(options, s->modalities, s->n, features, width, s->label, s->classes, NULL, arena, &result), MML_OK,
                 "%s", mml_message());
    return result;
}

static Samples *gate(int (*f)(int, int), int n) {
    static Samples s;
    s = (Samples){.n = n, .modalities = 2, .classes = 2};
    for (int i = 0; i < n; i++) {
        int a = i & 1, b = i >> 1 & 1;
        place(&s, 0, i, a, 2);
        place(&s, 1, i, b, 2);
        s.label[i] = f(a, b);
    }
    return &s;
}

static int xor(int a, int b) { return a ^ b; }
static int and(int a, int b) { return a & b; }
static int first(int a, int b) { return a; }
static int never(int a, int b) { return 0; }

Test(probe, finds_the_atoms_of_gates_behind_features) {
    MmlArena *arena = mml_arena_new();
    MmlProbeOptions options = mml_probe_defaults();
    MmlProbeResult result = probe(gate(xor, 400), &options, arena);
    cr_assert(result.bins[0] == 2 && result.bins[1] == 2 && result.occupied == 4 && result.samples == 400);
    cr_assert_float_eq(result.synergy_plugin, 1, 1e-9);
    cr_assert_float_eq(result.synergy, 1, 0.02);
    cr_assert_float_eq(result.pid.entropy, 1, 1e-12);
    result = probe(gate(and, 400), &options, arena);
    cr_assert_float_eq(result.pid.redundancy, 0.31127812445913283, 1e-9);
    cr_assert_float_eq(result.synergy_plugin, 0.5, 1e-9);
    cr_assert_float_eq(result.synergy, 0.5, 0.02);
    result = probe(gate(first, 400), &options, arena);
    cr_assert_float_eq(result.pid.unique[0], 1, 1e-9);
    cr_assert_float_eq(result.synergy, 0, 1e-9);
    mml_arena_free(arena);
}

Test(probe, every_way_of_binning_finds_xor) {
    MmlArena *arena = mml_arena_new();
    for (int bins = MML_BINS_KMEANS; bins <= MML_BINS_ARGMAX; bins++) {
        MmlProbeOptions options = mml_probe_defaults();
        options.bins = (MmlBins)bins;
        options.k = 2;
        MmlProbeResult result = probe(gate(xor, 100), &options, arena);
        cr_assert_float_eq(result.synergy_plugin, 1, 1e-9, "bins %d", bins);
    }
    mml_arena_free(arena);
}

Test(probe, the_estimator_chooses_the_synergy_and_both_are_kept) {
    static Samples s;
    MmlArena *arena = mml_arena_new();
    MmlRandom random = mml_random(1, MML_STREAM_RULE, 0, 0);
    s = (Samples){.n = 1280, .modalities = 2, .classes = 6};
    for (int i = 0; i < s.n; i++) {
        for (int m = 0; m < 2; m++) place(&s, m, i, (int)mml_random_below(&random, 20), 20);
        s.label[i] = (i64)mml_random_below(&random, 6);
    }
    MmlProbeOptions options = mml_probe_defaults();
    MmlProbeResult adjusted = probe(&s, &options, arena);
    options.estimator = MML_PLUGIN;
    MmlProbeResult plugin = probe(&s, &options, arena);
    /* pid.md 5: on independent data the plug-in value is about 1 bit, the adjusted one within some hundredths of 0. */
    cr_assert_float_eq(plugin.synergy, 1.06, 0.15);
    cr_assert_eq(plugin.synergy, plugin.synergy_plugin);
    cr_assert_eq(adjusted.synergy_plugin, plugin.synergy_plugin);
    cr_assert_float_eq(adjusted.synergy, 0, 0.12);
    cr_assert(adjusted.synergy_error > 0 && adjusted.synergy_error < 0.1);
    mml_arena_free(arena);
}

/* The formula of pid.md 5 from its parts. */
Test(synergy, adjusted_follows_its_formula) {
    enum { N = 600 };
    i32 x1[N], x2[N];
    i64 y[N];
    MmlRandom random = mml_random(2, MML_STREAM_RULE, 0, 0);
    MmlArena *arena = mml_arena_new();
    double joint[5][4] = {{0}}, first_pair[5][3] = {{0}}, second_pair[4][3] = {{0}}, label[3] = {0};
    for (int i = 0; i < N; i++) {
        x1[i] = (i32)mml_random_below(&random, 5);
        x2[i] = (i32)mml_random_below(&random, 4);
        y[i] = (x1[i] + x2[i] + (i64)mml_random_below(&random, 2)) % 3;
        first_pair[x1[i]][y[i]] += 1. / N;
        second_pair[x2[i]][y[i]] += 1. / N;
        label[y[i]] += 1. / N;
    }
    double base = 0, entropy = 0, total;
    for (int c = 0; c < 3; c++) entropy -= label[c] * log2(label[c]);
    for (int a = 0; a < 5; a++)
        for (int b = 0; b < 4; b++) {
            for (int c = 0; c < 3; c++) joint[a][b] += first_pair[a][c] * second_pair[b][c] / label[c];
            for (int c = 0; c < 3; c++) {
                double p = first_pair[a][c] * second_pair[b][c] / label[c];
                if (p > 0) base += p * log2(p / joint[a][b] / label[c]);
            }
        }
    MmlSamples samples = {.sources = 2, .labels = 3, .bins = {5, 4}, .bin = {x1, x2}, .label = y, .n = N};
    MmlSynergy found;
    cr_assert_eq(mml_sample_information(&samples, arena, &total), MML_OK);
    cr_assert_eq(mml_adjusted_synergy(&samples, total, entropy, 0.1, 7, 3, arena, &found), MML_OK);
    cr_assert_float_eq(found.base, base, 1e-12);
    double room = entropy - base;
    cr_assert_float_eq(found.adjusted, base - 0.1 + room * (total - base - found.bias) / (room - found.bias), 1e-12);
    cr_assert(found.bias > 0 && found.spread > 0);
    mml_arena_free(arena);
}

Test(synergy, information_from_samples_is_that_of_their_table) {
    enum { N = 300 };
    i32 x[2][N];
    i64 y[N];
    double count[6][7][3] = {{{0}}};
    MmlRandom random = mml_random(3, MML_STREAM_RULE, 0, 0);
    MmlArena *arena = mml_arena_new();
    for (int i = 0; i < N; i++) {
        x[0][i] = (i32)mml_random_below(&random, 6);
        x[1][i] = (i32)mml_random_below(&random, 7);
        y[i] = (i64)mml_random_below(&random, 3);
        count[x[0][i]][x[1][i]][y[i]]++;
    }
    MmlTable table = {.sources = 2, .bins = {6, 7}, .labels = 3, .p = &count[0][0][0]};
    MmlSamples samples = {.sources = 2, .labels = 3, .bins = {6, 7}, .bin = {x[0], x[1]}, .label = y, .n = N};
    MmlPid pid;
    double total;
    cr_assert_eq(mml_pid_solve(&table, NULL, arena, &pid), MML_OK);
    cr_assert_eq(mml_sample_information(&samples, arena, &total), MML_OK);
    cr_assert_float_eq(total, pid.total, 1e-12);
    mml_arena_free(arena);
}

/* 16 sources of 2^10 bins: the tuple's number does not fit 64 bits. */
Test(synergy, information_of_many_sources_needs_no_table) {
    enum { N = 50 };
    i32 x[MML_PID_SOURCES][N];
    i64 y[N];
    MmlSamples samples = {.sources = MML_PID_SOURCES, .labels = 2, .label = y, .n = N};
    MmlArena *arena = mml_arena_new();
    for (int k = 0; k < MML_PID_SOURCES; k++) {
        samples.bins[k] = 1024;
        samples.bin[k] = x[k];
        for (int i = 0; i < N; i++) x[k][i] = k == 5 ? i / 2 : 1023;
    }
    for (int i = 0; i < N; i++) y[i] = i / 2 % 2;
    double total;
    cr_assert_eq(mml_sample_information(&samples, arena, &total), MML_OK);
    cr_assert_float_eq(total, -(24 / 50. * log2(24 / 50.) + 26 / 50. * log2(26 / 50.)), 1e-12);
    mml_arena_free(arena);
}

static int parity3(int i) { return (i ^ i >> 1 ^ i >> 2) & 1; }

Test(probe, takes_three_modalities) {
    static Samples s;
    MmlArena *arena = mml_arena_new();
    MmlProbeOptions options = mml_probe_defaults();
    s = (Samples){.n = 400, .modalities = 3, .classes = 2};
    for (int i = 0; i < s.n; i++) {
        for (int m = 0; m < 3; m++) place(&s, m, i, i >> m & 1, 2);
        s.label[i] = parity3(i);
    }
    MmlProbeResult result = probe(&s, &options, arena);
    cr_assert_float_eq(result.synergy_plugin, 1, 1e-9);
    cr_assert_float_eq(result.synergy, 1, 0.05);
    for (int m = 0; m < 3; m++) cr_assert_float_eq(result.pid.unique[m], 0, 1e-9);
    mml_arena_free(arena);
}

/* Label: the first modality's bit and the second's, which the third repeats; the others are idle. */
Test(probe, sets_each_of_many_modalities_against_the_rest) {
    static Samples s;
    MmlArena *arena = mml_arena_new();
    MmlProbeOptions options = mml_probe_defaults();
    s = (Samples){.n = 1024, .modalities = 5, .classes = 4};
    for (int i = 0; i < s.n; i++) {
        for (int m = 0; m < 5; m++) place(&s, m, i, i >> (m < 2 ? m : m - 1) & 1, 2);
        s.label[i] = i & 3;
    }
    MmlProbeResult result = probe(&s, &options, arena);
    cr_assert_float_eq(result.pid.unique[0], 1, 1e-9);
    for (int m = 1; m < 5; m++) cr_assert_float_eq(result.pid.unique[m], 0, 1e-9, "%d: %g", m, result.pid.unique[m]);
    for (int m = 0; m < 5; m++) cr_assert_float_eq(result.pid.mutual[m], m < 3, 1e-9);
    cr_assert_float_eq(result.pid.total, 2, 1e-9);
    cr_assert_float_eq(result.pid.redundancy, 1, 1e-9);          /* the sum of mutual, 3, less 2 */
    cr_assert_float_eq(result.synergy_plugin, 0, 1e-9);
    cr_assert(result.pid.gap <= 1e-9 && !result.pid.q && !result.pid.dual);
    mml_arena_free(arena);
}

Test(probe, mutual_information_takes_one_modality_and_no_decomposition) {
    MmlArena *arena = mml_arena_new();
    MmlProbeOptions options = mml_probe_defaults();
    options.mutual_only = 1;
    Samples *s = gate(and, 400);
    MmlProbeResult both = probe(s, &options, arena);
    cr_assert_float_eq(both.pid.mutual[0], 0.31127812445913283, 1e-12);
    cr_assert_float_eq(both.pid.mutual[1], 0.31127812445913283, 1e-12);
    cr_assert_float_eq(both.pid.total, 0.8112781244591328, 1e-12);
    cr_assert_float_eq(both.pid.entropy, 0.8112781244591328, 1e-12);
    cr_assert_null(both.pid.q);
    s->modalities = 1;
    MmlProbeResult one = probe(s, &options, arena);
    cr_assert_float_eq(one.pid.total, both.pid.mutual[0], 1e-12);
    mml_arena_free(arena);
}

Test(probe, degenerate_samples_have_their_values) {
    MmlArena *arena = mml_arena_new();
    for (int bins = MML_BINS_KMEANS; bins <= MML_BINS_ARGMAX; bins++) {
        MmlProbeOptions options = mml_probe_defaults();
        options.bins = (MmlBins)bins;

        Samples *s = gate(never, 40);                      /* one class occurs */
        MmlProbeResult result = probe(s, &options, arena);
        cr_assert(result.pid.total == 0 && result.pid.synergy == 0 && result.synergy == 0, "bins %d: one class", bins);
        s->classes = 1;                                    /* one class exists */
        result = probe(s, &options, arena);
        cr_assert(result.pid.total == 0 && result.synergy == 0, "bins %d: one class exists", bins);

        s = gate(first, 1);                                /* one sample */
        result = probe(s, &options, arena);
        cr_assert(result.pid.total == 0 && result.synergy == 0 && result.samples == 1, "bins %d: one sample", bins);

        s = gate(first, 2);                                /* fewer samples than bins */
        result = probe(s, &options, arena);
        cr_assert_float_eq(result.pid.total, 1, 1e-9, "bins %d: two samples", bins);

        s = gate(first, 40);                               /* equal features: nothing to know */
        for (int i = 0; i < 40; i++) place(s, 0, i, 0, 2);
        result = probe(s, &options, arena);
        cr_assert_float_eq(result.pid.mutual[0], 0, 1e-12, "bins %d: equal features", bins);
        cr_assert_float_eq(result.synergy, 0, 1e-9, "bins %d: equal features", bins);
        if (bins != MML_BINS_ARGMAX) cr_assert_eq(result.bins[0], 1);

        memset(s->features, 0, sizeof s->features);        /* all zero: no direction to normalise */
        result = probe(s, &options, arena);
        cr_assert(result.pid.total == 0 && fabs(result.synergy) < 1e-9, "bins %d: zero features", bins);
    }
    mml_arena_free(arena);
}

Test(probe, epochs_and_seeds_draw_their_own_streams_and_repeat) {
    static Samples s;
    MmlArena *arena = mml_arena_new();
    MmlRandom random = mml_random(4, MML_STREAM_RULE, 0, 0);
    s = (Samples){.n = 500, .modalities = 2, .classes = 3};
    for (int i = 0; i < s.n; i++) {
        for (int m = 0; m < 2; m++)
            for (int c = 0; c < 2; c++) s.features[m][2 * i + c] = (float)mml_random_normal(&random);
        s.label[i] = (i64)mml_random_below(&random, 3);
    }
    MmlProbeOptions options = mml_probe_defaults();
    options.seed = 5;
    MmlProbeResult a = probe(&s, &options, arena), b = probe(&s, &options, arena);
    cr_assert(a.synergy == b.synergy && a.pid.redundancy == b.pid.redundancy && a.synergy_error == b.synergy_error);
    options.epoch = 1;
    cr_assert_neq(probe(&s, &options, arena).synergy, a.synergy);
    options.epoch = 0;
    options.seed = 6;
    cr_assert_neq(probe(&s, &options, arena).synergy, a.synergy);
    mml_arena_free(arena);
}

Test(probe, refuses_what_makes_no_sense) {
    MmlArena *arena = mml_arena_new();
    const float rows[] = {0, 1, 2, 3};
    const float *features[] = {rows, rows};
    const int width[] = {2, 2}, none[] = {2, 0};
    const i64 labels[] = {0, 1}, outside[] = {0, 2};
    MmlProbeOptions options = mml_probe_defaults();
    MmlProbeResult result;
    cr_assert_eq(mml_probe(&options, 1, 2, features, width, labels, 2, NULL, arena, &result), MML_EINPUT);
    cr_assert_eq(mml_probe(&options, 2, 0, features, width, labels, 2, NULL, arena, &result), MML_EINPUT);
    cr_assert_eq(mml_probe(&options, 2, 2, features, none, labels, 2, NULL, arena, &result), MML_EINPUT);
    cr_assert_eq(mml_probe(&options, 2, 2, features, width, outside, 2, NULL, arena, &result), MML_EINPUT);
    cr_assert(strstr(mml_message(), "sample 1 has label 2"), "%s", mml_message());
    options.k = 0;
    cr_assert_eq(mml_probe(&options, 2, 2, features, width, labels, 2, NULL, arena, &result), MML_EINPUT);
    mml_arena_free(arena);
}
