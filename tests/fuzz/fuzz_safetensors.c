/* Weights of any bytes: every tensor can be read, or one message comes. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "train/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void read_all(const MmlSafetensors *file) {
    for (i64 i = 0; i < mml_safetensors_count(file); i++) {
        const MmlTensor *tensor = mml_safetensors_at(file, i);
        char shape[160];
        void *values = malloc((size_t)tensor->bytes + 1);
        if (!values || mml_safetensors_read(file, tensor, values) != MML_OK) abort();      /* its size was checked */
        if (!mml_safetensors_find(file, tensor->name) || !*mml_tensor_shape_text(tensor, shape)) abort();
        free(values);
    }
    mml_safetensors_metadata(file, "hash");
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    char path[64];
    int descriptor = memfd_create("weights", 0);
    if (descriptor < 0 || write(descriptor, bytes, count) != (ssize_t)count) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    MmlSafetensors *file;
    if (mml_safetensors_open(path, &file) == MML_OK) read_all(file);
    else if (file || !*mml_message()) abort();
    mml_safetensors_close(file);
    close(descriptor);
    return 0;
}
