/* What the pooling layers share. */
#ifndef MML_NN_POOL_H
#define MML_NN_POOL_H

#include "mml/experiment.h"

typedef struct {
    i64 channels, in_height, in_width, kernel, stride, pad, out_height, out_width;
    i64 in_plane, out_plane;      /* pixels of one channel */
} Pool;

static inline Pool pool_from(const MmlValue *a) {
    return (Pool){
        .channels = a[0].i, .in_height = a[1].i, .in_width = a[2].i, .kernel = a[3].i,
        .stride = a[4].i, .pad = a[5].i, .out_height = a[6].i, .out_width = a[7].i,
        .in_plane = a[1].i * a[2].i, .out_plane = a[6].i * a[7].i,
    };
}

typedef struct { i64 first, last; } Span;

/* The part [first, last) of window number `window` that lies inside [0, size).
 * Never empty while pad <= kernel / 2, which abi.def asks for. */
static inline Span pool_span(i64 window, i64 stride, i64 pad, i64 kernel, i64 size) {
    i64 first = window * stride - pad, last = first + kernel;
    return (Span){first > 0 ? first : 0, last < size ? last : size};
}

#endif
