#include "tables.h"

#include <math.h>
#include <stdlib.h>

/* I(X1;Y) = H(1/4) - H(1/2) / 2: Y is 1 in a quarter of the cases, and open only when X1 = 1. */
#define AND_REDUNDANCY 0.31127812445913283

const Gate GATES[] = {
    {"xor", 2, 2, 2, {.25, 0, 0, .25, 0, .25, .25, 0}, 0, 0, 0, 1},
    {"and", 2, 2, 2, {.25, 0, .25, 0, .25, 0, 0, .25}, AND_REDUNDANCY, 0, 0, .5},
    {"or", 2, 2, 2, {.25, 0, 0, .25, 0, .25, 0, .25}, AND_REDUNDANCY, 0, 0, .5},
    {"copy", 2, 2, 4, {.25, 0, 0, 0, 0, .25, 0, 0, 0, 0, .25, 0, 0, 0, 0, .25}, 0, 1, 1, 0},
    {"unique", 2, 2, 2, {.25, 0, .25, 0, 0, .25, 0, .25}, 0, 1, 0, 0},
    {"redundant", 2, 2, 2, {.5, 0, 0, 0, 0, 0, 0, .5}, 1, 0, 0, 0},
    {"sum", 2, 2, 3, {.25, 0, 0, 0, .25, 0, 0, .25, 0, 0, 0, .25}, .5, 0, 0, 1},
    {"xor and and", 2, 2, 4, {.25, 0, 0, 0, 0, 0, .25, 0, 0, 0, .25, 0, 0, .25, 0, 0}, .5, 0, 0, 1},
    {"constant y", 2, 3, 1, {1, 2, 3, 4, 5, 6}, 0, 0, 0, 0},
    {"constant x1", 1, 2, 2, {.5, 0, 0, .5}, 0, 0, 1, 0},
    {"one cell", 1, 1, 1, {7}, 0, 0, 0, 0},
};
const int GATE_COUNT = sizeof GATES / sizeof *GATES;

MmlTable gate_table(const Gate *gate) {
    return (MmlTable){.sources = 2, .bins = {gate->n1, gate->n2}, .labels = gate->ny, .p = gate->p};
}

i64 table_cells(const MmlTable *table) {
    i64 cells = table->labels;
    for (int k = 0; k < table->sources; k++) cells *= table->bins[k];
    return cells;
}

static double weight(MmlRandom *random, TableKind kind, i64 cell, int labels) {
    double u = mml_random_uniform(random), v = mml_random_uniform(random);
    switch (kind) {
    case DENSE_WEIGHTS:      return -log(1 - u);
    case SPARSE_WEIGHTS:     return u < 0.3 ? v : 0;
    case DECADES:            return pow(10, -14 * u);
    case SPARSE_DECADES:     return u < 0.2 ? pow(10, -12 * v) : 0;
    case COUNTS:             return floor(-1.2 * log(1 - u));
    case ONE_DOMINANT:       return cell == 0 ? 1 : 1e-9 * u;
    case NEAR_DETERMINISTIC: return cell % labels == cell / labels * 7 % labels ? u : 1e-13 * u;
    case TABLE_KINDS:        break;
    }
    abort();
}

MmlTable filled_table(MmlRandom *random, TableKind kind, int sources, const int *bins, int labels, MmlArena *arena) {
    MmlTable table = {.sources = sources, .labels = labels};
    for (int k = 0; k < sources; k++) table.bins[k] = bins[k];
    i64 cells = table_cells(&table);
    double *p = MML_NEW(arena, double, cells), sum = 0;
    for (i64 c = 0; c < cells; c++) sum += p[c] = weight(random, kind, c, labels);
    if (sum == 0) p[0] = 1;
    table.p = p;
    return table;
}

MmlTable random_table(MmlRandom *random, TableKind kind, int sources, int most, MmlArena *arena) {
    int bins[MML_PID_SOURCES];
    for (int k = 0; k < sources; k++) bins[k] = 1 + (int)mml_random_below(random, (u64)most);
    return filled_table(random, kind, sources, bins, 1 + (int)mml_random_below(random, 6), arena);
}

/* Bin of source k in a tuple. */
static int bin_of(const MmlTable *table, i64 tuple, int k) {
    for (int l = table->sources - 1; l > k; l--) tuple /= table->bins[l];
    return (int)(tuple % table->bins[k]);
}

static long double dual_value(const MmlTable *table, const MmlPid *pid, const long double *p, long double *infeasible) {
    long double value = 0;
    *infeasible = -HUGE_VALL;
    for (i64 t = 0; t < table_cells(table) / table->labels; t++) {
        long double sum = 0;
        for (int y = 0; y < table->labels; y++) {
            long double u = 0;
            const double *of_source = pid->dual;
            for (int k = 0; k < table->sources; k++) {
                u += of_source[(i64)bin_of(table, t, k) * table->labels + y];
                of_source += (i64)table->bins[k] * table->labels;
            }
            sum += expl(u);
            if (p[t * table->labels + y] > 0) value += p[t * table->labels + y] * u;
        }
        *infeasible = fmaxl(*infeasible, logl(sum));
    }
    return value;
}

Certificate check_certificate(const MmlTable *table, const MmlPid *pid) {
    i64 cells = table_cells(table);
    long double *p = calloc((size_t)cells, sizeof *p), sum = 0, primal = 0, off = 0, infeasible;
    Certificate found = {.least_q = HUGE_VAL};
    for (i64 c = 0; c < cells; c++) sum += table->p[c];
    for (i64 c = 0; c < cells; c++) {
        p[c] = table->p[c] / sum;
        found.least_q = fmin(found.least_q, pid->q[c]);
    }
    for (i64 t = 0; t < cells / table->labels; t++) {
        long double mass = 0;
        for (int y = 0; y < table->labels; y++) mass += pid->q[t * table->labels + y];
        for (int y = 0; y < table->labels; y++) {
            long double q = pid->q[t * table->labels + y];
            if (q > 0) primal += q * logl(q / mass);
        }
    }
    for (int k = 0; k < table->sources; k++) {
        long double *difference = calloc((size_t)table->bins[k] * (size_t)table->labels, sizeof *difference);
        for (i64 c = 0; c < cells; c++)
            difference[(i64)bin_of(table, c / table->labels, k) * table->labels + c % table->labels] += pid->q[c] - p[c];
        for (i64 v = 0; v < (i64)table->bins[k] * table->labels; v++) off += fabsl(difference[v]);
        free(difference);
    }
    found.gap = (double)((primal - dual_value(table, pid, p, &infeasible)) / logl(2));
    found.marginals = (double)off;
    found.infeasible = (double)infeasible;
    free(p);
    return found;
}
