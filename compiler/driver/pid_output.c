#include "driver/pid_output.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- For people ---- */

#define NAME_WIDTH 24

void pid_output_begin(const PidOutput *output, const PidInput *input) {
    if (output->json) return;
    printf("%-*s  %-11s %10s %10s %10s %10s %10s %10s %10s %8s %5s %9s\n", NAME_WIDTH, "bits", "bins", "redundancy",
           "unique x1", "unique x2", "synergy", "I(X1;Y)", "I(X2;Y)", "I(X1,X2;Y)", "gap", "steps", "ms");
}

/* Rounding may leave a zero negative; "-0.000000" would puzzle. */
static double shown(double bits) { return fabs(bits) < 5e-7 ? 0 : bits; }

static void print_row(const PidDistribution *distribution, const MmlPid *pid) {
    char bins[48];
    const MmlTable *table = &distribution->table;
    snprintf(bins, sizeof bins, "%dx%dx%d", table->bins[0], table->bins[1], table->labels);
    printf("%-*s  %-11s %10.6f %10.6f %10.6f %10.6f %10.6f %10.6f %10.6f ", NAME_WIDTH, distribution->name, bins,
           shown(pid->redundancy), shown(pid->unique[0]), shown(pid->unique[1]), shown(pid->synergy),
           shown(pid->mutual[0]), shown(pid->mutual[1]), shown(pid->total));
    if (isnan(pid->gap)) printf("%8s", "-");
    else printf("%8.1e", pid->gap);
    printf(" %5d %9.3f\n", pid->iterations, 1e3 * pid->seconds);
    if (isnan(pid->gap)) printf("%-*s  marginals of q are off by %.2g (L1)\n", NAME_WIDTH, "", pid->residual);
}

static void print_estimates(const PidEstimates *estimates) {
    const PidEstimateOptions *options = estimates->options;
    const MmlPidNull *null = &estimates->null;
    const MmlPidIntervals *of = &estimates->intervals;
    printf("%-*s  adjusted for %lld samples: synergy %.6f (error %.2g)\n", NAME_WIDTH, "", (long long)null->samples,
           shown(null->synergy), null->error);
    if (options->halved)
        printf("%-*s  2 X(n) - X(n/2): redundancy %.6f, unique x1 %.6f, unique x2 %.6f\n", NAME_WIDTH, "",
               shown(estimates->halved.redundancy), shown(estimates->halved.unique[0]), shown(estimates->halved.unique[1]));
    if (options->resamples)
        printf("%-*s  95 %% intervals: redundancy %.4f … %.4f, unique x1 %.4f … %.4f, unique x2 %.4f … %.4f, synergy %.4f … %.4f\n",
               NAME_WIDTH, "", of->redundancy.low, of->redundancy.high, of->unique[0].low, of->unique[0].high, of->unique[1].low,
               of->unique[1].high, of->synergy.low, of->synergy.high);
    if (options->shuffles)
        printf("%-*s  more synergy than conditional independence: p = %.4g; synergy of %d shuffles: mean %.4f, 95 %% below %.4f\n",
               NAME_WIDTH, "", null->p, options->shuffles, shown(null->mean), shown(null->quantile));
}

static const char *bin_name(const PidDistribution *distribution, int column, i64 bin, char *buffer, size_t size) {
    if (distribution->values[column]) return distribution->values[column][bin];
    snprintf(buffer, size, "%lld", (long long)bin);
    return buffer;
}

