#include "pid/synergy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mml/random.h"
#include "pid/table.h"

#define BITS (1 / 0.69314718055994530942)

static int ascending(const void *a, const void *b) {
    u64 x = *(const u64 *)a, y = *(const u64 *)b;
    return (x > y) - (x < y);
}

/* Replaces keys by their ranks among the distinct ones. sorted: [n] scratch. Returns their number. */
static u64 to_ranks(u64 *keys, i64 n, u64 *sorted) {
    memcpy(sorted, keys, sizeof(u64) * (size_t)n);
    qsort(sorted, (size_t)n, sizeof(u64), ascending);
    i64 distinct = 0;
    for (i64 i = 0; i < n; i++)
        if (i == 0 || sorted[i] != sorted[distinct - 1]) sorted[distinct++] = sorted[i];
    for (i64 i = 0; i < n; i++) {
        const u64 *found = bsearch(&keys[i], sorted, (size_t)distinct, sizeof(u64), ascending);
        keys[i] = (u64)(found - sorted);
    }
    return (u64)distinct;
}

/* Mixed-radix numbers of the tuples with the label last, ranked on the way where they would overflow. */
static void number_samples(const MmlSamples *samples, u64 *keys, u64 *sorted) {
    const u64 most = (u64)1 << 62;
    u64 range = 1;
    for (i64 i = 0; i < samples->n; i++) keys[i] = 0;
    for (int k = 0; k <= samples->sources; k++) {
        u64 radix = (u64)(k < samples->sources ? samples->bins[k] : samples->labels);
        if (range > most / radix) range = to_ranks(keys, samples->n, sorted);
        for (i64 i = 0; i < samples->n; i++)
            keys[i] = keys[i] * radix + (u64)(k < samples->sources ? samples->bin[k][i] : samples->label[i]);
        range *= radix;
    }
}

static double count_log(i64 count) { return count > 0 ? (double)count * log((double)count) : 0; }

static Status label_entropy(const MmlSamples *samples, MmlArena *arena, double *nats) {
    i64 *count = MML_NEW(arena, i64, samples->labels);
    if (!count) return MML_ENOMEM;
    for (i64 i = 0; i < samples->n; i++) count[samples->label[i]]++;
    *nats = log((double)samples->n);
    for (int y = 0; y < samples->labels; y++) *nats -= count_log(count[y]) / (double)samples->n;
    return MML_OK;
}

static Status information(const MmlSamples *samples, MmlArena *arena, double *bits) {
    u64 *keys = MML_NEW(arena, u64, samples->n), *sorted = MML_NEW(arena, u64, samples->n);
    double nats;
    if (!keys || !sorted) return MML_ENOMEM;
    MML_TRY(label_entropy(samples, arena, &nats));
    number_samples(samples, keys, sorted);
    qsort(keys, (size_t)samples->n, sizeof(u64), ascending);
    i64 tuple = 0, cell = 0;                       /* samples of the present tuple, and of it with the present label */
    for (i64 i = 0; i < samples->n; i++) {
        tuple++;
        cell++;
        int last = i + 1 == samples->n;
        if (last || keys[i + 1] != keys[i]) {
            nats += count_log(cell) / (double)samples->n;
            cell = 0;
        }
        if (last || keys[i + 1] / (u64)samples->labels != keys[i] / (u64)samples->labels) {
            nats -= count_log(tuple) / (double)samples->n;
            tuple = 0;
        }
    }
    *bits = BITS * fmax(0, nats);
    return MML_OK;
}

Status mml_sample_information(const MmlSamples *samples, MmlArena *arena, double *bits) {
    MmlArenaMark mark = mml_arena_mark(arena);
    Status status = information(samples, arena, bits);
    mml_arena_release(arena, mark);
    return status;
}

/* ---- Adjustment ---- */

double mml_independent_information(const MmlJoint *joint, double *cell) {
    int at[MML_PID_SOURCES] = {0}, labels = joint->labels;
    double nats = mml_entropy(joint->label, labels);
    for (int k = joint->sources; k >= 0;) {
        for (int y = 0; y < labels; y++) {
            cell[y] = joint->label[y];
            for (int l = 0; l < joint->sources && cell[y] > 0; l++)
                cell[y] *= joint->marginal[l][(i64)at[l] * labels + y] / joint->label[y];
        }
        nats += mml_negative_conditional_entropy(cell, 1, labels);
        k = joint->sources - 1;
        while (k >= 0 && ++at[k] == joint->bins[k]) at[k--] = 0;
    }
    return BITS * fmax(0, nats);
}

