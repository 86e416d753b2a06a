/* A WAV file of any bytes: it is decoded to its last sample, or one message comes. */
#include <math.h>
#include <stdlib.h>
#include "data/wav.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    Wav wav;
    if (mml_wav_parse("fuzz", bytes, (i64)count, &wav) != MML_OK) {
        if (!*mml_message()) abort();
        return 0;
    }
    if (wav.samples < 1 || wav.rate < 1 || wav.samples * wav.channels * wav.width > (i64)count) abort();
    float *out = malloc(sizeof *out * (size_t)wav.samples);
    if (!out) return 0;
    if (mml_wav_mono("fuzz", &wav, out) == MML_OK) {
        for (i64 i = 0; i < wav.samples; i++)
            if (!isfinite(out[i])) abort();
    } else if (!*mml_message()) {
        abort();
    }
    free(out);
    return 0;
}
