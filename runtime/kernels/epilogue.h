/* What becomes of a convolution's sums before they are stored: bias, relu, the
 * gradient through the relu that made the source, a batch norm whose statistics
 * are constants, a residual. They cost no pass over the outputs of their own.
 */
#ifndef MML_KERNELS_EPILOGUE_H
#define MML_KERNELS_EPILOGUE_H

#include "kernels/vector.h"

typedef enum {
    FINISH_PLAIN,                 /* v + bias                                              */
    FINISH_RELU,                  /* at least 0                                            */
    FINISH_MASKED,                /* v where beside is positive, else 0                    */
    FINISH_NORMALISED             /* v * scale + bias, plus beside, with relu at least 0   */
} Finish;

typedef struct {
    Finish       finish;
    bool         relu;            /* of FINISH_NORMALISED                                  */
    const float *bias, *scale;    /* [blocks * MML_BLOCK]; bias NULL: 0                    */
    const float *out;             /* the first float of the tensor that is written         */
    const float *beside;          /* of one that lies as it does; NULL: no residual        */
} Epilogue;

INLINE Vector bias_of(const Epilogue *e, i64 block) { return e->bias ? load(e->bias + block * MML_BLOCK) : ZERO; }
INLINE Vector scale_of(const Epilogue *e, i64 block) { return e->finish == FINISH_NORMALISED ? load(e->scale + block * MML_BLOCK) : ZERO; }

/* What is stored at `to`, inside e->out. finish: e->finish, as a constant. */
INLINE Vector finished(const Epilogue *e, Finish finish, Vector v, Vector scale, Vector bias, const float *to) {
    switch (finish) {
    case FINISH_RELU:   return positive(v + bias);
    case FINISH_MASKED: return masked(load(e->beside + (to - e->out)) > ZERO, v);
    case FINISH_NORMALISED:
        v = v * scale + bias;
        if (e->beside) v += load(e->beside + (to - e->out));
        return e->relu ? positive(v) : v;
    default: return v + bias;
    }
}

#endif