static void print_cells(const PidOutput *output, const PidDistribution *distribution, const MmlPid *pid,
                        const double *p, const double *gradient) {
    const MmlTable *table = &distribution->table;
    i64 cells = (i64)table->bins[0] * table->bins[1] * table->labels, second = (i64)table->bins[0] * table->labels;
    printf("  %-8s %-8s %-8s %12s", "x1", "x2", "y", "P");
    if (output->certificate) printf(" %12s %12s %12s", "q", "a(x1,y)", "b(x2,y)");
    if (output->gradient) printf(" %12s %12s %12s %12s", "dR/dP", "dU1/dP", "dU2/dP", "dS/dP");
    printf("\n");
    for (i64 c = 0; c < cells; c++) {
        char buffer[3][24];
        i64 y = c % table->labels, x2 = c / table->labels % table->bins[1], x1 = c / table->labels / table->bins[1];
        printf("  %-8s %-8s %-8s %12.6g", bin_name(distribution, 0, x1, buffer[0], sizeof buffer[0]),
               bin_name(distribution, 1, x2, buffer[1], sizeof buffer[1]), bin_name(distribution, 2, y, buffer[2], sizeof buffer[2]), p[c]);
        if (output->certificate)
            printf(" %12.6g %12.6g %12.6g", pid->q[c], pid->dual[x1 * table->labels + y], pid->dual[second + x2 * table->labels + y]);
        for (int atom = 0; atom < 4 && output->gradient; atom++) printf(" %12.6g", gradient[atom * cells + c]);
        printf("\n");
    }
}

/* ---- For scripts ---- */

/* JSON has no NaN: null. */
static json_t *real(double value) { return isfinite(value) ? json_real(value) : json_null(); }

/* values[sizes[0]][sizes[1]]… as nested arrays. */
static json_t *nested(const double *values, const int *sizes, int rank) {
    if (rank == 0) return real(*values);
    i64 step = 1;
    for (int r = 1; r < rank; r++) step *= sizes[r];
    json_t *array = json_array();
    for (int i = 0; i < sizes[0]; i++) json_array_append_new(array, nested(values + i * step, sizes + 1, rank - 1));
    return array;
}

static void add_certificate(json_t *line, const PidDistribution *distribution, const MmlPid *pid, const double *p) {
    const MmlTable *table = &distribution->table;
    const int joint[] = {table->bins[0], table->bins[1], table->labels};
    const int first[] = {table->bins[0], table->labels}, second[] = {table->bins[1], table->labels};
    json_object_set_new(line, "P", nested(p, joint, 3));
    json_object_set_new(line, "q", nested(pid->q, joint, 3));
    json_object_set_new(line, "a", nested(pid->dual, first, 2));
    json_object_set_new(line, "b", nested(pid->dual + (i64)table->bins[0] * table->labels, second, 2));
}

static void add_gradient(json_t *line, const PidDistribution *distribution, const double *gradient) {
    const MmlTable *table = &distribution->table;
    const int joint[] = {table->bins[0], table->bins[1], table->labels};
    i64 cells = (i64)joint[0] * joint[1] * joint[2];
    json_object_set_new(line, "gradient", json_pack("{s:o, s:[o, o], s:o}",
                        "redundancy", nested(gradient, joint, 3),
                        "unique", nested(gradient + cells, joint, 3), nested(gradient + 2 * cells, joint, 3),
                        "synergy", nested(gradient + 3 * cells, joint, 3)));
}

static void add_values(json_t *line, const PidDistribution *distribution) {
    static const char *const names[] = {"x1", "x2", "y"};
    const MmlTable *table = &distribution->table;
    const int count[] = {table->bins[0], table->bins[1], table->labels};
    json_t *values = json_object();
    for (int c = 0; c < 3; c++) {
        json_t *column = json_array();
        for (int i = 0; i < count[c]; i++) {
            json_t *text = json_string(distribution->values[c][i]);        /* NULL when it isn't UTF-8 */
            json_array_append_new(column, text ? text : json_null());
        }
        json_object_set_new(values, names[c], column);
    }
    json_object_set_new(line, "values", values);
}

static json_t *interval(MmlInterval of) { return json_pack("[o, o]", real(of.low), real(of.high)); }