static Status conditionally_independent(const MmlSamples *samples, MmlArena *arena, double *bits) {
    MmlJoint joint = {.sources = samples->sources, .labels = samples->labels};
    double *cell = MML_NEW(arena, double, samples->labels), weight = 1 / (double)samples->n;
    joint.label = MML_NEW(arena, double, samples->labels);
    if (!joint.label || !cell) return MML_ENOMEM;
    for (i64 i = 0; i < samples->n; i++) joint.label[samples->label[i]] += weight;
    for (int k = 0; k < samples->sources; k++) {
        joint.bins[k] = samples->bins[k];
        joint.marginal[k] = MML_NEW(arena, double, (i64)samples->bins[k] * samples->labels);
        if (!joint.marginal[k]) return MML_ENOMEM;
        for (i64 i = 0; i < samples->n; i++)
            joint.marginal[k][(i64)samples->bin[k][i] * samples->labels + samples->label[i]] += weight;
    }
    *bits = mml_independent_information(&joint, cell);
    return MML_OK;
}

typedef struct {
    i64 *order;          /* [n] samples sorted by label           */
    i64 *first;          /* [labels + 1] where each label starts  */
    i64 *shuffled;       /* [n] positions within `order`          */
    i32 *bin[MML_PID_SOURCES];
} Shuffle;

static Status shuffle_new(const MmlSamples *samples, MmlArena *arena, Shuffle *out) {
    out->order = MML_NEW(arena, i64, samples->n);
    out->first = MML_NEW(arena, i64, samples->labels + 1);
    out->shuffled = MML_NEW(arena, i64, samples->n);
    i64 *next = MML_NEW(arena, i64, samples->labels);
    if (!out->order || !out->first || !out->shuffled || !next) return MML_ENOMEM;
    for (int k = 1; k < samples->sources; k++)
        if (!(out->bin[k] = MML_NEW(arena, i32, samples->n))) return MML_ENOMEM;
    for (i64 i = 0; i < samples->n; i++) out->first[samples->label[i] + 1]++;
    for (int y = 0; y < samples->labels; y++) out->first[y + 1] += out->first[y];
    memcpy(next, out->first, sizeof(i64) * (size_t)samples->labels);
    for (i64 i = 0; i < samples->n; i++) out->order[next[samples->label[i]]++] = i;
    return MML_OK;
}

/* Permutes every source but the first within each label. */
static void shuffle_within_labels(const MmlSamples *samples, Shuffle *shuffle, MmlRandom *random) {
    for (int k = 1; k < samples->sources; k++) {
        memcpy(shuffle->shuffled, shuffle->order, sizeof(i64) * (size_t)samples->n);
        for (int y = 0; y < samples->labels; y++)
            mml_random_shuffle(random, shuffle->shuffled + shuffle->first[y], shuffle->first[y + 1] - shuffle->first[y]);
        for (i64 i = 0; i < samples->n; i++) shuffle->bin[k][shuffle->order[i]] = samples->bin[k][shuffle->shuffled[i]];
    }
}

static Status shuffled_information(const MmlSamples *samples, u64 seed, i64 epoch, MmlArena *arena,
                                   double *mean, double *spread) {
    Shuffle shuffle;
    MmlSamples shuffled = *samples;
    double value[MML_SYNERGY_SHUFFLES], square = 0;
    MML_TRY(shuffle_new(samples, arena, &shuffle));
    for (int k = 1; k < samples->sources; k++) shuffled.bin[k] = shuffle.bin[k];
    *mean = 0;
    for (int s = 0; s < MML_SYNERGY_SHUFFLES; s++) {
        MmlRandom random = mml_random(seed, MML_STREAM_NULL, (u64)epoch, (u64)s);
        shuffle_within_labels(samples, &shuffle, &random);
        MML_TRY(mml_sample_information(&shuffled, arena, &value[s]));
        *mean += value[s] / MML_SYNERGY_SHUFFLES;
    }
    for (int s = 0; s < MML_SYNERGY_SHUFFLES; s++) square += (value[s] - *mean) * (value[s] - *mean);
    *spread = sqrt(square / (MML_SYNERGY_SHUFFLES - 1));
    return MML_OK;
}

/* Entropies are sums of rounded terms: less room than this is none. */
#define NO_ROOM 1e-9

double mml_adjust(double base, double bias, double total, double entropy, double union_information) {
    double room = entropy - base, left = room - bias;
    double share = left > NO_ROOM ? (total - base - bias) / left : 0;
    return base - union_information + room * fmin(1, fmax(-1, share));
}

static Status adjust(const MmlSamples *samples, double total, double entropy, double union_information,
                     u64 seed, i64 epoch, MmlArena *arena, MmlSynergy *out) {
    double mean;
    MML_TRY(conditionally_independent(samples, arena, &out->base));
    MML_TRY(shuffled_information(samples, seed, epoch, arena, &mean, &out->spread));
    out->bias = mean - out->base;
    out->adjusted = mml_adjust(out->base, out->bias, total, entropy, union_information);
    return MML_OK;
}

Status mml_adjusted_synergy(const MmlSamples *samples, double total, double entropy, double union_information,
                            u64 seed, i64 epoch, MmlArena *arena, MmlSynergy *out) {
    MmlArenaMark mark = mml_arena_mark(arena);
    Status status = adjust(samples, total, entropy, union_information, seed, epoch, arena, out);
    mml_arena_release(arena, mark);
    return status;
}
