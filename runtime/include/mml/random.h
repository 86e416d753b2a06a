/* Counter-based random streams (Philox 4x32-10, Salmon et al. 2011).
 *
 * A stream is named by the seed, its purpose and up to two counters (epoch,
 * sample, parameter …), so that neither threads nor resuming change what is
 * drawn. Copying an MmlRandom copies the position in the stream.
 *
 * The key of a stream is the first half of Philox(counter a, purpose; key
 * seed); its counter holds b in the upper half and the block number in the
 * lower, so streams that differ in b alone never overlap.
 */
#ifndef MML_RANDOM_H
#define MML_RANDOM_H

#include "mml/base.h"

typedef enum {
    MML_STREAM_INIT = 1,      /* a: parameter index                        */
    MML_STREAM_SHUFFLE,       /* a: stage, b: epoch                        */
    MML_STREAM_SPLIT,         /* holdout and seeded test shares            */
    MML_STREAM_AUGMENT,       /* a: step << 32 | epoch (of all stages), b: sample */
    MML_STREAM_SAMPLE,        /* drawn once a sample; a: step, b: sample   */
    MML_STREAM_DROPOUT,       /* a: step counter, b: layer << 32 | sample  */
    MML_STREAM_PROBE,         /* a: epoch, b: modality                     */
    MML_STREAM_NULL,          /* shuffles of the synergy estimate          */
    MML_STREAM_RULE,          /* random values of policies and methods     */
    MML_STREAM_BOOTSTRAP,     /* b: resample                               */
    MML_STREAM_HALVES,        /* two halves of a table's samples           */
    MML_STREAM_PERMUTATION    /* pairings of a rank correlation; a: pairs  */
} MmlStream;

typedef struct { u32 key[2]; u32 counter[4]; u32 block[4]; int used; } MmlRandom;

MmlRandom mml_random(u64 seed, MmlStream purpose, u64 a, u64 b);
u32    mml_random_u32(MmlRandom *r);
double mml_random_uniform(MmlRandom *r);                 /* [0, 1), 53 bits     */
double mml_random_normal(MmlRandom *r);                  /* N(0, 1), Box-Muller: a pair's first */
void   mml_random_normal_pair(MmlRandom *r, double out[2]);       /* two independent N(0, 1) */
/* out[i] = (float)(deviation * z[first + i]), with z the numbers that mml_random_normal_pair draws from
 * stream, which nothing was drawn from yet; first is even. The same bits on every processor: where AVX2 is
 * there eight pairs are drawn at once, by logarithm, sine and cosine of our own to within 2^-38, and one in
 * some hundred, which could round to another float, is drawn again as a single one (Ziv's test). */
void   mml_random_normals(const MmlRandom *stream, double deviation, i64 first, i64 count, float *out);
u64    mml_random_below(MmlRandom *r, u64 bound);        /* [0, bound), unbiased */
void   mml_random_shuffle(MmlRandom *r, i64 *items, i64 count);   /* Fisher-Yates */

/* The generator itself: one block of four words from counter and key. */
void   mml_philox(const u32 counter[4], const u32 key[2], u32 out[4]);

#endif
