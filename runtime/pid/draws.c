#include "pid/draws.h"

#include <math.h>

#define HALF_LOG_TWO_PI 0.91893853320467274178

/* ---- Probabilities ---- */

/* log n! less Stirling's log(sqrt(2 pi n) (n / e)^n). */
static double stirling_error(double n) {
    if (n < 16) {
        double factorial = 1;
        for (double k = 2; k <= n; k++) factorial *= k;
        return log(factorial) - (n + 0.5) * log(n) + n - HALF_LOG_TWO_PI;
    }
    double square = n * n;
    return (1.0 / 12 - (1.0 / 360 - (1.0 / 1260 - 1.0 / 1680 / square) / square) / square) / n;
}

/* x log(x / mean) + mean - x, of half the deviance. */
static double deviance(double x, double mean) {
    double t = (x - mean) / mean;
    return mean * ((1 + t) * log1p(t) - t);
}

/* q = 1 - p is given beside p, so that neither cancels. */
static double log_binomial(double x, double n, double p, double q) {
    if (x < 0 || x > n) return -INFINITY;
    if (p == 0) return x == 0 ? 0 : -INFINITY;
    if (q == 0) return x == n ? 0 : -INFINITY;
    if (x == 0) return p < 0.1 ? n * log1p(-p) : n * log(q);
    if (x == n) return q < 0.1 ? n * log1p(-q) : n * log(p);
    return stirling_error(n) - stirling_error(x) - stirling_error(n - x) - deviance(x, n * p) - deviance(n - x, n * q) -
           HALF_LOG_TWO_PI + 0.5 * log(n / x / (n - x));
}

double mml_log_binomial(i64 x, i64 trials, double p) { return log_binomial((double)x, (double)trials, p, 1 - p); }

double mml_log_hypergeometric(i64 x, i64 items, i64 marked, i64 drawn) {
    if (x < 0 || x > drawn || x > marked || drawn - x > items - marked) return -INFINITY;
    if (items == 0) return 0;
    double p = (double)drawn / (double)items, q = (double)(items - drawn) / (double)items;
    return log_binomial((double)x, (double)marked, p, q) +
           log_binomial((double)(drawn - x), (double)(items - marked), p, q) - log_binomial((double)drawn, (double)items, p, q);
}

/* ---- Draws ---- */

/* What both generators need to know of a distribution. */
typedef struct {
    int    hypergeometric;
    i64    items, marked, drawn;       /* binomial: drawn trials */
    double p;
    i64    low, high, mode;
} Distribution;

static double log_probability(const Distribution *d, i64 x) {
    return d->hypergeometric ? mml_log_hypergeometric(x, d->items, d->marked, d->drawn) : mml_log_binomial(x, d->drawn, d->p);
}

/* P(x + 1) / P(x). */
static double next_ratio(const Distribution *d, i64 x) {
    double left = (double)(d->drawn - x), up = (double)(x + 1);
    if (!d->hypergeometric) return left / up * (d->p / (1 - d->p));
    return left / up * ((double)(d->marked - x) / (double)(d->items - d->marked - d->drawn + x + 1));
}

static i64 draw_upwards(MmlRandom *random, const Distribution *d) {
    double left = mml_random_uniform(random), probability = exp(log_probability(d, d->low));
    i64 x = d->low;
    while (left >= probability && x < d->high) {
        left -= probability;
        double ratio = next_ratio(d, x++);
        probability *= ratio;
        if (probability <= 0) return x - 1;        /* what rounding left of the sum */
    }
    return x;
}

/* The envelope min(1, exp(w - p |y|)) of P(mode + y) / P(mode), w = 1 + p / 2, p = P(mode). */
static i64 draw_by_rejection(MmlRandom *random, const Distribution *d) {
    double log_top = log_probability(d, d->mode), top = exp(log_top), w = 1 + top / 2;
    for (;;) {
        double u = mml_random_uniform(random), v = 1 - mml_random_uniform(random), accept = 1 - mml_random_uniform(random);
        double y = u <= w / (1 + w) ? v * w / top : (w - log(v)) / top, distance = floor(y + 0.5);
        int below = mml_random_u32(random) & 1;
        if (distance > (double)(below ? d->mode - d->low : d->high - d->mode)) continue;
        i64 x = below ? d->mode - (i64)distance : d->mode + (i64)distance;
        if (log(accept) + fmin(0, w - top * y) <= log_probability(d, x) - log_top) return x;
    }
}

/* Up to here summing is cheaper than rejection. */
#define FEW 16

static i64 draw(MmlRandom *random, const Distribution *d) {
    if (d->low == d->high) return d->low;
    return d->mode - d->low < FEW ? draw_upwards(random, d) : draw_by_rejection(random, d);
}

static i64 within(i64 low, double x, i64 high) { return x <= (double)low ? low : x >= (double)high ? high : (i64)x; }

i64 mml_draw_binomial(MmlRandom *random, i64 trials, double p) {
    if (!(p > 0) || trials <= 0) return 0;
    if (p >= 1) return trials;
    Distribution d = {.drawn = trials, .p = p, .low = 0, .high = trials, .mode = within(0, floor(((double)trials + 1) * p), trials)};
    return draw(random, &d);
}

i64 mml_draw_hypergeometric(MmlRandom *random, i64 items, i64 marked, i64 drawn) {
    Distribution d = {.hypergeometric = 1, .items = items, .marked = marked, .drawn = drawn};
    d.low = drawn > items - marked ? drawn - (items - marked) : 0;
    d.high = drawn < marked ? drawn : marked;
    d.mode = within(d.low, floor(((double)drawn + 1) / ((double)items + 2) * ((double)marked + 1)), d.high);
    return draw(random, &d);
}
