/* Exact draws of binomial and hypergeometric counts of any size up to 2^53.
 *
 * Small means by summing probabilities upwards, others by Devroye's universal
 * rejection for discrete log-concave distributions (Computing 39, 1987: about
 * five trials, whatever the counts). Probabilities by Loader's saddle-point form
 * ("Fast and accurate computation of binomial probabilities", 2000), which
 * doesn't cancel as differences of log-factorials do.
 */
#ifndef PID_DRAWS_H
#define PID_DRAWS_H

#include "mml/random.h"

/* Successes among `trials` of probability p in [0, 1]. */
i64 mml_draw_binomial(MmlRandom *random, i64 trials, double p);

/* Marked items among `drawn` of `items` without replacement, `marked` of which
 * are marked. 0 <= marked, drawn <= items. */
i64 mml_draw_hypergeometric(MmlRandom *random, i64 items, i64 marked, i64 drawn);

/* log P of both distributions; -infinity outside of their support. */
double mml_log_binomial(i64 x, i64 trials, double p);
double mml_log_hypergeometric(i64 x, i64 items, i64 marked, i64 drawn);

#endif
