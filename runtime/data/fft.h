/* The discrete Fourier transform X_k = sum over i of x_i e^(-2 pi i k / n) of several
 * signals at once, of any length, in double precision.
 *
 * Lengths without prime factors above 50 by mixed radices in Stockham's order
 * (4, 2, then odd primes), others by Bluestein's convolution (1970). Signals lie beside
 * each other in FFT_LANES lanes so that every loop is one over vectors. Two real
 * signals go into one complex one, see mml_fft_pair.
 */
#ifndef DATA_FFT_H
#define DATA_FFT_H

#include "mml/base.h"

enum { FFT_LANES = 4 };

typedef struct Fft Fft;

/* In arena; n >= 1. MML_ENOMEM. */
Status mml_fft_new(i64 n, MmlArena *arena, Fft **out);

/* Doubles of a transform's memory: its signals and what it works with. */
i64    mml_fft_doubles(const Fft *fft);

/* memory: mml_fft_doubles, of which the first [2, n, FFT_LANES] hold the real, then the imaginary parts.
 * The result is laid out alike; it lies within memory at the address returned. */
const double *mml_fft_run(const Fft *fft, double *memory);

/* The spectra a and b (real, imaginary part) at frequency k of two real signals that were
 * transformed as the real and the imaginary part of one, in one lane. */
static inline void mml_fft_pair(const double *spectrum, i64 n, i64 k, int lane, double a[2], double b[2]) {
    i64 at = k * FFT_LANES + lane, mirror = (k ? n - k : 0) * FFT_LANES + lane, imaginary = n * FFT_LANES;
    double re = spectrum[at], im = spectrum[imaginary + at], re2 = spectrum[mirror], im2 = spectrum[imaginary + mirror];
    a[0] = (re + re2) / 2;
    a[1] = (im - im2) / 2;
    b[0] = (im + im2) / 2;
    b[1] = (re2 - re) / 2;
}

#endif
