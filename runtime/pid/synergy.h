/* Estimating synergy from samples (pid.md 5). Information in bits. */
#ifndef PID_SYNERGY_H
#define PID_SYNERGY_H

#include "pid/table.h"

/* n samples in bins: bin[k][n] in [0, bins[k]), label[n] in [0, labels). */
typedef struct {
    int        sources, labels;
    int        bins[MML_PID_SOURCES];
    const i32 *bin[MML_PID_SOURCES];
    const i64 *label;
    i64        n;
} MmlSamples;

/* Plug-in I(X1 … XK; Y), by sorting: no joint table is made. Scratch is
 * released on return. */
Status mml_sample_information(const MmlSamples *samples, MmlArena *arena, double *information);

/* Shuffles of the adjustment: enough for its mean, whose error is a third of the spread. */
#define MML_SYNERGY_SHUFFLES 10

typedef struct {
    double base;        /* I_ci(X; Y) of P_ci = p(y) prod_k p(x_k | y), which has no synergy of its own */
    double bias;        /* mean over the shuffles of I(X; Y) - base        */
    double spread;      /* their standard deviation                        */
    double adjusted;    /* S_adj */
} MmlSynergy;

/* S_adj = (base - union) + room (total - base - bias) / (room - bias),
 * room = H(Y) - base: what is beyond conditional independence, less what
 * shuffles within each label have beyond it, on the scale of what is left. The
 * same for any K with union the union information I_u: P_ci has the pair
 * marginals of P for every K, so base >= I_u; it is shuffled by permuting each
 * source but the first among the samples of a label. The quotient is kept in
 * [-1, 1]; it is 0 where the shuffles leave no room.
 *
 * total: plug-in I(X; Y), entropy: H(Y), of the same samples. Streams
 * MML_STREAM_NULL (epoch, shuffle). Scratch is released on return. */
Status mml_adjusted_synergy(const MmlSamples *samples, double total, double entropy, double union_information,
                            u64 seed, i64 epoch, MmlArena *arena, MmlSynergy *out);

/* The formula alone. */
double mml_adjust(double base, double bias, double total, double entropy, double union_information);

/* I(X; Y) of P_ci, from the label and pair marginals of joint alone. cell: [labels] scratch. */
double mml_independent_information(const MmlJoint *joint, double *cell);

#endif
