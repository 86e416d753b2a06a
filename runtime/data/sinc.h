/* Resampling of sound: a Kaiser-windowed sinc at the exact position of each output
 * (Kaiser 1974; Smith, "Digital Audio Resampling"), zeros beyond both ends.
 *
 * Of the lower of the two Nyquist frequencies, the lower 92 % pass (within 1e-5 of
 * their amplitude) and nothing from the Nyquist frequency on (100 dB down): no
 * aliases. A sound of n samples becomes ceil(n * to / from), sample 0 being at
 * the same time in both.
 */
#ifndef DATA_SINC_H
#define DATA_SINC_H

#include "mml/base.h"

typedef struct {
    double from, to;                 /* samples a second                            */
    i64    up, down;                 /* output n lies at input n * down / up; up 0: at n * from / to */
    i64    half;                     /* taps on each side                           */
    double cutoff;                   /* of the input's Nyquist frequency            */
    double peak;                     /* the window's, before it is scaled to 1      */
    float *table;                    /* [up, 2 half] in arena; NULL: computed anew at each output, where it would be large */
} Sinc;

/* from: a whole number. MML_ENOMEM. */
Status mml_sinc_new(i64 from, double to, MmlArena *arena, Sinc *out);
i64    mml_sinc_length(const Sinc *sinc, i64 samples);
/* out: mml_sinc_length(samples) values. */
void   mml_sinc_run(const Sinc *sinc, const float *in, i64 samples, float *out);

#endif
