/* The inner loops of FastPID: one source (fastpid_kernel.c), built for any
 * processor, for x86-64-v3, and as bitcode that mmlc specialises by sizes.
 *
 * A projection is kept factored: after sweep t, q = K a_t b_t with K =
 * exp(logits - top), b_t = p(x2, y) / (K^T a_(t-1)), a_t = p(x1, y) /
 * (K b_t), a_0 = 1. It doesn't change when K is scaled, so that K needs no
 * normalising and the softmax adds nothing to the gradient.
 *
 * Layout: y is cut into planes of `lanes` labels; a table [x1, x2, y] is
 * [planes][bins1][bins2][lanes], a pair table [x, y] is [planes][bins][lanes].
 * Lanes beyond the last label have logits of minus infinity and marginals 0.
 */
#ifndef PID_FASTPID_KERNEL_H
#define PID_FASTPID_KERNEL_H

#include "mml/base.h"

typedef struct {
    double  top;                            /* about the maximum of the logits                         */
    double *logits, *k, *q, *gradient;      /* [table]; q: the last projection                         */
    double *moment1, *moment2;              /* [table] Adam's                                          */
    double *marginal1, *marginal2;          /* [pair table] of P                                       */
    double *mass;                           /* [bins1, bins2] q(x1, x2), then its log                  */
    double *log1, *log2;                    /* [pair table] log a, log b of the last sweep             */
    double *adjoint1, *adjoint2;            /* [pair table] d loss / d a, d loss / d b                 */
    /* [2 * sweeps + 1, pair table]. Sweep t from 0: left[2t] = a_t, left[2t + 1] = 1 / (K b_(t+1)),
     * right[2t] = 1 / (K^T a_t), right[2t + 1] = b_(t+1). The gradient replaces the inverses by the
     * derivatives by the sums: d loss / d K = d loss / d q a b + the sum over s of left[s] right[s]. */
    double *left, *right;
    i64     sweeps;                         /* done                                                    */
    void  (*log)(double *x, i64 count);     /* mml_log                                                 */
} MmlFastPidState;

/* They come last, so that a specialised function is a call with constants for them. */
#define MML_FASTPID_SIZES i64 bins1, i64 bins2, i64 planes

typedef struct {
    i64 lanes;
    /* Sets top to the maximum and k to logits - top, before the exponential. Returns it; not finite when a
     * logit is NaN or infinity, or all are minus infinity. */
    double (*shift)(MmlFastPidState *state, i64 count);
    /* Sweeps first … last - 1. */
    void   (*sweep)(MmlFastPidState *state, i64 first, i64 last, MML_FASTPID_SIZES);
    /* L1 distance of the (x2, y) marginal from P's after the last sweep. */
    double (*residual)(MmlFastPidState *state, MML_FASTPID_SIZES);
    /* q and mass from K and the last sweep. Returns max |q - what was there|; *largest = max q. */
    double (*project)(MmlFastPidState *state, double *largest, MML_FASTPID_SIZES);
    /* gradient = d loss / d logits of loss = -H_q(Y | X1, X2) in nats. Behind project, once. */
    void   (*differentiate)(MmlFastPidState *state, MML_FASTPID_SIZES);
    /* Adam's step number `step` (from 1); k = logits - top, top being what it was. Returns the new maximum,
     * infinity for NaN. */
    double (*descend)(MmlFastPidState *state, double rate, i64 step, i64 count);
} MmlFastPidKernel;

extern const MmlFastPidKernel mml_fastpid_portable;
#if defined(__x86_64__)
extern const MmlFastPidKernel mml_fastpid_wide;      /* needs AVX2 and FMA */
#endif

#endif
