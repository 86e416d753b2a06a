/* A picture of any bytes: it is decoded, or one message comes. */
#include <stdlib.h>
#include "data/picture.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    Picture picture;
    if (mml_picture_decode("fuzz", bytes, (i64)count, &picture) == MML_OK) {
        if (picture.height < 1 || picture.width < 1 || picture.height * picture.width > MML_PICTURE_PIXELS) abort();
        volatile u8 last = picture.pixels[3 * picture.height * picture.width - 1];
        (void)last;
    } else if (!*mml_message() || picture.pixels) {
        abort();
    }
    free(picture.pixels);
    return 0;
}
