#include "pid/table.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "pid/explog.h"

#define PIECE 512      /* cells at once, for the vectors of mml_log */

Status mml_table_cells(const MmlTable *table, i64 *cells) {
    if (table->sources < 2 || table->sources > MML_PID_SOURCES)
        return mml_fail(MML_EINPUT, "a decomposition takes 2 to %d sources, not %d", MML_PID_SOURCES, table->sources);
    if (table->labels < 1)
        return mml_fail(MML_EINPUT, "the table has %d labels; at least 1 is needed", table->labels);
    *cells = table->labels;
    for (int k = 0; k < table->sources; k++) {
        if (table->bins[k] < 1)
            return mml_fail(MML_EINPUT, "source %d of the table has %d bins; at least 1 is needed", k + 1, table->bins[k]);
        if (*cells > MML_PID_CELLS / table->bins[k])
            return mml_fail(MML_EINPUT, "the joint table of %d sources has more than %lld cells; use fewer bins",
                            table->sources, (long long)MML_PID_CELLS);
        *cells *= table->bins[k];
    }
    return MML_OK;
}

static Status bad_cell(const MmlJoint *joint, i64 cell, double value) {
    char place[16 * MML_PID_SOURCES];
    int  used = 0;
    i64  below = joint->tuples;
    i64  tuple = cell / joint->labels;
    for (int k = 0; k < joint->sources; k++) {
        below /= joint->bins[k];
        used += snprintf(place + used, sizeof place - (size_t)used, "[%d]", (int)(tuple / below % joint->bins[k]));
    }
    return mml_fail(MML_EINPUT, "P%s[%d] is %g; weights must be finite and not negative",
                    place, (int)(cell % joint->labels), value);
}

Status mml_joint_new(const MmlTable *table, MmlArena *arena, MmlJoint *out) {
    i64 cells;
    MML_TRY(mml_table_cells(table, &cells));
    *out = (MmlJoint){.sources = table->sources, .labels = table->labels, .tuples = cells / table->labels};
    memcpy(out->bins, table->bins, sizeof out->bins);
    double largest = 0;
    for (i64 c = 0; c < cells; c++) {
        if (!(table->p[c] >= 0) || isinf(table->p[c])) return bad_cell(out, c, table->p[c]);
        if (table->p[c] > largest) largest = table->p[c];
    }
    if (largest == 0) return mml_fail(MML_EINPUT, "all weights of the table are zero");

    out->p = MML_NEW(arena, double, cells);
    out->label = MML_NEW(arena, double, out->labels);
    if (!out->p || !out->label) return MML_ENOMEM;
    /* Divided by the largest first: the sum of finite weights may overflow. */
    double sum = 0;
    for (i64 c = 0; c < cells; c++) sum += table->p[c] / largest;
    double kept = 0;
    for (i64 c = 0; c < cells; c++) {
        double p = table->p[c] / largest / sum;
        out->p[c] = p < MML_PID_ZERO ? 0 : p;
        kept += out->p[c];
    }
    for (i64 c = 0; c < cells; c++) {
        out->p[c] /= kept;
        out->label[c % out->labels] += out->p[c];
    }
    for (int k = 0; k < out->sources; k++) {
        out->marginal[k] = MML_NEW(arena, double, (i64)out->bins[k] * out->labels);
        if (!out->marginal[k]) return MML_ENOMEM;
        mml_joint_marginal(out, out->p, k, out->marginal[k]);
    }
    return MML_OK;
}

void mml_joint_marginal(const MmlJoint *joint, const double *p, int k, double *out) {
    int labels = joint->labels, bins = joint->bins[k];
    i64 inner = 1;
    for (int l = k + 1; l < joint->sources; l++) inner *= joint->bins[l];
    for (i64 c = 0; c < (i64)bins * labels; c++) out[c] = 0;
    for (i64 t = 0; t < joint->tuples; t++) {
        double *row = out + t / inner % bins * labels;
        for (int y = 0; y < labels; y++) row[y] += p[t * labels + y];
    }
}

double mml_pair_information(const double *pair, i64 rows, int labels) {
    double information = 0;
    for (int y = 0; y < labels; y++) {
        double py = 0;
        for (i64 x = 0; x < rows; x++) py += pair[x * labels + y];
        if (py > 0) information -= py * log(py);
    }
    return information + mml_negative_conditional_entropy(pair, rows, labels);
}

double mml_entropy(const double *p, i64 count) {
    double entropy = 0;
    for (i64 c = 0; c < count; c++)
        if (p[c] > 0) entropy -= p[c] * log(p[c]);
    return entropy;
}

/* Quotients below DBL_MIN are taken as that: q is then below it too, and so is
 * the difference. */
double mml_negative_conditional_entropy(const double *q, i64 tuples, int labels) {
    int piece = labels < PIECE ? PIECE / labels : 1;
    double logs[piece * labels], total = 0;
    for (i64 from = 0; from < tuples; from += piece) {
        i64 count = tuples - from < piece ? tuples - from : piece;
        for (i64 t = 0; t < count; t++) {
            const double *row = q + (from + t) * labels;
            double mass = 0;
            for (int y = 0; y < labels; y++) mass += row[y];
            for (int y = 0; y < labels; y++) {
                double quotient = row[y] / mass;
                logs[t * labels + y] = quotient > DBL_MIN ? quotient : DBL_MIN;
            }
        }
        mml_log(logs, count * labels);
        for (i64 c = 0; c < count * labels; c++) total += q[from * labels + c] * logs[c];
    }
    return total;
}

double mml_pid_clock(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}
