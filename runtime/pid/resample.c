#include "pid/resample.h"

#include <math.h>
#include <string.h>

#include "pid/draws.h"
#include "pid/table.h"

/* Whole numbers up to here are exact in a double. */
#define MOST_SAMPLES 9007199254740992.0

static Status whole_numbers(const MmlTable *table, MmlCounts *out) {
    double sum = 0;
    for (i64 c = 0; c < out->cells; c++) {
        double weight = table->p[c];
        if (!(weight >= 0) || weight > MOST_SAMPLES || weight != floor(weight))
            return mml_fail(MML_EINPUT, "cell %lld of the table is %g: estimates need numbers of samples, not probabilities",
                            (long long)c, weight);
        sum += weight;
        out->count[c] = (i64)weight;
        out->samples += out->count[c];
        if (sum > MOST_SAMPLES) return mml_fail(MML_EINPUT, "the table has more than 2^53 samples");
    }
    return out->samples > 0 ? MML_OK : mml_fail(MML_EINPUT, "the table has no sample");
}

static void add_marginals(MmlCounts *out) {
    for (i64 c = 0; c < out->cells; c++) {
        i64 y = c % out->labels, tuple = c / out->labels;
        out->label[y] += out->count[c];
        for (int k = out->sources - 1; k >= 0; k--) {
            out->pair[k][tuple % out->bins[k] * out->labels + y] += out->count[c];
            tuple /= out->bins[k];
        }
    }
}

Status mml_counts_new(const MmlTable *table, MmlArena *arena, MmlCounts *out) {
    *out = (MmlCounts){0};
    MML_TRY(mml_table_cells(table, &out->cells));
    out->sources = table->sources;
    out->labels = table->labels;
    out->tuples = out->cells / table->labels;
    memcpy(out->bins, table->bins, sizeof out->bins);
    out->count = MML_NEW(arena, i64, out->cells);
    out->label = MML_NEW(arena, i64, out->labels);
    if (!out->count || !out->label) return MML_ENOMEM;
    for (int k = 0; k < out->sources; k++)
        if (!(out->pair[k] = MML_NEW(arena, i64, (i64)out->bins[k] * out->labels))) return MML_ENOMEM;
    MML_TRY(whole_numbers(table, out));
    add_marginals(out);
    return MML_OK;
}

void mml_resample(const MmlCounts *counts, MmlRandom *random, double *out) {
    i64 wanted = counts->samples, left = counts->samples;      /* to draw; of the cells not yet passed */
    for (i64 c = 0; c < counts->cells; c++) {
        i64 count = counts->count[c];
        i64 drawn = count > 0 && wanted > 0 ? mml_draw_binomial(random, wanted, (double)count / (double)left) : 0;
        out[c] = (double)drawn;
        wanted -= drawn;
        left -= count;
    }
}

void mml_split_in_halves(const MmlCounts *counts, MmlRandom *random, double *half, double *rest) {
    i64 wanted = counts->samples / 2, left = counts->samples;
    for (i64 c = 0; c < counts->cells; c++) {
        i64 count = counts->count[c], drawn = count > 0 ? mml_draw_hypergeometric(random, left, count, wanted) : 0;
        half[c] = (double)drawn;
        rest[c] = (double)(count - drawn);
        wanted -= drawn;
        left -= count;
    }
}

/* rows[r] samples meet the bins of source k at random: next[r, bins] has both as margins. left: [bins] scratch. */
static void join_source(const MmlCounts *counts, int k, int y, MmlRandom *random, const i64 *rows, i64 row_count,
                        i64 *left, i64 *next) {
    int bins = counts->bins[k], labels = counts->labels;
    i64 all = counts->label[y];
    for (int x = 0; x < bins; x++) left[x] = counts->pair[k][(i64)x * labels + y];
    memset(next, 0, sizeof(i64) * (size_t)row_count * (size_t)bins);
    for (i64 r = 0; r < row_count; r++) {
        i64 wanted = rows[r], from = all;
        for (int x = 0; x < bins && wanted > 0; x++) {
            if (left[x] == 0) continue;
            i64 drawn = mml_draw_hypergeometric(random, from, left[x], wanted);
            from -= left[x];
            left[x] -= drawn;
            wanted -= drawn;
            next[r * bins + x] = drawn;
        }
        all -= rows[r];
    }
}

void mml_shuffle_within_labels(const MmlCounts *counts, MmlRandom *random, i64 *scratch, double *out) {
    for (int y = 0; y < counts->labels; y++) {
        i64 *rows = scratch, *next = scratch + counts->tuples, row_count = counts->bins[0];
        for (i64 r = 0; r < row_count; r++) rows[r] = counts->pair[0][r * counts->labels + y];
        for (int k = 1; k < counts->sources; k++) {
            join_source(counts, k, y, random, rows, row_count, scratch + 2 * counts->tuples, next);
            row_count *= counts->bins[k];
            i64 *joined = next;
            next = rows;
            rows = joined;
        }
        for (i64 t = 0; t < counts->tuples; t++) out[t * counts->labels + y] = (double)rows[t];
    }
}

MmlTable mml_counts_table(const MmlCounts *counts, const double *p) {
    MmlTable table = {.sources = counts->sources, .labels = counts->labels, .p = p};
    memcpy(table.bins, counts->bins, sizeof table.bins);
    return table;
}
