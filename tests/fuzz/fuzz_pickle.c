/* A pickle of any bytes: it is read, or one message comes; what it holds can be looked at as the reader of colored_mnist does. */
#include <stdlib.h>
#include "data/pickle.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count);

static void read_arrays(const PickleValue *dict) {
    static const char *const keys[] = { "train_image", "train_label", "test_image", "test_label" };
    for (int i = 0; i < 4; i++) {
        const PickleValue *value = mml_pickle_get(dict, keys[i]);
        NpyArray array = { 0 };
        if (value && mml_pickle_array(keys[i], value, &array) == MML_OK)
            for (i64 k = 0; k < array.count && k < 1000; k++) {
                i64 number;
                mml_npy_integer(&array, k, &number);
            }
        free(array.values);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t count) {
    MmlArena *arena = mml_arena_new();
    const PickleValue *value = NULL;
    if (mml_pickle_read("fuzz", bytes, (i64)count, arena, &value) == MML_OK) {
        const PickleValue *dict = mml_pickle_object(value);
        read_arrays(dict ? dict : value);
    } else if (!*mml_message()) {
        abort();
    }
    mml_arena_free(arena);
    return 0;
}
