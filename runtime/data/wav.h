/* WAV: RIFF files of PCM and floating-point sound (Microsoft's "Multiple Channel
 * Audio Data and WAVE Files", and the RIFF chunks of 1991).
 *
 * Integers of 8 (unsigned), 16, 24 and 32 bits, floats of 32 and 64, plain or in
 * WAVE_FORMAT_EXTENSIBLE; any chunks around `fmt ` and `data` are passed over.
 * Writers into a pipe can't fill in the length: a data chunk that claims 0
 * bytes, or 0x7fff0000 and more than there are, goes to the end of the file. Any other
 * that claims more than is there is a truncated file.
 */
#ifndef DATA_WAV_H
#define DATA_WAV_H

#include "mml/base.h"

typedef struct {
    i64       rate;                  /* samples a second                            */
    i64       samples;               /* of each channel                             */
    i64       channels;
    i64       width;                 /* bytes of one value                          */
    int       floating;
    const u8 *values;                /* [samples, channels], within the file's bytes */
} Wav;

/* Understands the bytes of a file; they must outlive *out. Fails with MML_EDATA
 * naming the path and what to do: a sound of no samples fails too. */
Status mml_wav_parse(const char *path, const u8 *bytes, i64 count, Wav *out);

/* The mean of the channels, full scale being 1: out[samples]. MML_EDATA where a
 * value is NaN or infinite. */
Status mml_wav_mono(const char *path, const Wav *wav, float *out);

#endif
