#include <criterion/criterion.h>
#include <float.h>
#include <math.h>

#include "mml/random.h"
#include "pid/explog.h"

#define COUNT 200003

typedef void (*Function)(double *x, i64 count);

/* Largest distance from exact in units of the last place of the exact value. */
static double worst_ulp(Function function, long double (*exact)(long double), const double *x, i64 count) {
    static double y[COUNT];
    double worst = 0;
    for (i64 c = 0; c < count; c++) y[c] = x[c];
    function(y, count);
    for (i64 c = 0; c < count; c++) {
        long double truth = exact(x[c]);
        int exponent;
        frexpl(truth, &exponent);
        double error = truth == 0 ? (y[c] == 0 ? 0 : INFINITY) : (double)(fabsl(y[c] - truth) / ldexpl(1, exponent - 53));
        if (!(error <= worst)) worst = error;
    }
    return worst;
}

static double x[COUNT];

Test(explog, exponentials_are_right_to_one_ulp) {
    const double scales[] = {1e-9, 0.4, 5, 60, 707.9};
    for (int s = 0; s < 5; s++) {
        MmlRandom random = mml_random(11, MML_STREAM_RULE, (u64)s, 0);
        for (i64 c = 0; c < COUNT; c++) x[c] = (2 * mml_random_uniform(&random) - 1) * scales[s];
        x[0] = 0;
        cr_assert_leq(worst_ulp(mml_exp, expl, x, COUNT), 1, "within %g", scales[s]);
        cr_assert_leq(worst_ulp(mml_exp_portable, expl, x, COUNT), 1, "portable, within %g", scales[s]);
    }
}

Test(explog, logarithms_are_right_to_one_ulp) {
    const double decades[] = {1e-9, 0.2, 1, 20, 307};
    for (int s = 0; s < 5; s++) {
        MmlRandom random = mml_random(12, MML_STREAM_RULE, (u64)s, 0);
        for (i64 c = 0; c < COUNT; c++) x[c] = pow(10, (2 * mml_random_uniform(&random) - 1) * decades[s]);
        x[0] = 1;
        x[1] = DBL_MIN;
        x[2] = DBL_MAX;
        x[3] = nextafter(1, 0);
        x[4] = nextafter(1, 2);
        cr_assert_leq(worst_ulp(mml_log, logl, x, COUNT), 1, "within %g decades", decades[s]);
        cr_assert_leq(worst_ulp(mml_log_portable, logl, x, COUNT), 1, "portable, within %g decades", decades[s]);
    }
}

Test(explog, tiny_exponentials_are_zero_and_nan_stays) {
    const Function exps[] = {mml_exp, mml_exp_portable}, logs[] = {mml_log, mml_log_portable};
    for (int f = 0; f < 2; f++) {
        double a[] = {-709, -INFINITY, -1e300, NAN, 0}, b[] = {NAN, 1};
        exps[f](a, 5);
        logs[f](b, 2);
        for (int c = 0; c < 3; c++) cr_assert_eq(a[c], 0);
        cr_assert(isnan(a[3]) && isnan(b[0]));
        cr_assert_eq(a[4], 1);
        cr_assert_eq(b[1], 0);
    }
}
