#include "train/rank.h"

#include "mml/random.h"

#include <math.h>
#include <stdlib.h>

typedef struct { double value; i64 at; } Placed;

static int ascending(const void *a, const void *b) {
    double x = ((const Placed *)a)->value, y = ((const Placed *)b)->value;
    return (x > y) - (x < y);
}

void mml_ranks(const double *values, i64 n, double *out, MmlArena *arena) {
    Placed *placed = MML_NEW(arena, Placed, n + 1);
    for (i64 i = 0; placed && i < n; i++) placed[i] = (Placed){values[i], i};
    if (!placed) {
        for (i64 i = 0; i < n; i++) out[i] = NAN;
        return;
    }
    qsort(placed, (size_t)n, sizeof *placed, ascending);
    for (i64 from = 0, to; from < n; from = to) {
        for (to = from; to < n && placed[to].value == placed[from].value; to++) {}
        for (i64 i = from; i < to; i++) out[placed[i].at] = (double)(from + 1 + to) / 2;
    }
}

/* Ranks about their mean; returns their squared length. */
static double centred(double *ranks, i64 n) {
    double sum = 0, mean = (double)(n + 1) / 2;
    for (i64 i = 0; i < n; i++) {
        ranks[i] -= mean;
        sum += ranks[i] * ranks[i];
    }
    return sum;
}

static double product(const double *a, const double *b, const i64 *order, i64 n) {
    double sum = 0;
    for (i64 i = 0; i < n; i++) sum += a[i] * b[order[i]];
    return sum;
}

Status mml_spearman(const double *x, const double *y, i64 n, MmlArena *arena, MmlRank *out) {
    double *a = MML_NEW(arena, double, n + 1), *b = MML_NEW(arena, double, n + 1);
    i64 *order = MML_NEW(arena, i64, n + 1), as_far = 1;
    *out = (MmlRank){NAN, NAN, n};
    if (!a || !b || !order) return mml_fail(MML_ENOMEM, "out of memory for a rank correlation");
    mml_ranks(x, n, a, arena);
    mml_ranks(y, n, b, arena);
    double length = sqrt(centred(a, n) * centred(b, n));
    if (n < 3 || !(length > 0)) return MML_OK;
    for (i64 i = 0; i < n; i++) order[i] = i;
    double found = product(a, b, order, n);
    out->rho = found / length;
    /* Products of ranks are multiples of a quarter: what differs by rounding alone is equal. */
    double bound = fabs(found) - 1.0 / 8;
    MmlRandom random = mml_random(0, MML_STREAM_PERMUTATION, (u64)n, 0);
    for (int i = 0; i < MML_RANK_PERMUTATIONS; i++) {
        mml_random_shuffle(&random, order, n);
        as_far += fabs(product(a, b, order, n)) >= bound;
    }
    out->p = (double)as_far / (MML_RANK_PERMUTATIONS + 1);
    return MML_OK;
}