static void add_estimates(json_t *line, const PidEstimates *estimates) {
    const PidEstimateOptions *options = estimates->options;
    const MmlPidNull *null = &estimates->null;
    const MmlPidIntervals *of = &estimates->intervals;
    json_object_set_new(line, "samples", json_integer(null->samples));
    json_object_set_new(line, "synergy_adjusted", real(null->synergy));
    json_object_set_new(line, "synergy_error", real(null->error));
    if (options->shuffles)
        json_object_set_new(line, "null", json_pack("{s:i, s:o, s:o, s:o}", "shuffles", options->shuffles, "p", real(null->p),
                            "mean", real(null->mean), "quantile", real(null->quantile)));
    if (options->resamples)
        json_object_set_new(line, "bootstrap", json_pack("{s:i, s:o, s:[o, o], s:o}", "resamples", options->resamples,
                            "redundancy", interval(of->redundancy),
                            "unique", interval(of->unique[0]), interval(of->unique[1]), "synergy", interval(of->synergy)));
    if (options->halved)
        json_object_set_new(line, "halved", json_pack("{s:o, s:[o, o]}", "redundancy", real(estimates->halved.redundancy),
                            "unique", real(estimates->halved.unique[0]), real(estimates->halved.unique[1])));
}

static Status print_line(const PidOutput *output, const PidDistribution *distribution, const MmlPid *pid,
                         const PidEstimates *estimates, const double *p, const double *gradient) {
    json_t *name = json_string(distribution->name);
    json_t *line = json_pack("{s:o, s:o, s:[o, o], s:o, s:[o, o], s:o, s:o, s:o, s:i, s:o}",
                             "name", name ? name : json_null(), "redundancy", real(pid->redundancy),
                             "unique", real(pid->unique[0]), real(pid->unique[1]), "synergy", real(pid->synergy),
                             "mutual", real(pid->mutual[0]), real(pid->mutual[1]), "total", real(pid->total),
                             "entropy", real(pid->entropy), "gap", real(pid->gap), "iterations", pid->iterations,
                             "seconds", real(pid->seconds));
    if (line && isnan(pid->gap)) json_object_set_new(line, "residual", real(pid->residual));
    if (line && isnan(pid->gap)) json_object_set_new(line, "converged", json_boolean(pid->converged));
    if (line && estimates) add_estimates(line, estimates);
    if (line && output->certificate) add_certificate(line, distribution, pid, p);
    if (line && output->gradient) add_gradient(line, distribution, gradient);
    if (line && distribution->values[0] && (output->certificate || output->gradient)) add_values(line, distribution);
    char *text = line ? json_dumps(line, JSON_COMPACT | JSON_REAL_PRECISION(17)) : NULL;
    if (text) puts(text);
    json_decref(line);
    int written = text != NULL;
    free(text);
    return written ? MML_OK : mml_fail(MML_ENOMEM, "out of memory for the result");
}

static double *normalised(const MmlTable *table, MmlArena *arena) {
    i64 cells = (i64)table->bins[0] * table->bins[1] * table->labels;
    double *p = MML_NEW(arena, double, cells), largest = 0, sum = 0;
    for (i64 c = 0; p && c < cells; c++) largest = fmax(largest, table->p[c]);
    for (i64 c = 0; p && c < cells; c++) sum += table->p[c] / largest;
    for (i64 c = 0; p && c < cells; c++) p[c] = table->p[c] / largest / sum;
    return p;
}

Status pid_output_write(const PidOutput *output, const PidDistribution *distribution, const MmlPid *pid,
                        const PidEstimates *estimates, MmlArena *arena) {
    const MmlTable *table = &distribution->table;
    i64 cells = (i64)table->bins[0] * table->bins[1] * table->labels;
    double *p = NULL, *gradient = NULL;
    if (output->certificate || output->gradient) {
        p = normalised(table, arena);
        gradient = MML_NEW(arena, double, 4 * cells);
        if (!p || !gradient) return MML_ENOMEM;
        if (output->gradient) MML_TRY(mml_pid_gradient(table, pid, arena, gradient));
    }
    if (output->json) return print_line(output, distribution, pid, estimates, p, gradient);
    print_row(distribution, pid);
    if (estimates) print_estimates(estimates);
    if (p) print_cells(output, distribution, pid, p, gradient);
    return MML_OK;
}
